"""What trials say about a recording and a spotter: shares, a curve, and one sentence, as plain values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memodule.runtime.csv_files import csv_text
from memodule.sensitivity.files import FORMAT
from memodule.sensitivity.movements import GROUPS
from memodule.sensitivity.statistics import Share, fit_curve, roc_area, share_of
from memodule.sensitivity.trials import OUTSIDE, Trials

COLUMNS: Final = (
    "recording",
    "pass",
    "onset",
    "apex",
    "offset",
    "onset_s",
    "seconds",
    "group",
    "units",
    "pixels",
    "share_of_face",
    "matched",
    "touched",
    "chance",
)
"""Columns of the CSV file, one row per movement. onset, apex and offset are sampled frames of the recording, from 0,
inclusive; `pixels` are those of the image, and `share_of_face` is their share of the face box's width. matched: the
protocol matches a detection with it; touched: a new detection overlaps it; chance: the untouched recording has a
detection that would match."""

_BINS: Final = 6
_FEWEST: Final = 12  # movements that a statement in words is about, at least
_NOTED: Final = 0.03  # chance that the sentence mentions
_MOSTLY: Final = (0.7, 0.5)  # shares that the sentence looks for, in this order

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def summarize(trials: Trials, **about: Any) -> dict[str, Any]:
    """The JSON of a sensitivity test; `about` says how it was made.

    Raises:
        ValueError: Without movements.
    """
    outcomes = trials.outcomes
    people = [recording.person or recording.name for recording in trials.recordings]
    cluster = np.array([people.index(people[one.recording]) for one in outcomes])
    pixels = np.array([one.pixels for one in outcomes])
    of_face = pixels / np.array([one.face for one in outcomes])
    seconds = np.array([one.tried.seconds for one in outcomes])
    matched, touched, chance = (
        np.array([getattr(one.counted, name) for one in outcomes]) for name in ("matched", "touched", "chance")
    )
    groups = np.array([one.tried.group for one in outcomes])
    minutes = sum(recording.minutes for recording in trials.recordings)
    alarms = sum(recording.alarms for recording in trials.recordings)

    def rows(parts: Mapping[str, Bools]) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                **_shares(matched[part], touched[part], cluster[part]),
                "roc_area": _rounded(_area(trials, part)),
            }
            for name, part in parts.items()
            if part.any()
        ]

    summary = {
        "format": FORMAT,
        **about,
        "recordings": [_recording(trials, number) for number in range(len(trials.recordings))],
        "minutes": round(minutes, 4),
        "alarms": alarms,
        "alarms_per_minute": round(alarms / minutes, 4),
        **_shares(matched, touched, cluster),
        "chance": round(float(chance.mean()), 4),
        "roc_area": _rounded(_area(trials, np.ones(len(outcomes), bool))),
        "by_pixels": _by_size(rows, pixels, 1),
        "by_share_of_face": _by_size(rows, of_face, 100),
        "by_group": rows({group: groups == group for group in GROUPS}),
        "by_seconds": rows({f"{low:.2g} to {high:.2g} s": part for low, high, part in _thirds(seconds)}),
        "curve": {
            "pixels": _curve(pixels, matched, float(chance.mean()), cluster),
            "share_of_face": _curve(of_face, matched, float(chance.mean()), cluster),
        },
    }
    summary["sentence"] = sentence(pixels, seconds, matched, cluster, alarms / minutes, float(chance.mean()))
    return summary


def sentence(pixels: Floats, seconds: Floats, matched: Bools, cluster: Ints, alarms: float, chance: float) -> str:
    """What the recording can and cannot show.

    Args:
        alarms: False alarms a minute on the untouched recording.
        chance: Share of the movements that its detections would match.
    """
    cost = f"at {alarms:.1f} alarms a minute" + (f" ({chance:.0%} by chance)" if chance >= _NOTED else "")
    usual = f"lasting {seconds.min():.1f} to {seconds.max():.1f} s"
    order = np.sort(pixels)
    for wanted in _MOSTLY:
        for least in order[: max(0, len(order) - _FEWEST + 1)]:
            above = pixels >= least
            if (matched[above].mean() - chance) / max(1 - chance, 1e-9) >= wanted:  # of what chance does not find
                share = share_of(matched[above], cluster[above])
                found = f"are found in {_range(share)} of cases {cost}"
                if least == order[0]:
                    return f"Movements of {least:.1f} px and more {usual}, the smallest that were tried, {found}."
                below = matched[~above].mean()
                return f"Movements above {least:.1f} px {usual} {found}; of smaller ones, {below:.0%} are."
    largest = pixels >= order[-min(len(order), max(_FEWEST, len(order) // 4))]
    share = share_of(matched[largest], cluster[largest])
    return (
        f"Even movements of {pixels[largest].min():.1f} to {order[-1]:.1f} px {usual} are found in only "
        f"{_range(share)} of cases {cost}: finding nothing here says little about the person."
    )


def sensitivity_csv(trials: Trials) -> str:
    """The CSV file, one row per movement."""
    return csv_text(COLUMNS, (_row(trials, number) for number in range(len(trials.outcomes))))


def _row(trials: Trials, number: int) -> Sequence[object]:
    one = trials.outcomes[number]
    onset, apex, offset = one.tried.interval
    return (
        trials.recordings[one.recording].name,
        one.run,
        onset,
        apex,
        offset,
        f"{onset / one.rate:.3f}",
        f"{one.tried.seconds:.3f}",
        one.tried.group,
        one.tried.units,
        f"{one.pixels:.3f}",
        f"{one.pixels / one.face:.5f}",
        *(int(value) for value in (one.counted.matched, one.counted.touched, one.counted.chance)),
    )


def _recording(trials: Trials, number: int) -> dict[str, Any]:
    recording = trials.recordings[number]
    own = [one for one in trials.outcomes if one.recording == number]
    return {
        "name": recording.name,
        "minutes": round(recording.minutes, 4),
        "rate": round(recording.rate, 4),
        "face_px": round(recording.face, 2),
        "alarms": recording.alarms,
        "movements": len(own),
        "matched": sum(one.counted.matched for one in own),
        "touched": sum(one.counted.touched for one in own),
        "warnings": list(recording.warnings),
    }


def _shares(matched: Bools, touched: Bools, cluster: Ints) -> dict[str, Any]:
    return {
        "movements": len(matched),
        "matched": _share(share_of(matched, cluster)),
        "touched": _share(share_of(touched, cluster)),
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "found": share.found,
        "share": round(share.share, 4),
        "low": round(share.low, 4),
        "high": round(share.high, 4),
    }


def _by_size(rows: Any, size: Floats, factor: float) -> list[dict[str, Any]]:
    """Rows of equally many movements from the smallest to the largest; sizes in percent if `factor` is 100."""
    edges = np.quantile(size, np.linspace(0, 1, min(_BINS, max(1, len(size) // 8)) + 1))
    index = np.clip(np.searchsorted(edges, size, side="right") - 1, 0, len(edges) - 2)
    unit = " px" if factor == 1 else " %"
    made = []
    for number in range(len(edges) - 1):
        part = index == number
        low, high = float(factor * edges[number]), float(factor * edges[number + 1])
        for row in rows({f"{low:.2g} to {high:.2g}{unit}": part}):
            ends = {"low": round(low, 4), "high": round(high, 4)}
            made.append({**row, **ends, "middle": round(float(factor * np.exp(np.log(size[part]).mean())), 4)})
    return made


def _thirds(values: Floats) -> list[tuple[float, float, Bools]]:
    edges = np.quantile(values, [0, 1 / 3, 2 / 3, 1])
    if len(np.unique(edges)) < len(edges):
        return [(float(edges[0]), float(edges[-1]), np.ones(len(values), bool))]
    index = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, 2)
    return [(float(edges[i]), float(edges[i + 1]), index == i) for i in range(3)]


def _area(trials: Trials, part: Bools) -> float:
    """The ROC area of the samples of some movements against all samples outside."""
    outside = trials.owners == OUTSIDE
    inner = ~outside & part[np.where(outside, 0, trials.owners)]
    return roc_area(trials.scores[inner].astype(np.float64), trials.scores[outside].astype(np.float64))


def _curve(size: Floats, found: Bools, guess: float, cluster: Ints) -> dict[str, Any]:
    fitted = fit_curve(size, found, guess, cluster)
    ends = {name: _rounded(getattr(fitted, name)) for name in ("guess", "half", "slope", "threshold", "low", "high")}
    grid = np.geomspace(size.min(), size.max(), 41)
    points = {"size": [round(value, 5) for value in grid.tolist()]}
    return {**ends, **points, "share": [round(value, 4) for value in fitted.at(grid).tolist()]}


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(f"{value:.5g}")


def _range(share: Share) -> str:
    return f"{share.share:.0%} ({share.low:.0%} to {share.high:.0%})"
