"""Pictures and pages of finished studies."""

from memodule.report.page import report_page, write_report
from memodule.report.runs import Run

__all__ = ["Run", "report_page", "write_report"]
