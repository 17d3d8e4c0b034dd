"""The run of an ablation on Weights & Biases: one table, the figures, what it was compared with."""

from collections.abc import Mapping
from typing import Any

from memodule.metrics.score_names import SCORE_NAMES
from memodule.studies.ablation.run import Ablation
from memodule.studies.ablation.table import flat_rows
from memodule.studies.tracking import log_media, tracked_run


def log_ablation(ablation: Ablation, figures: Mapping[str, Any]) -> None:
    """Send the table and the figures to a run of the study's group; nothing happens without Weights & Biases.

    The summary holds the reference's scores, never the best row's: sorted by it, dashboards would choose on held-out
    subjects.

    Args:
        ablation: What to tell.
        figures: Matplotlib figures by name.
    """
    config = {"ablation/grid": dict(ablation.grid.contents), "ablation/reference": ablation.grid.reference}
    with tracked_run(ablation.study, "ablation", f"ablation-{ablation.grid.name}", config) as run:
        if run is None:
            return
        rows = flat_rows(ablation.rows)
        run.summary.update(
            {
                "ablation/rows": len(rows),
                "ablation/leaks": sum(row.leak for row in ablation.rows),
                **{f"reference/{name}": ablation.reference.scores[name] for name in SCORE_NAMES},
            }
        )
        log_media(run, {"ablation": rows}, figures, mixed_types=True)
