"""Label files and frames on disk -> Catalog."""

from typing import TYPE_CHECKING

from memodule.datasets.casme2 import read_casme2
from memodule.datasets.casme3 import read_casme3
from memodule.datasets.catalog import Catalog, Expression, Video, read_catalog
from memodule.datasets.description import DatasetDescription, read_description
from memodule.datasets.megc import read_megc
from memodule.datasets.samm_lv import read_samm_lv
from memodule.runtime.lazy import lazy_attributes

if TYPE_CHECKING:
    from memodule.synthetic import synthesize

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
    "synthesize",
]

# Rendering needs OpenCV and scikit-image, reading does not.
__getattr__ = lazy_attributes(__name__, {"synthesize": ".synthetic"})
