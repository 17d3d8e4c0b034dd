"""Frames -> (windows, 36, k) optical flow."""

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
