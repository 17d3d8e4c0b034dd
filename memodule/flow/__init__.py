"""Frames -> (windows, 36, k) optical flow."""

from memodule.flow.extractor import FlowExtractor
from memodule.flow.parameters import FlowParameters
from memodule.flow.store import FlowRecord, FlowStore

__all__ = ["FlowExtractor", "FlowParameters", "FlowRecord", "FlowStore"]
