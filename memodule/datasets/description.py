"""The description of a data set: a YAML file (configs/datasets/) with everything about it except code."""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from memodule.datasets.catalog import Catalog, read_catalog
from memodule.datasets.folders import Listing
from memodule.datasets.places import has_entry
from memodule.errors import UserError
from memodule.runtime.packaged import ROOT, packaged_file
from memodule.runtime.yaml_files import read_yaml_mapping

DESCRIPTIONS: Final = ROOT / "configs" / "datasets"
"""The included descriptions."""


@dataclasses.dataclass(frozen=True)
class Release:
    """How many rows of each kind one release of the label files is known to hold; None if unknown."""

    name: str
    micro: int
    macro: int | None = None


@dataclasses.dataclass(frozen=True)
class Training:
    """Published hyper-parameters of the data module.

    Attributes:
        frame_step: Source frames per sampled frame.
        window: Sampled frames per window.
        negative_ratio: Expression-free training windows per window with an expression.
    """

    frame_step: int
    window: int
    negative_ratio: float
    batch_size: int


@dataclasses.dataclass(frozen=True)
class DatasetDescription:
    """What is known about a data set.

    Attributes:
        reader: `class_path`, the dotted path of a function (root, ..., listing) -> Catalog, and its `init_args`.
        tree: The expected folders and files, as text.
        marks: Patterns of files and folders by which it is recognised.
        duration_ms: Usual shortest and longest duration of a micro-expression.
    """

    name: str
    reader: dict[str, Any]
    tree: str = ""
    marks: tuple[str, ...] = ()
    videos: int | None = None
    releases: tuple[Release, ...] = ()
    duration_ms: tuple[float, float] = (40, 1000)
    training: Training | None = None

    def read(self, root: Path | str, listing: Listing | None = None) -> Catalog:
        """Read the data set below `root`.

        Raises:
            UserError: If the reader is not described properly, or cannot read the data set.
        """
        return _bind(self.reader, self.name)(Path(root), listing=listing or Listing())


def read_description(path: Path | str) -> DatasetDescription:
    """Read a description from its YAML file, and compare the reader's arguments with the reader's signature.

    Raises:
        UserError: If the file is missing or a key is wrong.
    """
    path = Path(path)
    content = read_yaml_mapping(path, "a data set's description (configs/datasets/ has examples)")
    try:
        description = DatasetDescription(**_parse(DatasetDescription, dict(content)))
        _bind(description.reader, description.name)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return description


def locate(dataset: str, root: str | None, listing: Listing) -> tuple[DatasetDescription, Path]:
    """The description and the root that the arguments of a command mean; the root need not exist.

    Args:
        dataset: A description's file, its name in configs/datasets/ without the suffix, or the root itself.

    Raises:
        UserError: If there is no such folder or description, or the root is missing.
    """
    if Path(dataset).is_dir() and root is None:
        return recognise(Path(dataset), listing), Path(dataset)
    description = read_description(packaged_file(dataset, "configs/datasets"))
    if root is None:
        raise UserError(f"{dataset}: where is the data set? Add `--root FOLDER`")
    return description, Path(root)


def describe_catalog(folder: Path) -> DatasetDescription:
    """The description of a folder in the Catalog format, named after the folder."""
    name = folder.resolve().name
    reader = {"class_path": "memodule.datasets.description.open_catalog"}
    return DatasetDescription(name, reader, "ROOT/\n  videos.csv\n  expressions.csv")


def open_catalog(root: Path, *, name: str, listing: Listing) -> Catalog:
    """`read_catalog` with the signature of readers."""
    return read_catalog(root, name)


def recognise(root: Path, listing: Listing, descriptions: Path = DESCRIPTIONS) -> DatasetDescription:
    """The description that fits a folder: a Catalog, or the first data set (by file name) whose marks are there.

    Raises:
        UserError: If none fits.
    """
    if (root / "videos.csv").is_file():
        return describe_catalog(root)
    known = [read_description(path) for path in sorted(descriptions.glob("*.yaml"))]
    for description in known:
        if has_entry(listing, root, description.marks):
            return description
    names = ", ".join(description.name for description in known)
    raise UserError(
        f"{root}: does not look like any known data set ({names or 'none'}); name its description, for example "
        f"`samm_lv --root {root}`"
    )


def _bind(reader: Mapping[str, Any], name: str) -> Callable[..., Catalog]:
    """The reader's function with its arguments, checked against its signature."""
    strange = sorted(set(reader) - {"class_path", "init_args"})
    if strange or "class_path" not in reader:
        raise UserError(f"reader: {', '.join(strange) or 'no class_path'}; its keys are class_path and init_args")
    module, _, attribute = str(reader["class_path"]).rpartition(".")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError):
        raise UserError(f"reader.class_path: there is no {reader['class_path']}; see memodule.datasets") from None
    arguments = _parse(function, {"name": name, **reader.get("init_args", {})}, ("root", "listing"))
    return functools.partial(function, **arguments)


def _parse(target: Callable[..., Any], values: dict[str, Any], skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """Values for the arguments of a class or function, checked against its type hints."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    add = parser.add_class_arguments if isinstance(target, type) else parser.add_function_arguments
    add(target, skip=set(skip))
    try:
        return dict(vars(parser.instantiate(parser.parse_object(values))))
    except Exception as error:  # argparse's errors and those of the classes built from the values
        raise UserError(" ".join(str(error).split())) from None
