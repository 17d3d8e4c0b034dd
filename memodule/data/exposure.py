"""Which subjects weights have learned from, checked before they are scored on anyone."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from memodule.data.seen_recordings import is_adapted_on
from memodule.datasets.catalog import Catalog


def exposures(
    seen: Iterable[Mapping[str, Any]], subject: str, catalog: Catalog, chosen_counts: bool = True
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """How weights have already seen a subject, if they have.

    A subject is the same if its code and the Catalog's name are, or if a video of the same code and length was seen. A
    recording that weights were adapted on is recognised by its contents, or its name and length.

    Args:
        seen: The record of the weights (`SpotRecognizeModule.seen`): `LosoDataModule.influences` of each training.
        chosen_counts: Whether being chosen by the subject's score counts; False for an inner validation subject that is
            only watched.

    Yields:
        "were trained on", "were adapted on a recording of" or "were chosen by the score of", and that training.
    """
    own = [video for video in catalog.videos if video.subject == subject]
    videos = [[*video.key, video.frames] for video in own]
    for influences in seen:
        chosen = subject in influences["chosen_on"]
        if chosen and not chosen_counts:
            continue
        if "adapted_on" in influences:
            if any(video in influences["videos"] for video in videos) or is_adapted_on([influences], own):
                yield "were adapted on a recording of", influences
            continue
        known = influences["catalog"] == catalog.name and (chosen or subject in influences["training"])
        if known or any(video in influences["videos"] for video in videos):
            yield "were chosen by the score of" if chosen else "were trained on", influences


def other_weights(subject: str, influences: Mapping[str, Any]) -> str:
    """Which weights to use for a subject instead of those that have seen it."""
    if "adapted_on" in influences:
        return f"the checkpoint as it was before it was adapted on {subject}"
    return f"the checkpoint of the fold that held out {subject}"
