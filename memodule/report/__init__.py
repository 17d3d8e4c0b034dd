"""Pictures and pages of finished studies."""

from typing import TYPE_CHECKING

from memodule.runtime.lazy import lazy_attributes

if TYPE_CHECKING:
    from memodule.report.page import report_page, write_report
    from memodule.report.runs import Run

__all__ = ["Run", "report_page", "write_report"]

__getattr__ = lazy_attributes(__name__, {"Run": "runs", "report_page": "page", "write_report": "page"})
