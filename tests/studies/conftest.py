"""What tests of studies with real processes share: six tiny folds, with a callback that makes trouble on order."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench import SUBJECTS, Bench
from listeners import listeners
from tiny import experiment

from memodule.studies.study import Study


@pytest.fixture(scope="session")
def six_folds(planting, tmp_path_factory) -> Iterator[Path]:
    """A tiny experiment; the data are as small as pooling allows."""
    folder = tmp_path_factory.mktemp("six")
    data = planting(folder, subjects=len(SUBJECTS), videos=1, frames=120)
    trainer = {
        "max_epochs": 2,
        "logger": False,
        "enable_checkpointing": False,
        "callbacks": [{"class_path": "trouble.Trouble"}],
    }
    path = experiment(data, folder, trainer=trainer)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setenv("TROUBLE", str(folder))
        yield path


@pytest.fixture
def listener() -> Iterator[Callable[[bytes | None], str]]:
    """Opens ports that answer what a test wants."""
    with listeners() as listen:
        yield listen


@pytest.fixture
def bench(six_folds, tmp_path) -> Bench:
    return Bench(six_folds, tmp_path)


@pytest.fixture(scope="session")
def undisturbed(six_folds, tmp_path_factory) -> Study:
    """The study as one undisturbed process produces it."""
    bench = Bench(six_folds, tmp_path_factory.mktemp("undisturbed"))
    assert bench.run() == 0
    return bench.study
