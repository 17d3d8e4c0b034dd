"""Label files and frames on disk -> Catalog."""

from memodule.datasets.casme2 import read_casme2
from memodule.datasets.casme3 import read_casme3
from memodule.datasets.catalog import Catalog, Expression, Video, read_catalog
from memodule.datasets.description import DatasetDescription, read_description
from memodule.datasets.megc import read_megc
from memodule.datasets.samm_lv import read_samm_lv

__all__ = [
    "Catalog",
    "DatasetDescription",
    "Expression",
    "Video",
    "read_casme2",
    "read_casme3",
    "read_catalog",
    "read_description",
    "read_megc",
    "read_samm_lv",
]
