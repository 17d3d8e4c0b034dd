"""Frames -> (windows, 36, k) optical flow."""

from typing import TYPE_CHECKING

from memodule.runtime.lazy import lazy_attributes

if TYPE_CHECKING:
    from memodule.flow.extraction import ExtractionReport, VideoOutcome, extract_catalog
    from memodule.flow.extractor import FlowExtractor
    from memodule.flow.parameters import FlowParameters
    from memodule.flow.record import FlowRecord
    from memodule.flow.store import FlowStore

__all__ = [
    "ExtractionReport",
    "FlowExtractor",
    "FlowParameters",
    "FlowRecord",
    "FlowStore",
    "VideoOutcome",
    "extract_catalog",
]

__getattr__ = lazy_attributes(
    __name__,
    {
        "ExtractionReport": "extraction",
        "FlowExtractor": "extractor",
        "FlowParameters": "parameters",
        "FlowRecord": "record",
        "FlowStore": "store",
        "VideoOutcome": "extraction",
        "extract_catalog": "extraction",
    },
)
