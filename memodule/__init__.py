"""Spot and recognise facial micro-expressions in long videos.

From labels and frames to scores, one package after the other: `datasets` reads them into a Catalog, `flow` turns frames
into optical-flow windows, `data` serves the windows of one leave-one-subject-out fold, `networks` and `module` turn
windows into score curves, `intervals` and `decoding` turn curves into intervals, `metrics` scores these, `studies` runs
all folds, and `report` shows the result. `spotting` does the same for a single video without labels.
"""

__version__ = "0.1.0"
