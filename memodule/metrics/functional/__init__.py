"""Counting and scoring in plain numpy, from intervals to STRS with its uncertainty and chance level.

`tally_video` counts one video, tallies add up, `score` turns pooled counts into scores. Every option that moves a score
is a field of `memodule.decoding.protocol.Protocol`; its two presets are `megc`, the default, and `published`.

Conventions
-----------
- Frames are 0-based and inclusive at both ends; lengths, intersections and unions count whole frames. An interval that
  ends before it starts holds no frame and overlaps nothing. Predictions and truths must be in the same frames.
- Predicted micro-expressions are compared with true micro-expressions only; macro-expressions need a second call. A
  "micro" prediction on a macro-expression is a false positive.
- A truth is matched at most once, and so is a prediction. tp + fn is always the number of truths that are scored.
- Counts are pooled over videos and subjects first; scores are computed once, from the pooled counts.
- Emotions are class indices: negative 0, positive 1, surprise 2, others 3, neutral 4; -1 = unknown, which counts in
  spotting only.
- Recognition is scored on true positives whose *true* emotion is scored. Their prediction may be any class; one that is
  not scored (others, neutral) is a miss of the true class and not a false alarm of any.
- A score is 0 if there is nothing to divide by. No input gives nan, infinity or a division error.
- Recognition F1 = 2PR/(P+R) of macro precision P and macro recall R; UF1 = mean of the classes' F1; UAR = R.
- STRS = spotting F1 x recognition F1.

Differences of `megc` from the published scorer
-----------------------------------------------
The published scorer is that of BoostingVRME and ME-TST. `published` follows it on each of these points:

- videos without a micro-expression are scored, so that their false alarms count ("with_micro" leaves them out);
- the largest one-to-one matching; "greedy" predictions, in order, see their best truth only and give up if it is taken;
- source frames; published intervals are compared in sampled frames, with truths rounded down to them;
- an interval voted neutral is not a detection and cannot claim a truth. The published code prints its scores twice:
  with neutral intervals as detections (`filter_neutral: false`, the preset), and with neutral intervals, matched or
  not, taken out of the counts after matching (`filter_neutral: true`, `filter_after_matching: true`);
- a scored class that neither occurs nor is predicted counts 0 in macro averages ("skip" leaves it out);
- priors, thresholds and windows belong to the decoder, but the protocol names them: `fitted_on`, `stitching`,
  `neutral`.

What `published` does not reproduce
-----------------------------------
- No true positive or no prediction: ZeroDivisionError there, scores of 0 here.
- Macro precision and recall both 0, or no true positive of a scored class: nan recognition F1 and STRS there, 0 here.
- A class that is predicted but does not occur: its recall is nan there, and so is UAR; here that recall is 0, as in
  their macro recall.
- All true positives of one class, and all recognised: every class is skipped there, which gives nan; 1 here.
- A true onset past the curve's end in a video with predictions: IndexError there, a truth like any other here.
- ME-TST's dummy interval at frame 0 for a video without peaks (one false positive each) does not exist here.
- They print recognition over four classes too, "others" included; their STRS is made of the three-class scores, as here
  (`emotions` chooses).
- Their printed mean IoU averages all overlapping pairs, matched or not; it is not reported.

Differences from the public STRS-Metric script
----------------------------------------------
- Subjects without a prediction are skipped there; here all their expressions are misses.
- Videos without a truth are skipped there; here their predictions are false positives.
- A prediction may match several truths there and count as several true positives; here it counts once.
- Predictions match first come, first served in file order there; here the largest matching counts.
- What it calls UAR averages precision; here UAR averages recall.
- It needs pandas < 2 (`DataFrame.append`); this is numpy.
Both count inclusive frames and require IoU >= .5.
"""

from memodule.metrics.functional.chance import ChanceBaselines, ChanceVideo, chance_baselines
from memodule.metrics.functional.matching import interval_iou, match_intervals
from memodule.metrics.functional.ranking import (
    OperatingPoint,
    PrecisionRecallCurve,
    average_precision,
    operating_point,
    precision_recall_curve,
)
from memodule.metrics.functional.resampling import PairedDifference, bootstrap, paired_test
from memodule.metrics.functional.scores import (
    IOU_SWEEP,
    iou_sweep,
    recognition_scores,
    score,
    spot_then_recognize_score,
    spotting_scores,
)
from memodule.metrics.functional.tally import FALSE_ALARM, NOT_SCORED, Tally, confusion_of, match_video, tally_video
from memodule.metrics.functional.timing import summarize_timing, timing_errors
from memodule.metrics.score_names import SCORES

__all__ = [
    "FALSE_ALARM",
    "IOU_SWEEP",
    "NOT_SCORED",
    "SCORES",
    "ChanceBaselines",
    "ChanceVideo",
    "OperatingPoint",
    "PairedDifference",
    "PrecisionRecallCurve",
    "Tally",
    "average_precision",
    "bootstrap",
    "chance_baselines",
    "confusion_of",
    "interval_iou",
    "iou_sweep",
    "match_intervals",
    "match_video",
    "operating_point",
    "paired_test",
    "precision_recall_curve",
    "recognition_scores",
    "score",
    "spot_then_recognize_score",
    "spotting_scores",
    "summarize_timing",
    "tally_video",
    "timing_errors",
]
