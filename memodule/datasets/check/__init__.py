"""What is there, what is missing and what is odd in a data set."""

from memodule.datasets.check.dataset import Report, check_dataset

__all__ = ["Report", "check_dataset"]
