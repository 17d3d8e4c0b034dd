"""Make a W&B workspace that compares studies at a glance: one group, one colour, one bar per study.

    python experiments/wandb_workspace.py --dry-run                # prints the layout; needs no account
    pip install wandb-workspaces
    python experiments/wandb_workspace.py --entity your-name       # makes it, and prints its address

LAYOUT lists what it shows; `memodule loso` logs every key in it. Fold runs have training curves and summary runs have
pooled scores, so grouping by study needs no filter: a chart uses the runs that have its keys. W&B cannot draw intervals
from logged values around bars, so their ends are bars next to the value.
"""

import argparse
import importlib
from typing import Any, Final

_PINNED: Final = (
    "config:study/rule",
    "config:study/network",
    "config:study/protocol",
    "summary:pooled/strs",
    "summary:pooled/strs_low",
    "summary:pooled/strs_high",
    "summary:chance/strs",
    "summary:counts/recognition_support",
    "summary:complete",
    "summary:leak",
)
"""Columns of the table of runs."""


def _with_interval(score: str) -> list[str]:
    return [f"pooled/{score}_low", f"pooled/{score}", f"pooled/{score}_high", f"chance/{score}"]


def _bars(title: str, metrics: list[str]) -> tuple[str, dict[str, Any]]:
    return "BarPlot", {"title": title, "metrics": metrics, "orientation": "h"}


def _over_epochs(title: str, metric: str) -> tuple[str, dict[str, Any]]:
    spread = {"groupby_aggfunc": "mean", "groupby_rangefunc": "stddev"}
    return "LinePlot", {"title": title, "x": "epoch", "y": [metric], **spread}


def _table(name: str) -> tuple[str, dict[str, Any]]:
    return "WeavePanelSummaryTable", {"table_name": name}


LAYOUT: Final[dict[str, list[tuple[str, dict[str, Any]]]]] = {
    "Scores, pooled over folds": [
        _bars("STRS: low end, value, high end (95 %), chance", _with_interval("strs")),
        _bars("Spotting F1: low end, value, high end (95 %), chance", _with_interval("spot_f1")),
        _bars("Recognition F1: low end, value, high end (95 %), chance", _with_interval("recog_f1")),
        _bars("Hits, false alarms, misses; hits recognition is scored on",
              ["counts/tp", "counts/fp", "counts/fn", "counts/recognition_support"]),
        ("ScatterPlot", {"title": "The two factors of STRS", "x": "pooled/spot_f1", "y": "pooled/recog_f1"}),
        _table("tables/scores"),
    ],
    "Training, mean and deviation over folds": [
        _over_epochs("STRS while training", "val/strs"),
        _over_epochs("Spotting F1 while training", "val/spot_f1"),
        _over_epochs("Recognition F1 while training", "val/recog_f1"),
        _over_epochs("Training loss", "train/loss"),
        _over_epochs("Learning rate", "train/learning_rate"),
        _over_epochs("Gradient norm, before clipping", "train/gradient_norm"),
    ],
    "Emotions": [
        ("MediaBrowser", {"title": "Confusion of the hits", "media_keys": ["pictures/confusion"], "num_columns": 2}),
        _table("tables/emotions"),
        _table("tables/confusion"),
    ],
    "Intervals": [
        _bars("Interval prior: half window, sampled frames", ["prior/half_window"]),
        ("MediaBrowser", {"title": "Score curves, labels, intervals", "media_keys": ["pictures/curves"]}),
        _table("tables/intervals"),
        _table("tables/subjects"),
    ],
}  # fmt: skip
"""Sections, and the panels of each: name of a class of wandb_workspaces.reports.v2, and its arguments."""


def shown_keys() -> set[str]:
    """Every key that a panel or a column shows, including those of configs."""
    found = {column.partition(":")[2] for column in _PINNED}
    for panels in LAYOUT.values():
        for _, options in panels:
            for name in ("x", "y", "metrics", "media_keys", "table_name"):
                value = options.get(name, [])
                found.update([value] if isinstance(value, str) else value)
    return found


def layout_text() -> str:
    """The layout as text."""
    lines = ["runs grouped by: Group (the study)", f"columns: {', '.join(_PINNED)}"]
    for section, panels in LAYOUT.items():
        lines += ["", section]
        for kind, options in panels:
            rest = "; ".join(f"{name}={value}" for name, value in options.items() if name != "title")
            lines.append(f"  {kind:23}{options.get('title', '')} [{rest}]")
    return "\n".join(lines)


def build(entity: str, project: str, name: str) -> Any:
    """The workspace, not yet saved.

    Raises:
        SystemExit: If the package wandb-workspaces is missing.
    """
    try:
        ws = importlib.import_module("wandb_workspaces.workspaces")
        wr = importlib.import_module("wandb_workspaces.reports.v2")
    except ImportError as error:
        raise SystemExit(f"wandb_workspace.py: {error}; install it with: pip install wandb-workspaces") from None
    sections = [
        ws.Section(name=title, panels=[getattr(wr, kind)(**options) for kind, options in panels], is_open=True)
        for title, panels in LAYOUT.items()
    ]
    settings = ws.RunsetSettings(groupby=[ws.Metric("Group")], pinned_columns=list(_PINNED))
    return ws.Workspace(entity=entity, project=project, name=name, sections=sections, runset_settings=settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entity", help="your name, or your team's, on W&B")
    parser.add_argument("--project", default="memodule", help="as in configs/logger/wandb.yaml [memodule]")
    parser.add_argument("--name", default="Studies", help="of the workspace [Studies]")
    parser.add_argument("--dry-run", action="store_true", help="print the layout and make nothing")
    options = parser.parse_args()
    if options.dry_run:
        print(layout_text())
        return
    if not options.entity:
        parser.error("give --entity, or --dry-run")
    workspace = build(options.entity, options.project, options.name)
    workspace.save()
    print(workspace.url)


if __name__ == "__main__":
    main()
