"""What makes training windows harder, and how much of it."""

import dataclasses

from memodule.errors import UserError


@dataclasses.dataclass(frozen=True)
class Hardening:
    """How training windows are changed; 0 switches a change off, and all are off by default.

    Sizes are in pixels of the 320-pixel crop and shares in 0 .. 1. "Up to" a size means drawn anew for every window, as
    the size times the cube of a uniform number: half of the windows get less than an eighth of it, so that nearly
    untouched ones stay in the mix.

    Attributes:
        noise: White noise, up to this standard deviation in a channel; each channel has its own.
        noise_memory: How much of the noise lasts from one sample to the next, up to this correlation.
        motion: Motion that neighbouring regions share and that is slow rather than quick (a spectrum between f^-.5 and
            f^-4), up to this deviation: what the rest of a real recording does.
        slips: Steps of regions that optical flow has lost track of, which add up over the window, up to this median
            size: heavy-tailed, in bursts, and shared by all regions only in part. In recordings of real faces in motion
            they were .1 to 1 px in the median, with one of ten above 2.5 and one of a hundred above 13 px.
        drift: Every region drifts away evenly, up to this distance over the window.
        gain: Every channel is multiplied by 1 - gain .. 1 + gain.
        offset: Every region is displaced from the second column on, up to this distance: a bad reference frame.
        failures: Share of windows in which the flow of some regions fails for a while: erratic values of up to 30 px.
        time_warp: A window runs faster or slower, by a factor of 1 / (1 + time_warp) .. 1 + time_warp (.25: .8 to
            1.25); labels go with it.
        lost_frames: Probability that a frame is dropped, and that one is repeated, at every frame; each window has its
            own, up to this.
        mirror: Share of windows that are mirrored.
        region_dropout: Probability that a region is lost (zero) in a window.
        injections: Share of the expression-free windows to which an expression is added, labels included.
        injection_px: Range of its displacement at the region that moves most, log-uniform.
        injection_s: Range of its duration in seconds, log-uniform; the rise takes 67 to 367 ms (CAS(ME)^3).
        distractors: Share of windows to which a movement is added that is none: of the same regions and sizes, but
            slow, lasting, or swinging as in talking and chewing.
    """

    noise: float = 0.0
    noise_memory: float = 0.0
    motion: float = 0.0
    slips: float = 0.0
    drift: float = 0.0
    gain: float = 0.0
    offset: float = 0.0
    failures: float = 0.0
    time_warp: float = 0.0
    lost_frames: float = 0.0
    mirror: float = 0.0
    region_dropout: float = 0.0
    injections: float = 0.0
    injection_px: tuple[float, float] = (0.5, 7.0)
    injection_s: tuple[float, float] = (0.2, 1.5)
    distractors: float = 0.0

    def __post_init__(self) -> None:
        for name in ("noise", "motion", "slips", "drift", "offset"):
            _require(name, getattr(self, name), 100.0)
        for name in ("failures", "lost_frames", "mirror", "region_dropout", "injections", "distractors"):
            _require(name, getattr(self, name), 1.0)
        _require("noise_memory", self.noise_memory, 0.99)
        _require("gain", self.gain, 1.0)
        _require("time_warp", self.time_warp, 1.0)
        for name in ("injection_px", "injection_s"):
            ends = tuple(getattr(self, name))
            if len(ends) != 2 or not 0 < ends[0] <= ends[1] < float("inf"):
                raise UserError(
                    f"data.hardening.{name}: {list(ends)} is not a range; use two numbers above 0, as [a, b]"
                )
            object.__setattr__(self, name, ends)  # files hold a list


def _require(name: str, value: float, most: float) -> None:
    if not 0 <= value <= most:
        raise UserError(f"data.hardening.{name}: {value!r} is outside 0 .. {most:g}")
