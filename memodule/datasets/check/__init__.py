"""Checks a data set for what is missing or looks wrong: examine -> describe.

`examine` turns a data set into a `DatasetCheck`, with the numbers of `statistics` and the folders of `tree`; `describe`
turns that into text, `histograms` into a picture.
"""

from memodule.datasets.check.examine import DatasetCheck, check_dataset

__all__ = ["DatasetCheck", "check_dataset"]
