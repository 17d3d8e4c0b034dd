"""Catalog and flow store -> batches of one leave-one-subject-out fold."""

from typing import TYPE_CHECKING

from memodule.runtime.lazy import lazy_attributes

if TYPE_CHECKING:
    from memodule.data.datamodule import LosoDataModule
    from memodule.data.windows import stitch

__all__ = ["LosoDataModule", "stitch"]

__getattr__ = lazy_attributes(__name__, {"LosoDataModule": "datamodule", "stitch": "windows"})
