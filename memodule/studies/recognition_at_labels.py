"""Recognition on its own: what a network calls every labelled micro-expression, whatever was spotted.

The recognition scores of a study are made of its hits, so they ask a network that spots badly about few expressions,
and two networks about different ones. Here the frames of every labelled interval vote, as those of a found interval do,
with the neutral class left out. The intervals are given, so this measures the classes of frames and nothing else, and
is no part of STRS.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from memodule.datasets.catalog import Catalog
from memodule.decoding.curves import VideoCurve
from memodule.decoding.protocol import Protocol
from memodule.emotions import EMOTIONS
from memodule.intervals import frame_emotions, vote_emotions
from memodule.metrics.functional import Tally, bootstrap, confusion_of, recognition_scores


def tally_at_labels(curves: Iterable[VideoCurve], catalog: Catalog) -> dict[str, Tally]:
    """Count how the labelled micro-expressions of each subject are recognised.

    One that has no voting frame, since it is short or lies behind the curve's end, is called neutral.

    Args:
        curves: Of held-out videos; several seeds may follow each other.
        catalog: Their labels.

    Returns:
        For each subject the Tally of its micro-expressions, all of them true positives.
    """
    tallies: dict[str, Tally] = {}
    for curve in curves:
        micro = catalog.expressions_of(curve.key, "micro")
        intervals = np.array([(e.onset, e.onset, e.offset) for e in micro], np.int64).reshape(-1, 3) // curve.frame_step
        voted = vote_emotions(intervals, frame_emotions(curve.logits, "drop"))
        true = np.array([EMOTIONS.index(e.emotion) for e in micro], np.int64)
        tally = Tally(tp=len(micro), confusion=confusion_of(true, voted))
        tallies[curve.subject] = tallies.get(curve.subject, Tally()) + tally
    return tallies


def scores_at_labels(tallies: Mapping[str, Tally], protocol: Protocol) -> dict[str, Any]:
    """Recognition scores of pooled counts, with what the majority emotion would score.

    Args:
        tallies: What `tally_at_labels` gave.
        protocol: Which emotions are scored.

    Returns:
        f1, uf1, uar, precision, recall, support, confusion as `recognition` has them; `ci`, the 95 % intervals of f1,
        uf1, uar over subjects; `majority`, f1, uf1, uar of always answering the most frequent scored emotion.
    """
    confusion = sum(tallies.values(), Tally()).confusion
    most = max((EMOTIONS.index(emotion) for emotion in protocol.emotions), key=lambda row: int(confusion[row].sum()))
    always = np.zeros_like(confusion)
    always[:, most] = confusion.sum(axis=1)
    scores, luck = (
        recognition_scores(table, protocol.emotions, protocol.absent_classes) for table in (confusion, always)
    )
    ranges = bootstrap(tallies, protocol)
    compared = ("f1", "uf1", "uar")
    return {
        **scores,
        "support": int(scores["support"]),
        "confusion": confusion.tolist(),
        "ci": {name: list(ranges[f"recog_{name}"]) for name in compared},
        "majority": {name: luck[name] for name in compared},
    }
