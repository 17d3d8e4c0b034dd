"""The script that makes a W&B workspace, with a stand-in for the package that it needs, since tests have no account."""

import sys
import types
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
import wandb_workspace

FIELDS = {
    "BarPlot": {"title", "metrics", "orientation", "groupby", "groupby_aggfunc", "groupby_rangefunc"},
    "LinePlot": {"title", "x", "y", "groupby", "groupby_aggfunc", "groupby_rangefunc", "smoothing_factor"},
    "ScatterPlot": {"title", "x", "y", "z", "log_x", "log_y"},
    "MediaBrowser": {"title", "num_columns", "media_keys"},
    "WeavePanelSummaryTable": {"table_name"},
}
"""Arguments of the real classes (wandb-workspaces 0.4.13), those that a layout may want."""


def recorder(kind: str, fields: set[str] | None = None) -> type:
    def begin(self, *values, **options):
        assert fields is None or set(options) <= fields
        self.values, self.options, self.saved = values, options, False
        self.url = "https://wandb.ai/someone/memodule?nw=1"

    return type(kind, (), {"__init__": begin, "save": lambda self: setattr(self, "saved", True)})


@pytest.fixture
def stand_in(monkeypatch):
    made = []
    workspaces = types.ModuleType("wandb_workspaces.workspaces")
    for name in ("Section", "RunsetSettings", "Metric"):
        setattr(workspaces, name, recorder(name))
    kept = recorder("Workspace")
    workspaces.Workspace = lambda **options: made.append(kept(**options)) or made[-1]
    panels = types.ModuleType("wandb_workspaces.reports.v2")
    for name, fields in FIELDS.items():
        setattr(panels, name, recorder(name, fields))
    for module in (workspaces, panels):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in ("wandb_workspaces", "wandb_workspaces.reports"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    return made


def test_the_workspace_groups_by_study_and_holds_every_panel(stand_in, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["wandb_workspace.py", "--entity", "someone", "--name", "Priors"])
    wandb_workspace.main()
    (workspace,) = stand_in
    assert workspace.saved
    assert capsys.readouterr().out.strip() == workspace.url
    assert [workspace.options[name] for name in ("entity", "project", "name")] == ["someone", "memodule", "Priors"]
    (group,) = workspace.options["runset_settings"].options["groupby"]
    assert group.values == ("Group",)
    sections = workspace.options["sections"]
    assert [section.options["name"] for section in sections] == list(wandb_workspace.LAYOUT)
    kinds = [[type(panel).__name__ for panel in section.options["panels"]] for section in sections]
    assert kinds == [[kind for kind, _ in panels] for panels in wandb_workspace.LAYOUT.values()]
    bars = sections[0].options["panels"][0]
    assert bars.options["metrics"] == ["pooled/strs_low", "pooled/strs", "pooled/strs_high", "chance/strs"]


def test_a_dry_run_prints_every_key_and_needs_nothing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)  # as if it were not installed
    monkeypatch.setattr(sys, "argv", ["wandb_workspace.py", "--dry-run"])
    wandb_workspace.main()
    printed = capsys.readouterr().out
    assert all(key in printed for key in wandb_workspace.shown_keys())


def test_a_missing_package_is_one_line_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    monkeypatch.setattr(sys, "argv", ["wandb_workspace.py", "--entity", "someone"])
    with pytest.raises(SystemExit, match=r"^wandb_workspace\.py: .*pip install wandb-workspaces$"):
        wandb_workspace.main()
