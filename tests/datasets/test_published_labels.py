"""Our readers compared with the published label loading: the same numbers, except where we differ on purpose.

The golden cases were made by running the published code. We agree on every interval and emotion except that

- a row with unknown onset and offset is dropped, where the published code keeps it with onset -1;
- a row with unknown offset and apex is dropped, where the published code keeps an offset before the onset;
- an unknown apex is None, where the published code has a frame (nothing looks at it);
- emotions stay with their intervals, where the published code shifts them after a row that was dropped;
- an emotion without a class is an error until the map says `drop`, which drops interval and emotion; the published code
  drops the emotion in silence and keeps the interval.

Published code divides by the frame step with truncation toward zero, we floor: the same from frame 0 on, and we have no
negative frames.
"""

import json
from pathlib import Path
from typing import Any

import fake_releases
import pytest
from fake_releases import LONG_SHEET, ME_SHEET, Release

from memodule.datasets import Catalog
from memodule.errors import UserError

CASES = json.loads((Path(__file__).parents[1] / "golden" / "decoding" / "labels.json").read_text())["load_label"]
Interval = tuple[int, int | None, int, str]


def release(case: dict[str, Any], folder: Path) -> Release:
    return (_samm if case["dataset"].startswith("SAMM") else _casme3)(case, folder)


def _casme3(case: dict[str, Any], folder: Path) -> Release:
    made = fake_releases.casme3(folder)
    rows = [
        [r["subjectCode"], r["videoCode"], r["onset"], r["apex"], r["offset"], "4", "I", r["emotion"]]
        for r in case["rows"]
        if r["type"] == "micro-expression"
    ]
    made.books = {ME_SHEET: {"label": [fake_releases.ME_HEADER, *rows]}}
    made.videos = {
        f"data/spNO.{subject}/{video}/color": fake_releases.frames("", 160)
        for subject, videos in zip(case["subjects"], case["subjectsVideos"], strict=True)
        for video in videos
    }
    return made


def _samm(case: dict[str, Any], folder: Path) -> Release:
    made = fake_releases.samm_lv(folder)
    rows = [(f"{r['videoCode']}_{i}", r) for i, r in enumerate(case["rows"])]
    movements = [fake_releases.samm_row(name, r["onset"], r["apex"], r["offset"]) for name, r in rows]
    facs = [fake_releases.facs_row(name, r["emotion"]) for name, r in rows]
    made.books[LONG_SHEET]["FACS_Movement_Only"][10:] = movements
    made.books[fake_releases.FACS_SHEET]["MICRO_ONLY"][14:] = facs
    made.videos = {"pictures": fake_releases.frames("", 1400, 4)}  # of all videos, by links
    (made.root / "SAMM_longvideos").mkdir(parents=True)
    for video in [video for videos in case["subjectsVideos"] for video in videos]:
        (made.root / "SAMM_longvideos" / video).symlink_to(made.root / "pictures", target_is_directory=True)
    return made


def ours(catalog: Catalog, step: int) -> dict[tuple[str, str], list[Interval]]:
    found: dict[tuple[str, str], list[Interval]] = {}
    for e in catalog.expressions:
        apex = None if e.apex is None else e.apex // step
        key = (e.subject.removeprefix("spNO."), e.video)
        found.setdefault(key, []).append((e.onset // step, apex, e.offset // step, e.emotion))
    return found


def published(case: dict[str, Any]) -> dict[tuple[str, str], list[Interval]]:
    expected = case["expected"]
    return {
        (subject, video): [(*span, emotion) for span, emotion in zip(spans, emotions, strict=False)]
        for subject, videos, of_subject, names in zip(
            expected["final_subjects"],
            expected["final_videos"],
            expected["final_samples"],
            expected["final_emotions"],
            strict=True,
        )
        for video, spans, emotions in zip(videos, of_subject, names, strict=True)
    }


@pytest.mark.parametrize(
    "name",
    [
        "casme3_plain",
        "casme3_overlap_and_past_end",
        "casme3_other_types_and_missing_video",
        "casme_test_same_map_as_casme3",
    ],
)
def test_the_same(name: str, tmp_path: Path) -> None:
    catalog = release(CASES[name], tmp_path).read(repairs=False)
    assert ours(catalog, CASES[name]["frame_skip"]) == published(CASES[name])


def test_unmapped_emotions_are_dropped_only_where_the_map_says_so(tmp_path: Path) -> None:
    case = CASES["casme3_unmapped_emotions"]
    made = release(case, tmp_path)
    with pytest.raises(UserError, match="emotion 'repression' has no class"):
        made.read()
    emotions = {"anger": "negative", "repression": "drop", "contempt": "drop", "bored": "drop"}
    assert case["expected"]["final_samples"] == [[[[9, 17, 29], [49, 57, 69]]]]  # that of `repression`, kept
    assert case["expected"]["final_emotions"] == [[["negative"]]]
    assert ours(made.read(emotions=emotions), 1) == {("1", "a"): [(49, 57, 69, "negative")]}


def test_names_that_the_published_map_lacks_are_an_error(tmp_path: Path) -> None:
    case = CASES["casme3_happiness_is_not_mapped"]
    assert case["k_p"]["exception"] == "IndexError"  # what the published code makes of it
    with pytest.raises(UserError, match=r"row 2: emotion 'happiness' has no class; add `happiness: others`"):
        release(case, tmp_path).read()


def test_unknown_onset_and_offset(tmp_path: Path) -> None:
    case = CASES["casme3_offset0_and_onset0"]
    expected = published(case)
    assert expected.pop(("1", "c")) == [(-1, 17, 17, "negative")]
    assert ours(release(case, tmp_path).read(), 1) == expected


def test_emotions_stay_with_their_intervals(tmp_path: Path) -> None:
    case = CASES["casme3_onset0_shifts_emotions"]
    assert case["expected"]["final_emotions"] == [[["positive", "negative", "surprise"]]]  # three for two intervals
    assert ours(release(case, tmp_path).read(), 1) == {("1", "a"): [(49, 57, 69, "negative"), (89, 94, 98, "surprise")]}


def test_samm_at_its_frame_step(tmp_path: Path) -> None:
    case = CASES["sammlv_skip7"]
    expected = published(case)
    assert expected["006", "006_2"][0] == (1, 0, 12, "positive")
    expected["006", "006_2"][0] = (1, None, 12, "positive")
    # Onsets 1, 700, 1400 (0 is dropped), and the emotions of rows 1 to 3 although the third was dropped.
    assert expected["011", "011_3"] == [(0, 7, 14, "others"), (99, 107, 107, "negative"), (199, 0, 0, "negative")]
    expected["011", "011_3"].pop()
    assert ours(release(case, tmp_path).read(), 7) == expected
