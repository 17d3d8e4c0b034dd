"""Pages and figures of finished studies."""

from typing import TYPE_CHECKING

from memodule.runtime.lazy import lazy_attributes

if TYPE_CHECKING:
    from memodule.report.page import report_page, write_report
    from memodule.report.reported_study import ReportedStudy

__all__ = ["ReportedStudy", "report_page", "write_report"]

__getattr__ = lazy_attributes(
    __name__, {"ReportedStudy": "reported_study", "report_page": "page", "write_report": "page"}
)
