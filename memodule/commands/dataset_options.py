"""The options of `check` and `catalog` that say which data set they read."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memodule.console import console

if TYPE_CHECKING:
    from memodule.datasets.check import DatasetCheck


def add_dataset_options(parser: argparse.ArgumentParser) -> None:
    """Add DATASET, `--root` and `--index`."""
    known = "the data set: its name (samm_lv, ...), its description (a YAML file), or its folder"
    parser.add_argument("dataset", help=known)
    parser.add_argument("--root", help="folder of the data set, if DATASET is a description")
    parser.add_argument("--index", type=Path, metavar="FILE", help="where to keep the listing (default: user cache)")


def checked_dataset(arguments: argparse.Namespace, against: Sequence[str] = ()) -> "DatasetCheck":
    """Check the data set that the options name, `against` Catalogs that should share no subject with it."""
    from memodule.datasets import read_catalog
    from memodule.datasets.check import check_dataset
    from memodule.datasets.description import locate
    from memodule.datasets.folders import Listing, default_index

    others = [read_catalog(folder) for folder in against]
    index = arguments.index or default_index(Path(arguments.root or arguments.dataset))
    with console.status("listing folders"), Listing(index) as listing:
        return check_dataset(*locate(arguments.dataset, arguments.root, listing), listing, others)
