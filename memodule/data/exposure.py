"""Whom weights have learned from, asked before they judge anybody."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from memodule.datasets.catalog import Catalog


def exposures(
    seen: Iterable[Mapping[str, Any]], subject: str, catalog: Catalog, chosen_counts: bool = True
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """How weights know a subject already, if they do.

    A subject is the same if its code and the Catalog's name are, or if a video of the same code and length was seen.

    Args:
        seen: What the weights carry (`SpotRecognizeModule.seen`): `LosoDataModule.influences` of each training.
        subject: Of `catalog`.
        catalog: Where the subject's videos are.
        chosen_counts: Whether to have been the subject's choice counts too; not so for an inner validation subject that
            is only watched.

    Yields:
        "were trained on" or "were chosen by the score of", and that training.
    """
    videos = [[*video.key, video.frames] for video in catalog.videos if video.subject == subject]
    for influences in seen:
        chosen = subject in influences["chosen_on"]
        if chosen and not chosen_counts:
            continue
        known = influences["catalog"] == catalog.name and (chosen or subject in influences["training"])
        if known or any(video in influences["videos"] for video in videos):
            yield "were chosen by the score of" if chosen else "were trained on", influences
