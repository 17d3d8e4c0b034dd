"""The changes in their order."""

from memodule.hardening.disturbances import disturbed, without_regions
from memodule.hardening.labelled_windows import LabelledWindows
from memodule.hardening.mirroring import mirrored
from memodule.hardening.movements import with_movements
from memodule.hardening.options import Hardening
from memodule.hardening.timing import retimed


def harden(windows: LabelledWindows, hardening: Hardening, rate: float) -> LabelledWindows:
    """Change a batch of training windows, each in its own way; what is off draws no random number.

    Args:
        rate: Samples per second.
    """
    if hardening.time_warp or hardening.lost_frames:
        windows = retimed(windows, hardening.time_warp, hardening.lost_frames)
    if hardening.mirror:
        windows = windows._replace(flow=mirrored(windows.flow, hardening.mirror))
    if hardening.injections or hardening.distractors:
        windows = with_movements(windows, hardening, rate)
    flow = disturbed(windows.flow, hardening)
    if hardening.region_dropout:
        flow = without_regions(flow, hardening.region_dropout)
    return windows._replace(flow=flow)
