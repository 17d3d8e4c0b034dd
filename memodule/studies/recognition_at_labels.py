"""Recognition alone: how every labelled micro-expression is classified, whether it was spotted or not.

The recognition scores of a study count its hits, which are few if a network spots badly, and differ between networks.
Here the frames of every labelled interval vote, like those of a found interval, but without the neutral class. Since
the intervals are given, this measures the classes of frames alone, and is not part of STRS.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from memodule.datasets.catalog import Catalog
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import UNKNOWN
from memodule.decoding.protocol import Protocol
from memodule.emotions import EMOTIONS
from memodule.intervals import frame_emotions, vote_emotions
from memodule.metrics.functional import Tally, bootstrap, confusion_of, recognition_scores


def tally_at_labels(curves: Iterable[VideoCurve], catalog: Catalog) -> dict[str, Tally]:
    """Count how the labelled micro-expressions of each subject are recognised.

    An interval beyond the end of the curve counts as neutral.

    Returns:
        For each held-out subject the Tally of its micro-expressions over all seeds, all true positives.
    """
    tallies: dict[str, Tally] = {}
    for curve in curves:
        micro = catalog.expressions_of(curve.key, "micro")
        intervals = np.array([(e.onset, e.onset, e.offset) for e in micro], np.int64).reshape(-1, 3) // curve.frame_step
        voted = np.full(len(micro), UNKNOWN, np.int64)
        if curve.logits is not None:
            voted = vote_emotions(intervals, frame_emotions(curve.logits, "drop"), short="vote")
        true = np.array([EMOTIONS.index(e.emotion) for e in micro], np.int64)
        tally = Tally(tp=len(micro), confusion=confusion_of(true, voted))
        tallies[curve.subject] = tallies.get(curve.subject, Tally()) + tally
    return tallies


def scores_at_labels(tallies: Mapping[str, Tally], protocol: Protocol) -> dict[str, Any]:
    """Recognition scores of pooled counts, and those of the majority emotion.

    Returns:
        f1, uf1, uar, precision, recall, support, confusion as `recognition` has them; `ci`, the 95 % intervals of f1,
        uf1, uar over subjects; `majority`, f1, uf1, uar of always answering the most frequent scored emotion.
    """
    confusion = sum(tallies.values(), Tally()).confusion
    most = max((EMOTIONS.index(emotion) for emotion in protocol.emotions), key=lambda row: int(confusion[row].sum()))
    always = np.zeros_like(confusion)
    always[:, most] = confusion.sum(axis=1)
    scores, chance = (
        recognition_scores(table, protocol.emotions, protocol.absent_classes) for table in (confusion, always)
    )
    ranges = bootstrap(tallies, protocol)
    compared = ("f1", "uf1", "uar")
    return {
        **scores,
        "support": int(scores["support"]),
        "confusion": confusion.tolist(),
        "ci": {name: list(ranges[f"recog_{name}"]) for name in compared},
        "majority": {name: chance[name] for name in compared},
    }
