"""A picture of a Catalog: durations of its micro-expressions, and their numbers by class and subject."""

from pathlib import Path

from memodule.colours import LIGHT
from memodule.datasets.catalog import Catalog
from memodule.datasets.check.statistics import duration_ms
from memodule.emotions import EMOTIONS
from memodule.errors import UserError
from memodule.runtime.atomic import replacing


def draw_histograms(catalog: Catalog, path: Path) -> None:
    """Write a picture (.png, .pdf or .svg) of the durations of micro-expressions and their number per subject.

    Raises:
        UserError: If there are no micro-expressions or the picture cannot be written.
    """
    from matplotlib.figure import Figure  # no pyplot: needs no display and leaves no global state

    micro = [e for e in catalog.expressions if e.kind == "micro"]
    if not micro:
        raise UserError(f"{path}: {catalog.name} has no micro-expressions to draw; omit --histogram")
    fps = {video.key: video.fps for video in catalog.videos}
    durations = [[duration_ms(e, fps[e.key]) for e in micro if e.emotion == emotion] for emotion in EMOTIONS]
    figure = Figure(figsize=(10, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1)
    colours = [LIGHT[emotion] for emotion in EMOTIONS]
    labels = [f"{emotion} ({len(values)})" for emotion, values in zip(EMOTIONS, durations, strict=True)]
    upper.hist(durations, bins=30, stacked=True, color=colours, label=labels)
    upper.axvline(500, color="black", linestyle=":", label="500 ms")
    upper.set(xlabel="duration in ms", ylabel="micro-expressions", title=f"{catalog.name}: {len(micro)} MEs")
    upper.legend(loc="upper right")
    bottom = [0] * len(catalog.subjects)
    for emotion in EMOTIONS:
        counts = [sum(e.subject == subject and e.emotion == emotion for e in micro) for subject in catalog.subjects]
        lower.bar(catalog.subjects, counts, bottom=bottom, color=LIGHT[emotion])
        bottom = [a + b for a, b in zip(bottom, counts, strict=True)]
    lower.set(xlabel="subject", ylabel="micro-expressions", ylim=(0, 1.05 * max(bottom)))
    lower.tick_params(axis="x", labelrotation=90, labelsize=7)
    try:
        with replacing(path) as aside:
            figure.savefig(aside, dpi=120, format=path.suffix[1:])
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: the picture cannot be written ({error}); use a name ending in .png") from None
