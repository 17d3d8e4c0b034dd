import pytest
from made_studies import make_study, small_catalog

from memodule.intervals import FixedWindow
from memodule.synthetic.timelines import simulate_timelines


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Folder of all studies; each test that adds one gives it a name of its own."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def small(runs):
    """Three subjects with two videos each."""
    return make_study(runs, small_catalog())


@pytest.fixture(scope="session")
def thirty(runs):
    """Two rules on a stand-in of SAMM-LV's size: 30 folds, 147 videos."""
    catalog = simulate_timelines("samm_lv")
    return [
        make_study(runs, catalog, "prior", frame_step=7),
        make_study(runs, catalog, "fixed", frame_step=7, rule=FixedWindow),
    ]
