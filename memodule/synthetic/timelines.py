"""Label timelines of the size of the real data sets and with their published statistics, for benchmarks and studies.

No face and no real label is involved: every onset is drawn at random. Only the aggregate statistics of
`memodule.synthetic.label_statistics` are real.

Realism: the numbers of subjects, videos, micro-expressions, macro-expressions, classes and unknown apexes are exact.
Durations, rises, gaps and overlaps follow the published distributions; 16 % of the variance of log-duration belongs to
the subject (published for CAS(ME)^3, assumed for SAMM), and subjects differ in the number of their expressions.

Limits: not published, hence assumed, are the distribution of video lengths (SAMM: about 35 s on average; CAS(ME)^3:
chosen so that gaps between micro-expressions come close to the published median), everything about CAS(ME)^3's
macro-expression durations, the share of SAMM videos that hold both kinds, and how emotions cluster in videos. The 4 %
of duration variance that emotions explain are left out. CAS(ME)^3's longest falls (269 frames) are a little too short.
Labels are clean: they do not imitate the errors of the real label files.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from memodule.datasets.catalog import Catalog, Expression, Kind, Video
from memodule.synthetic.label_statistics import STATISTICS, LabelStatistics, Like, Quantile, Rise

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]
_Rng = np.random.Generator


@dataclasses.dataclass(frozen=True)
class _Movements:
    """All expressions of one kind before they are placed: video index, duration and rise (n,) in frames."""

    video: _Ints
    duration: _Ints
    rise: _Ints


def simulate_timelines(like: Like, seed: int = 0) -> Catalog:
    """Draw the label timelines of a whole data set, without pixels.

    Args:
        like: "samm_lv" (200 fps, 30 subjects, 147 videos, 159 micro- and 343 macro-expressions) or "casme3" (30 fps,
            100 subjects, 1300 videos, 860 micro- and 3346 macro-expressions).

    Returns:
        A Catalog named "samm_lv-like" or "casme3-like". The video paths do not exist. Macro-expressions have no
        emotion, and as many apexes are None as are unknown in the data set.
    """
    statistics = STATISTICS[like]
    rng = np.random.default_rng([seed, statistics.videos])
    subject, slot = _choose_videos(rng, statistics)
    has_micro, has_macro = _choose_holders(rng, statistics, subject)
    tempo = rng.standard_normal(statistics.subjects)[subject]
    micro_video = _spread(rng, sum(statistics.micro.values()), np.flatnonzero(has_micro), subject)
    macro_video = _spread(rng, statistics.macros, np.flatnonzero(has_macro), subject)
    micros = _draw(rng, micro_video, tempo, statistics.micro_duration, statistics.micro_rise)
    macros = _draw(rng, macro_video, tempo, statistics.macro_duration, statistics.macro_rise)
    emotions = _draw_emotions(rng, statistics.micro, micro_video)
    lengths = _draw_lengths(rng, statistics, micros, macros)
    micro_onsets = _place_micros(rng, lengths, micros, statistics.close_gaps)
    targets = _choose_overlapped(rng, statistics.overlapped, has_macro, micro_video)
    macros, macro_onsets = _place_macros(rng, lengths, micros, micro_onsets, macros, targets)
    videos = _name_videos(like, statistics, subject, slot, lengths)
    micro_apexes = _apexes(rng, micros, micro_onsets, statistics.unknown_apex["micro"])
    macro_apexes = _apexes(rng, macros, macro_onsets, statistics.unknown_apex["macro"])
    expressions = [
        *_expressions("micro", videos, micros, micro_onsets, micro_apexes, emotions),
        *_expressions("macro", videos, macros, macro_onsets, macro_apexes, [""] * len(macro_onsets)),
    ]
    return Catalog(tuple(videos), tuple(expressions), f"{like}-like")


def _choose_videos(rng: _Rng, statistics: LabelStatistics) -> tuple[_Ints, _Ints]:
    """Subject index and slot number of every video, in the order of subjects."""
    subject = np.repeat(np.arange(statistics.subjects), statistics.slots)
    chosen = np.sort(_choose(rng, subject, statistics.videos))
    return subject[chosen], chosen % statistics.slots


def _choose_holders(rng: _Rng, statistics: LabelStatistics, subject: _Ints) -> tuple[_Flags, _Flags]:
    """Which videos hold micro-expressions, and which hold macro-expressions."""
    expressive = rng.choice(statistics.subjects, statistics.micro_subjects, replace=False)
    candidates = np.flatnonzero(np.isin(subject, expressive))
    with_micro = candidates[_choose(rng, subject[candidates], statistics.micro_videos)]
    without = np.setdiff1d(np.arange(len(subject)), with_micro)
    both = rng.choice(with_micro, statistics.both_videos, replace=False)
    alone = rng.choice(without, statistics.macro_videos - statistics.both_videos, replace=False)
    has_micro, has_macro = np.zeros((2, len(subject)), bool)
    has_micro[with_micro] = True
    has_macro[np.concatenate([both, alone])] = True
    return has_micro, has_macro


def _choose(rng: _Rng, groups: _Ints, count: int) -> _Ints:
    """Choose `count` positions of `groups`, at least one of each group."""
    order = rng.permutation(len(groups))
    _, first = np.unique(groups[order], return_index=True)
    rest = np.delete(order, first)
    return np.concatenate([order[first], rest[: count - len(first)]])


def _spread(rng: _Rng, total: int, videos: _Ints, subject: _Ints) -> _Ints:
    """The video of each of `total` expressions, sorted: at least one per video, more for expressive subjects."""
    weight = rng.gamma(2.0, size=int(subject.max()) + 1)[subject[videos]] * rng.gamma(4.0, size=len(videos))
    more = rng.choice(videos, total - len(videos), p=weight / weight.sum())
    return np.sort(np.concatenate([videos, more]))


def _draw(rng: _Rng, video: _Ints, tempo: _Floats, quantile: Quantile, rise: Rise) -> _Movements:
    """Durations and rises; the subject's tempo accounts for 16 % of the variance of (log-)duration.

    The distribution is read at evenly spaced quantiles, so that every seed matches the published one; chance only
    decides which movement gets which duration.
    """
    z = np.sqrt(0.16) * tempo[video] + np.sqrt(0.84) * rng.standard_normal(len(video))
    even = np.asarray(stats.norm.ppf((stats.rankdata(z) - 0.5) / len(z)))
    duration = np.rint(quantile(even)).astype(np.int64)
    return _Movements(video, duration, np.clip(np.rint(rise(rng, duration)).astype(np.int64), 1, duration - 2))


def _draw_emotions(rng: _Rng, counts: Mapping[str, int], video: _Ints) -> list[str]:
    """Emotions with exact counts; those of one video tend to be equal, since a stimulus targets one emotion."""
    ordered = [str(emotion) for emotion in rng.permutation(list(counts)) for _ in range(counts[str(emotion)])]
    mood = rng.random(int(video.max()) + 1)[video] + 0.15 * rng.standard_normal(len(video))
    return [ordered[rank] for rank in np.argsort(np.argsort(mood))]


def _draw_lengths(rng: _Rng, statistics: LabelStatistics, micros: _Movements, macros: _Movements) -> _Ints:
    """Frames of each video; its expressions fill at most half of it."""
    median, spread, least, most = statistics.length
    drawn = (median * np.exp(spread * rng.standard_normal(statistics.videos))).clip(least, most)
    filled = np.zeros(statistics.videos)
    for movements in (micros, macros):
        np.add.at(filled, movements.video, movements.duration)
    return np.asarray(np.rint(np.maximum(drawn, 2 * filled)), np.int64)


def _place_micros(rng: _Rng, lengths: _Ints, micros: _Movements, close_gaps: float) -> _Ints:
    """Onsets: uniform in the video, except that some follow at once, or overlap the previous one by a frame."""
    onsets = np.empty_like(micros.video)
    for video in np.unique(micros.video):
        here = np.flatnonzero(micros.video == video)
        durations = micros.duration[here]
        gaps = rng.exponential(size=len(here) + 1)
        close = np.zeros(len(gaps), bool)
        close[1:-1] = rng.random(len(here) - 1) < close_gaps
        short = np.where(close, rng.integers(-1, 8, len(gaps)), 0)
        free = lengths[video] - durations.sum() - short.sum()
        gaps = np.where(close, short, np.floor(free * gaps / gaps[~close].sum())).astype(np.int64)
        onsets[here] = np.cumsum(gaps[:-1]) + np.cumsum(durations) - durations
    return onsets


def _choose_overlapped(rng: _Rng, share: float, has_macro: _Flags, micro_video: _Ints) -> dict[int, list[int]]:
    """Micro-expressions that a macro-expression will overlap, by video."""
    candidates = np.flatnonzero(has_macro[micro_video])
    chosen: dict[int, list[int]] = {}
    for index in rng.choice(candidates, round(share * len(micro_video)), replace=False):
        chosen.setdefault(int(micro_video[index]), []).append(int(index))
    return chosen


def _place_macros(
    rng: _Rng,
    lengths: _Ints,
    micros: _Movements,
    micro_onsets: _Ints,
    macros: _Movements,
    targets: dict[int, list[int]],
) -> tuple[_Movements, _Ints]:
    """Onsets of the macro-expressions, longest first: on a chosen micro-expression, else in a free stretch.

    One that fits nowhere is shortened to the longest free stretch, so the movements are returned with the onsets.
    """
    duration, onsets = macros.duration.copy(), np.empty_like(macros.video)
    for video in np.unique(macros.video):
        taken = np.zeros(int(lengths[video]), bool)
        for i in np.flatnonzero(micros.video == video):
            taken[micro_onsets[i] : micro_onsets[i] + micros.duration[i]] = True
        here = np.flatnonzero(macros.video == video)
        waiting = targets.get(int(video), [])
        for i in here[np.argsort(-duration[here], kind="stable")]:
            if waiting:
                target = waiting.pop()
                first = micro_onsets[target] - duration[i] + 1
                onset = int(rng.integers(first, micro_onsets[target] + micros.duration[target]))
                onsets[i] = min(max(onset, 0), len(taken) - int(duration[i]))
            else:
                onsets[i], duration[i] = _free_stretch(rng, taken, int(duration[i]))
            taken[onsets[i] : onsets[i] + duration[i]] = True
    return _Movements(macros.video, duration, np.minimum(macros.rise, duration - 1)), onsets


def _free_stretch(rng: _Rng, taken: _Flags, duration: int) -> tuple[int, int]:
    """A random place of `duration` free frames, or the longest free stretch: (onset, frames)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], taken, [True]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    spare = np.maximum(ends - starts - duration + 1, 0)
    if not spare.any():
        longest = int(np.argmax(ends - starts))
        return int(starts[longest]), int(ends[longest] - starts[longest])
    pick = int(rng.integers(spare.sum()))
    stretch = int(np.searchsorted(np.cumsum(spare), pick, side="right"))
    return int(starts[stretch] + pick - spare[:stretch].sum()), duration


def _name_videos(like: str, statistics: LabelStatistics, subject: _Ints, slot: _Ints, lengths: _Ints) -> list[Video]:
    videos = []
    for s, v, frames in zip(subject.tolist(), slot.tolist(), lengths.tolist(), strict=True):
        person = statistics.subject_code.format(s + 1)
        code = statistics.video_codes[v].format(person)
        videos.append(Video(person, code, Path(f"{like}-like") / person / code, statistics.fps, frames))
    return videos


def _apexes(rng: _Rng, movements: _Movements, onsets: _Ints, unknown: int) -> list[int | None]:
    lost = set(rng.choice(len(onsets), unknown, replace=False).tolist())
    return [None if i in lost else apex for i, apex in enumerate((onsets + movements.rise).tolist())]


def _expressions(
    kind: Kind, videos: list[Video], movements: _Movements, onsets: _Ints, apexes: list[int | None], emotions: list[str]
) -> list[Expression]:
    offsets = onsets + movements.duration - 1
    return [
        Expression(videos[video].subject, videos[video].video, kind, onset, apex, offset, emotion)
        for video, onset, apex, offset, emotion in zip(
            movements.video.tolist(), onsets.tolist(), apexes, offsets.tolist(), emotions, strict=True
        )
    ]
