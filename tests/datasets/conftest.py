"""The generated releases as fixtures; `fake_releases` writes them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fake_releases
from fake_releases import Release


@pytest.fixture
def samm_lv(tmp_path: Path) -> Release:
    return fake_releases.samm_lv(tmp_path)


@pytest.fixture
def casme3(tmp_path: Path) -> Release:
    return fake_releases.casme3(tmp_path)


@pytest.fixture
def casme2(tmp_path: Path) -> Release:
    return fake_releases.casme2(tmp_path)


@pytest.fixture
def megc_samm(tmp_path: Path) -> Release:
    return fake_releases.megc_samm(tmp_path)


@pytest.fixture
def megc_casme3(tmp_path: Path) -> Release:
    return fake_releases.megc_casme3(tmp_path)
