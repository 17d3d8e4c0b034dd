"""Studies end with data, one place speaks to Weights & Biases, and private interfaces have one home."""

import ast
from collections.abc import Iterator
from pathlib import Path

import memodule

PACKAGE = Path(memodule.__file__).parent
ABOVE = ("report", "commands", "inference", "spotting")
"""What knows of studies, and must stay unknown to them."""


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def importers(name: str) -> set[str]:
    """The files of the package that import a module or parts of it."""
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(module == name or module.startswith(f"{name}.") for module in imported(path))
    }


def test_no_study_knows_what_draws_or_prints_it():
    for above in ABOVE:
        assert not {path for path in importers(f"memodule.{above}") if path.startswith("studies/")}


def test_weights_and_biases_is_called_from_one_module_and_set_up_in_another():
    assert importers("wandb") == {"studies/tracking.py", "runtime/wandb_environment.py"}
    reading = [path for path in PACKAGE.rglob("*.py") if 'environ.get("WANDB_' in path.read_text(encoding="utf-8")]
    assert [path.name for path in reading] == ["wandb_environment.py"]


def test_private_modules_of_libraries_are_imported_in_one_place():
    private = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for module in imported(path)
        if not module.startswith("memodule") and any(part.startswith("_") for part in module.split("."))
        if not module.startswith("__")
    }
    assert private == {"runtime/private_interfaces.py"}
