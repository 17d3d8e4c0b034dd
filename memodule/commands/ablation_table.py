"""An ablation as the terminal shows it: the best row of each variant, what folds chose, and the notes."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from memodule.metrics.score_names import NOT_GIVEN
from memodule.studies.ablation.run import Ablation
from memodule.studies.ablation.table import AblationRow, best_of_groups

_HEADS: Final = ("STRS [95 %]", "- ref.", "p", "spot F1", "P", "R", "recog F1", "on", "TP/FP/FN")
_NARROW: Final = ("STRS", "- ref.", "spot F1", "recog F1", "TP/FP/FN")
_SPOTTING: Final = ("spot F1 [95 %]", "- ref.", "p", "P", "R", "TP/FP/FN")
"""What there is without emotions."""

_WIDE: Final = 120
"""Width of a terminal that holds all columns."""


def print_table(ablation: Ablation) -> None:
    """Print to standard output."""
    out = Console(highlight=False, markup=False, emoji=False)
    heads: Sequence[str] = _HEADS if out.width >= _WIDE else _NARROW
    if ablation.headline == "spot_f1":
        heads = [head for head in _SPOTTING if out.width >= _WIDE or head not in ("P", "R")]
    partial = f" (PARTIAL: {ablation.prepared.partial})" if ablation.prepared.partial else ""
    title = f"{ablation.study.name} under {ablation.grid.name}{partial}, best first"
    reference = f"differences from {ablation.grid.reference}"
    table = Table(title=f"{title}; {reference}", title_justify="left", pad_edge=False)
    table.add_column("variant", overflow="fold", min_width=22)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    shown = best_of_groups(ablation.rows)
    for row, size in shown:
        cells = _cells(row)
        style = "bold" if row is ablation.reference else None
        table.add_row(_name(row, size, ablation), *(cells[head] for head in heads), style=style)
    out.print(table)
    if len(shown) < len(ablation.rows):
        out.print(f"All {len(ablation.rows)} rows are in {ablation.folder / 'table.csv'}.", soft_wrap=True)
    for row, _ in shown:
        if row.chosen:
            frequent = list(row.chosen.items())[:4]
            out.print(f"{row.name}: " + "; ".join(f"{label} in {n}" for label, n in frequent), soft_wrap=True)
    for note in ablation.notes:
        out.print(note, soft_wrap=True)


def _name(row: AblationRow, size: int, ablation: Ablation) -> Text:
    marks = [
        *(["reference"] if row is ablation.reference else []),
        *(["LEAK"] if row.leak else []),
        *(["UNCALIBRATED"] if row.uncalibrated else []),
        *(["chosen by each fold"] if row.variant.chosen else []),
        *([f"best of {size}"] if size > 1 else []),
    ]
    return Text(row.name + (f" ({', '.join(marks)})" if marks else ""))


def _cells(row: AblationRow) -> dict[str, str]:
    main = row.headline
    low, high = row.ranges[main]
    pooled, test = row.pooled, (row.differences or {}).get(main)
    scores = {name: f"{value:.3f}" for name, value in row.scores.items()}
    ranged = f"{scores[main]} [{low:.2f}, {high:.2f}]"
    return {
        "STRS": scores.get("strs", NOT_GIVEN),
        "STRS [95 %]": ranged,
        "spot F1 [95 %]": ranged,
        "- ref.": f"{test['difference']:+.3f}" if test else "",
        "p": f"{test['p_value']:.3f}" if test else "",
        "spot F1": scores["spot_f1"],
        "P": scores["spot_precision"],
        "R": scores["spot_recall"],
        "recog F1": scores.get("recog_f1", NOT_GIVEN),
        "on": str(row.support),
        "TP/FP/FN": f"{pooled.tp}/{pooled.fp}/{pooled.fn}",
    }
