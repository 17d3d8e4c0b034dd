"""Label rows and frame folders -> Catalog: the part that all data sets share.

Frame numbers. The label files count frames from 1; fractional numbers are rounded. 0, -1 and an empty cell mean
unknown:

- an unknown apex stays unknown (published code: becomes frame -2 or 0); one outside onset .. offset becomes unknown;
- an unknown offset becomes the apex (as in published code; the convention of CAS(ME)^2);
- a row with an unknown onset is dropped (published code keeps it, with onset -1, if the offset is also unknown);
- a row whose offset is before its onset is dropped (published code keeps it).

Frames. The Catalog counts positions: frame i is the i-th image in natural order, as `memodule.datasets.frames` reads
them. A label number is the number in an image's name. If numbers are missing, an onset moves to the next existing
image and an offset to the previous one, so that labels still point at the labelled images (published code fills the
gap with copies of the next image instead). If names do not number the images properly, number n is the n-th image.

Nothing is dropped or changed without a `Remark`.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from memodule.datasets.catalog import Catalog, Expression, Kind, Video, VideoKey
from memodule.datasets.folders import Images, Listing
from memodule.datasets.label_sources import LabelSources, Place, Remark, Severity
from memodule.datasets.workbook import SheetRow
from memodule.emotions import EMOTIONS
from memodule.errors import UserError

DROP: Final = "drop"
"""Value in an emotion map that leaves the expression out."""

_KINDS: Final = {"micro": "micro-expression", "macro": "macro-expression"}


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """One row of a label file.

    Attributes:
        subject: Code of the person, as in the Catalog; so is `video`.
        onset: Frame number in the file (from 1; may be fractional), or None if unknown; so are `apex` and `offset`.
        emotion: As in the file; "" if there is none.
    """

    subject: str
    video: str
    kind: Kind
    onset: float | None
    apex: float | None
    offset: float | None
    emotion: str
    place: Place

    @classmethod
    def of(cls, row: SheetRow, key: VideoKey, kind: Kind, emotion: str) -> "Label":
        """The label in a row that has the columns onset, apex and offset."""
        return cls(*key, kind, row.frame("onset"), row.frame("apex"), row.frame("offset"), emotion, row.place)

    @property
    def key(self) -> VideoKey:
        """(subject, video)."""
        return self.subject, self.video


def assemble(
    name: str,
    labels: Sequence[Label],
    folders: Mapping[VideoKey, Path],
    listing: Listing,
    *,
    fps: float,
    emotions: Mapping[str, str],
    files: Sequence[Path] = (),
    remarks: Iterable[Remark] = (),
) -> Catalog:
    """Make the Catalog of one data set.

    Args:
        emotions: Class of every emotion name in the label files; `drop` leaves the expression out.
        files: Label files that are the `place` of no label.

    Raises:
        UserError: If no labelled video has a folder, or an emotion is not in the map.
    """
    gathered = list(remarks)
    images = {key: listing.look(folder).images for key, folder in folders.items()}
    videos = _videos(folders, images, fps, gathered)
    classes = _classes(labels, emotions)
    placed = _with_frames(labels, {video.key for video in videos}, gathered)
    expressions = _expressions(placed, images, classes, gathered)
    rows = dict(Counter[str](label.kind for label in labels))
    used = tuple(dict.fromkeys((*(label.place.path for label in labels), *files)))
    return Catalog(tuple(videos), expressions, name, LabelSources(used, rows, tuple(gathered)))


def _expressions(
    labels: Iterable[Label], images: Mapping[VideoKey, Images], classes: Mapping[str, str], remarks: list[Remark]
) -> tuple[Expression, ...]:
    """The expressions of labels whose videos exist."""
    expressions: dict[tuple[str, str, int, int], Expression] = {}
    for label in labels:
        emotion = classes.get(label.emotion.strip().casefold(), "")
        if emotion == DROP:
            remarks.append(_remark(label, "note", f"left out, because the emotion map says {DROP}", label.emotion))
            continue
        if label.emotion and not emotion:
            remarks.append(_remark(label, "note", "emotion is not in the emotion map: left empty", label.emotion))
        settled = _settle(label, remarks)
        expression = _at_positions(settled, images[label.key], emotion, remarks) if settled else None
        if expression:
            _add(expressions, expression, label, remarks)
    return tuple(expressions.values())


def _videos(
    folders: Mapping[VideoKey, Path], images: Mapping[VideoKey, Images], fps: float, remarks: list[Remark]
) -> list[Video]:
    videos = []
    for key, folder in folders.items():
        found, place = images[key], Place(folder)
        if not found.count:
            remarks.append(Remark("warning", "no images: the video is left out; unpack or copy it again", place))
            continue
        videos.append(Video(*key, folder, fps, found.count))
        if found.oddity:
            text = "image names do not number the frames: labels count images by position; check the names"
            remarks.append(Remark("warning", text, place, found.oddity))
            continue
        if found.gaps:
            first, last = found.gaps[0]
            detail = f"{found.missing} missing, the first {first}" + (f" .. {last}" if last > first else "")
            remarks.append(Remark("warning", "frame numbers are missing; labels stay with their images", place, detail))
        if found.runs[0][0] != 1:
            text = "image numbers do not start at 1 as labels do: label n means the image numbered n"
            remarks.append(Remark("warning", text, place, f"first image {found.runs[0][0]}"))
    return videos


def _classes(labels: Iterable[Label], emotions: Mapping[str, str]) -> dict[str, str]:
    """The emotion map in lower case; it must cover the micro-expressions."""
    allowed = (*EMOTIONS, DROP)
    wrong = [f"{name}: {value}" for name, value in emotions.items() if value not in allowed]
    if wrong:
        what = f"{', '.join(wrong)} is not one of {', '.join(allowed)}"
        raise UserError(f"emotions: {what}; correct the data set's YAML file")
    classes = {name.strip().casefold(): value for name, value in emotions.items()}
    for label in labels:
        emotion = label.emotion.strip()
        if label.kind == "micro" and not emotion:
            raise UserError(f"{label.place}: the emotion is empty; fill in the cell")
        if label.kind == "micro" and emotion.casefold() not in classes:
            fix = f"add `{emotion}: others` (or `{emotion}: {DROP}`) to `emotions:` in the data set's YAML file"
            raise UserError(f"{label.place}: emotion {emotion!r} has no class; {fix}")
    return classes


def _with_frames(labels: Sequence[Label], videos: set[VideoKey], remarks: list[Remark]) -> list[Label]:
    """The labels whose video has frames, with one remark per video without."""
    absent: dict[VideoKey, list[Label]] = {}
    for label in labels:
        if label.key not in videos:
            absent.setdefault(label.key, []).append(label)
    if absent and len(absent) == len({label.key for label in labels}):
        have = f"{'/'.join(min(videos))} ..." if videos else "none"
        raise UserError(
            f"{labels[0].place}: none of the labelled videos has a folder of frames (labelled: "
            f"{'/'.join(labels[0].key)} ..., folders: {have}); pass the root folder that holds both"
        )
    for key, rows in absent.items():
        text = "labelled video without frames: its expressions are left out; copy its folder"
        counts = [f"{sum(row.kind == kind for row in rows)} {kind}" for kind in _KINDS]
        remarks.append(Remark("warning", text, rows[0].place, f"{'/'.join(key)}: {', '.join(counts)}"))
    return [label for label in labels if label.key in videos]


def _settle(label: Label, remarks: list[Remark]) -> Label | None:
    """Round the frame numbers and resolve unknown ones; None if no interval is left."""
    severity: Severity = "warning" if label.kind == "micro" else "note"
    code = "/".join(label.key)
    onset, apex, offset = (_whole(number) for number in (label.onset, label.apex, label.offset))
    as_written = (label.onset, label.apex, label.offset)
    if any(number is not None and not number.is_integer() for number in as_written):
        detail = " ".join("-" if number is None else f"{number:g}" for number in as_written)
        remarks.append(_remark(label, "note", "fractional frame numbers are rounded", f"{code}, {detail}"))
    if onset is None:
        remarks.append(_remark(label, severity, "onset unknown (0): left out", code))
        return None
    if offset is None:
        if apex is None:
            remarks.append(_remark(label, severity, "offset and apex unknown: left out", code))
            return None
        remarks.append(_remark(label, severity, "offset unknown (0): the apex is used", f"{code}, {onset} {apex} 0"))
        offset = apex
    if offset < onset:
        detail = f"{code}, onset {onset}, offset {offset}"
        remarks.append(_remark(label, "warning", "offset before onset: left out", detail))
        return None
    if apex is not None and not onset <= apex <= offset:
        detail = f"{code}, {onset} {apex} {offset}"
        remarks.append(_remark(label, severity, "apex outside onset .. offset: treated as unknown", detail))
        apex = None
    elif apex is None:
        remarks.append(_remark(label, "note", "apex unknown", code))
    return dataclasses.replace(label, onset=onset, apex=apex, offset=offset)


def _whole(number: float | None) -> int | None:
    """The nearest whole frame number, or None if unknown."""
    whole = 0 if number is None else math.floor(number + 0.5)
    return whole if whole > 0 else None


def _at_positions(label: Label, images: Images, emotion: str, remarks: list[Remark]) -> Expression | None:
    """The expression in positions of the images, or None if it is outside them."""
    numbers = label.onset, label.apex, label.offset
    first, apex, last = (None if number is None else int(number) for number in numbers)
    assert first is not None
    assert last is not None
    if images.oddity:
        images = Images(images.count, ((1, images.count),))
    end = images.runs[-1][1]
    detail = f"{'/'.join(label.key)}, {first} .. {last}, last image {end}"
    onset, offset = images.at_or_after(first), images.at_or_before(last)
    if offset < onset:
        remarks.append(_remark(label, "warning", "no image within onset .. offset: left out", detail))
        return None
    if last > end:
        text = "ends after the last image and is cut there; check that labels and frames belong together"
        remarks.append(_remark(label, "warning", text, detail))
    position = None if apex is None else min(max(images.at_or_before(apex), onset), offset)
    return Expression(*label.key, label.kind, onset, position, offset, emotion)


def _add(
    expressions: dict[tuple[str, str, int, int], Expression], new: Expression, label: Label, remarks: list[Remark]
) -> None:
    """Add an expression unless its interval is already labelled."""
    key = (*new.key, new.onset, new.offset)
    if key not in expressions:
        expressions[key] = new
        return
    old = expressions[key]
    if old.kind != new.kind:
        text = "the same frames are labelled micro and macro: the macro row is left out; check the file versions"
        expressions[key] = old if old.kind == "micro" else new
    elif old.emotion != new.emotion:
        text = "the same frames are labelled twice, with different emotions: the first counts; delete the wrong row"
    else:
        text = "the same frames are labelled twice: the second row is left out; delete it"
    detail = f"{'/'.join(new.key)}, {label.onset:g} .. {label.offset:g}" if label.onset and label.offset else ""
    remarks.append(_remark(label, "warning", text, detail))


def _remark(label: Label, severity: Severity, text: str, detail: str = "") -> Remark:
    return Remark(severity, f"{_KINDS[label.kind]}: {text}", label.place, detail)
