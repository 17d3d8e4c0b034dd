"""A `DatasetCheck` as text for the terminal."""

import itertools
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from memodule.datasets.check.examine import DatasetCheck
from memodule.datasets.check.statistics import CatalogStatistics, KindStatistics
from memodule.datasets.label_sources import Remark, Severity, grouped
from memodule.emotions import EMOTIONS

_WIDTH: Final = 110
_PLACES: Final = 6
_BINS: Final = 12
_BAR: Final = 40
_ROWS: Final = (
    "number",
    *(f"  {emotion}" for emotion in (*EMOTIONS, "unknown emotion")),
    "subjects with any",
    "  most in one",
    "videos with any",
    "  most in one",
    "duration ms, median",
    "  5 % .. 95 %",
    "  shortest .. longest",
    "rise / fall, median",
)


def check_text(check: DatasetCheck) -> str:
    """The whole result."""
    sections = [
        _headline(check),
        _side_by_side(check.expected, check.found),
        _bullets("As expected", check.facts),
        _remarks("Warnings", "warning", check),
        _remarks("Notes (no action needed)", "note", check),
        _statistics(check.statistics) if check.statistics else "",
    ]
    return "\n\n".join(section for section in sections if section)


def warnings_text(check: DatasetCheck) -> str:
    """Only the warnings."""
    return _remarks("Warnings", "warning", check)


def _headline(check: DatasetCheck) -> str:
    warnings = len({remark.text for remark in check.remarks if remark.severity == "warning"})
    verdict = {
        "unusable": f"cannot be used\n{_wrap(check.problem or '', '  ')}",
        "warnings": f"usable, with {warnings} warning{'s' if warnings > 1 else ''}",
        "clean": "all is well",
    }
    return f"{check.name} in {check.root}: {verdict[check.status]}"


def _side_by_side(left: str, right: str) -> str:
    lefts, rights = ["Expected", *left.rstrip().splitlines()], ["Found", *right.rstrip().splitlines()]
    width = max(map(len, lefts)) + 3
    pairs = itertools.zip_longest(lefts, rights, fillvalue="")
    return "\n".join(f"  {a:<{width}}{b}".rstrip() for a, b in pairs)


def _bullets(title: str, lines: Sequence[str]) -> str:
    return "\n".join((title, *(_wrap(line, "- ") for line in lines))) if lines else ""


def _remarks(title: str, severity: Severity, check: DatasetCheck) -> str:
    groups = [(text, remarks) for (level, text), remarks in grouped(check.remarks).items() if level == severity]
    lines = []
    for text, remarks in groups:
        count = f" ({len(remarks)} times)" if len(remarks) > 1 else ""
        lines += [_wrap(f"{text}{count}", "- "), *(_wrap(line, "    ") for line in _places(remarks, check.root))]
    return "\n".join((title, *lines)) if lines else ""


def _places(remarks: Sequence[Remark], root: Path) -> Iterator[str]:
    """The first places of a group; rows of one sheet share a line."""
    shown = remarks[:_PLACES]
    for (path, sheet), same in itertools.groupby(shown, key=lambda r: (r.place.path, r.place.sheet)):
        details = [_detail(remark) for remark in same]
        where = f"{_below(path, root)}{f', sheet {sheet}' if sheet else ''}"
        yield f"{where}: {'; '.join(filter(None, details))}" if any(details) else where
    if len(remarks) > len(shown):
        yield f"... and {len(remarks) - len(shown)} more (--json lists all)"


def _detail(remark: Remark) -> str:
    row = f"row {remark.place.row}" if remark.place.row else ""
    return " ".join(filter(None, (row, f"({remark.detail})" if row and remark.detail else remark.detail)))


def _below(path: Path, root: Path) -> str:
    absolute, base = path.absolute(), root.absolute()
    return str(absolute.relative_to(base)) if base in absolute.parents else str(path)


def _statistics(statistics: CatalogStatistics) -> str:
    rates = " and ".join(f"{fps:g}" for fps in statistics.fps)
    lines = [f"Statistics: {statistics.frames:,} frames at {rates} fps, {statistics.minutes:.1f} minutes"]
    kinds = [k for k in (("micro", statistics.micro), ("macro", statistics.macro)) if k[1].count]
    columns = [[f"{name}-expressions", *_cells(kind, statistics)] for name, kind in kinds]
    if columns:
        widths = [max(map(len, column)) + 3 for column in columns]
        for label, *cells in zip(("", *_ROWS), *columns, strict=True):
            padded = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
            lines.append(f"  {label:<22}{''.join(padded)}".rstrip())
    if statistics.micro.count:
        bars = (f"  {line}" for line in _bars(statistics.micro.durations_ms))
        lines += ["", "Durations of micro-expressions in ms", *bars]
    return "\n".join(lines)


def _cells(kind: KindStatistics, statistics: CatalogStatistics) -> list[str]:
    """The column of one kind, in the order of `_ROWS`."""
    subject, in_subject = max(kind.per_subject.items(), key=lambda item: item[1])
    video, in_video = max(kind.per_video.items(), key=lambda item: item[1])
    duration, rise, fall = kind.duration_ms, kind.rise_ms, kind.fall_ms
    return [
        str(kind.count),
        *(str(kind.emotions.get(emotion, 0)) for emotion in (*EMOTIONS, "unknown")),
        f"{len(kind.per_subject)} of {statistics.subjects}",
        f"{in_subject} ({subject})",
        f"{len(kind.per_video)} of {statistics.videos}",
        f"{in_video} ({video})",
        f"{duration['median']:.0f}",
        f"{duration['5 %']:.0f} .. {duration['95 %']:.0f}",
        f"{duration['min']:.0f} .. {duration['max']:.0f}",
        f"{rise['median']:.0f} / {fall['median']:.0f}" if rise else "unknown",
    ]


def _bars(durations: Sequence[float]) -> Iterator[str]:
    """A histogram in steps of 1, 2 or 5 times a power of ten; the last bin holds the longest 5 %."""
    top = sorted(durations)[int(0.95 * (len(durations) - 1))]
    width = next(step * 10**power for power in range(9) for step in (1, 2, 5) if step * 10**power * _BINS > top)
    last = int(top // width)
    counts = Counter(min(int(duration // width), last) for duration in durations)
    for i in range(last + 1):
        label = f"{i * width:>5} .. {(i + 1) * width}" if i < last else f"{i * width:>5} and longer"
        yield f"{label:<17}{'█' * round(_BAR * counts[i] / max(counts.values())):<{_BAR + 1}}{counts[i] or ''}".rstrip()


def _wrap(text: str, lead: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=f"  {lead}",
        subsequent_indent=" " * (2 + len(lead)),
        break_long_words=False,
        break_on_hyphens=False,
    )
