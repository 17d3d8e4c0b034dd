"""Catalog and flow store -> batches of one leave-one-subject-out fold."""

from memodule.data.datamodule import LosoDataModule
from memodule.data.windows import stitch

__all__ = ["LosoDataModule", "stitch"]
