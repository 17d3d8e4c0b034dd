"""Spot and recognise facial micro-expressions in long videos.

The way through the package: label files and frames become a `datasets.Catalog`; `flow` turns frames into optical-flow
windows; `data` serves one leave-one-subject-out fold of them; `networks` and `module` turn windows into score curves;
`intervals` turns curves into intervals; `metrics` scores them; `studies` runs all folds and `report` shows the result.
"""

__version__ = "0.1.0"
