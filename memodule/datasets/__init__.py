"""Label files and frames on disk -> Catalog."""

from memodule.datasets.catalog import Catalog, Expression, Video, read_catalog

__all__ = ["Catalog", "Expression", "Video", "read_catalog"]
