"""What an interval prior was fitted on, as plain numbers: a checkpoint that holds them can fit any other rule anew."""

from collections.abc import Iterable, Sequence
from typing import Any, get_args

from memodule.datasets.catalog import Expression, Kind
from memodule.emotions import EMOTIONS


def plain_rows(expressions: Iterable[Expression], frame_step: int) -> list[list[Any]]:
    """[kind, onset, apex or None, offset, emotion] of each expression, without subjects and videos.

    Frames are shifted by whole samples so that each onset is in the first sample: durations in samples stay the same.
    """
    return [
        [e.kind, e.onset - start, None if e.apex is None else e.apex - start, e.offset - start, e.emotion]
        for e in expressions
        for start in [e.onset // frame_step * frame_step]
    ]


def read_rows(rows: Iterable[Sequence[Any]]) -> tuple[Expression, ...]:
    """The expressions of `plain_rows`, of a subject and video without a name.

    Raises:
        ValueError: If a row is not one of these.
    """
    expressions = []
    for kind, onset, apex, offset, emotion in rows:
        frames = [onset, offset] if apex is None else [onset, apex, offset]
        if kind not in get_args(Kind) or emotion not in (*EMOTIONS, "") or not all(type(f) is int for f in frames):
            raise ValueError(f"{[kind, onset, apex, offset, emotion]} is not an expression")
        if not 0 <= onset <= offset or (emotion == "" and kind == "micro"):
            raise ValueError(f"{[kind, onset, apex, offset, emotion]} is not an expression")
        expressions.append(Expression("", "", kind, onset, apex, offset, emotion))
    return tuple(expressions)
