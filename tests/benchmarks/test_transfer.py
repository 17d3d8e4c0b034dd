"""The transfer table is made of held-out people, and its conclusions are those of its numbers."""

import contextlib
import dataclasses
import io
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video, synthesize
from memodule.emotions import EMOTIONS
from memodule.flow import FlowParameters, FlowStore

PROGRAM = Path(__file__).parents[2] / "experiments" / "benchmarks" / "transfer.py"
sys.path.insert(0, str(PROGRAM.parent))

import transfer  # noqa: E402
import transfer_data  # noqa: E402

SIZES = transfer_data.Sizes(training=2, calibrating=2, tested=2, videos=1, frames=300, difficulty="easy")
PEOPLE = [f"s{number:02d}" for number in range(1, SIZES.people + 1)]
TESTED = tuple(PEOPLE[-SIZES.tested :])


def labels(name: str, shift: int, micros: bool = True) -> Catalog:
    """One video of ten seconds for each person; nothing is rendered."""
    videos = tuple(Video(person, "v1", Path("absent.avi"), 30.0, SIZES.frames) for person in PEOPLE)
    expressions = [
        Expression(person, "v1", "micro", onset, onset + 5, onset + 16, EMOTIONS[(number + onset) % len(EMOTIONS)])
        for number, person in enumerate(PEOPLE)
        for onset in range(20 + shift + 3 * number, SIZES.frames - 30, 60)
    ]
    return Catalog(videos, tuple(expressions if micros else ()), name)


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> tuple[dict, dict]:
    """All kinds, and a recording; features without images stand for rendered videos."""
    root = tmp_path_factory.mktemp("transfer")
    other = dataclasses.replace(SIZES, seed=1)
    rendered = transfer_data.simulate(root / "rendered", labels("rendered", 0), other)
    background = transfer_data.simulate(root / "background", labels("background", 0, micros=False), other)
    kinds = {
        "rendered": rendered,
        "simulated": transfer_data.simulate(root / "simulated", labels("simulated", 20), SIZES),
        "injected": transfer_data.inject_all(root / "injected", background, SIZES),
    }
    return kinds, {"a slower camera": rendered}


@pytest.fixture(scope="module")
def outcome(material, tmp_path_factory) -> tuple[str, dict]:
    """What the program prints, and its JSON."""
    folder = tmp_path_factory.mktemp("out")
    sizes = itertools.chain.from_iterable((f"--{name}", str(v)) for name, v in dataclasses.asdict(SIZES).items())
    argv = ["--out", str(folder), "--json", str(folder / "table.json"), "--epochs", "9", "--seeds", "3", *sizes]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(transfer, "make_kinds", lambda *_: material[0])
        patch.setattr(transfer, "make_recordings", lambda *_: material[1])
        transfer.main(argv)
    return printed.getvalue(), json.loads((folder / "table.json").read_text(encoding="utf-8"))


def test_every_cell_counts_the_expressions_of_all_held_out_people(outcome, material):
    cells = outcome[1]["cells"]
    videos = {kind: len(some.catalog.of(TESTED).videos) for kind, some in material[0].items()}
    assert videos == {"rendered": 2, "simulated": 2, "injected": 4}  # every background is used twice
    assert len(cells) == 9 * 6  # three kinds, four amounts of noise, a recording, mirrored
    for cell in cells:
        source = cell["tested"] if cell["tested"] in transfer_data.KINDS else "rendered"
        catalog = material[0][source].catalog.of(TESTED)
        assert cell["subjects"] == list(TESTED)
        assert cell["hits"] + cell["misses"] == sum(e.kind == "micro" for e in catalog.expressions)
        assert cell["minutes"] == pytest.approx(len(catalog.videos) * 10 / 60)
        assert cell["false_alarms_a_minute"] == pytest.approx(cell["false_alarms"] / cell["minutes"])


def test_hardened_and_plain_networks_differ(outcome):
    counts = {
        hardened: [(c["hits"], c["false_alarms"]) for c in outcome[1]["cells"] if c["hardened"] == hardened]
        for hardened in (False, True)
    }
    assert counts[True] != counts[False]


def test_table_and_targets_are_those_of_the_cells(outcome):
    printed, saved = outcome
    rows = [line for line in printed.splitlines() if line.startswith("|")][2:]
    cells = iter(saved["cells"])
    for row in rows:
        tested, *texts = [part.strip() for part in row.strip("|").split("|")]
        for text in texts:
            cell = next(cells)
            assert cell["tested"] == tested
            assert text == f"{cell['f1']:.2f} ({cell['recall']:.2f}; {cell['false_alarms_a_minute']:.1f})"
    assert next(cells, None) is None
    f1 = {(c["kind"], c["tested"]): c["f1"] for c in saved["cells"] if c["hardened"]}
    last = printed.splitlines()[-1]
    held, lost = last.split("Do not hold: ")
    for name, row in saved["targets"].items():
        assert name in (held if row["holds"] else lost)
        kind, _, rest = name.partition(" on ")
        if rest and not rest.startswith("itself"):
            tested = rest.split(":")[0]
            diagonal = f1[tested, tested]
            assert row["value"] == (pytest.approx(f1[kind, tested] / diagonal) if diagonal else None)
            assert row["holds"] == bool(diagonal and f1[kind, tested] >= 0.8 * diagonal)


def test_counts_of_seeds_are_summed():
    one, other = (
        transfer.Cell("rendered", True, "rendered", ("s01",), *counts, 0.5) for counts in ((4, 1, 5), (2, 0, 7))
    )
    assert one + other == transfer.Cell("rendered", True, "rendered", ("s01",), 6, 1, 12, 1.0)
    assert str(one + other) == "0.48 (0.33; 1.0)"


def test_a_cell_is_compared_with_the_network_trained_on_what_is_tested():
    def cell(kind: str, tested: str, hits: int) -> transfer.Cell:
        return transfer.Cell(kind, True, tested, ("s01",), hits, 0, 10 - hits, 1.0)

    cells = [cell("rendered", "rendered", 9), cell("rendered", "simulated", 4), cell("simulated", "simulated", 5)]
    assert transfer.share_kept(cells, cells[1]) == pytest.approx((8 / 14) / (10 / 15))


@pytest.fixture(scope="module")
def trained(material, tmp_path_factory) -> transfer.Trained:
    root = tmp_path_factory.mktemp("one")
    return transfer.train("simulated", material[0]["simulated"], SIZES, True, 0, 30, root)


def test_no_noise_is_the_plain_cell(trained, material):
    rendered = material[0]["rendered"]
    plain = transfer.score(trained, transfer.TestSet("rendered", rendered, TESTED))
    assert transfer.score(trained, transfer.TestSet("rendered", rendered, TESTED, noise=0.0)) == plain
    assert plain.hits + plain.false_alarms > 0
    video = rendered.catalog.videos[-1]
    noisy = transfer.TestSet("noisy", rendered, TESTED, noise=0.5).windows(video, 0) - rendered.windows(video)
    assert not noisy[:, :, 0].any()
    assert noisy[:, :, 1:].std() == pytest.approx(0.5, rel=0.05)


def test_mirrored_faces_are_scored_mirrored(material):
    rendered = material[0]["rendered"]
    video = rendered.catalog.videos[-1]
    seen = transfer.TestSet("mirrored", rendered, TESTED, mirror=True).windows(video, 0)
    assert np.abs(seen - rendered.windows(video)).max() > 0.1
    np.testing.assert_allclose(np.sort(np.abs(seen).sum((0, 2))), np.sort(np.abs(rendered.windows(video)).sum((0, 2))))


def test_known_people_are_refused(trained, material):
    assert trained.learned_from == set(PEOPLE) - set(TESTED)
    with pytest.raises(ValueError, match="has learned from"):
        transfer.score(trained, transfer.TestSet("rendered", material[0]["rendered"], (PEOPLE[0], *TESTED)))


def test_injected_movements_are_where_their_labels_are(tmp_path):
    """On a still face, frames move between onset and offset alone, the same in all windows that see them."""
    store = FlowStore(tmp_path, FlowParameters())
    still = np.zeros((store.parameters.windows(600), 36, 30), np.float32)
    record = store.put("s", "v", still, fps=30.0, frames=600, source={"kind": "still"})
    windows, expressions = transfer_data.inject(still, record, 3, (2.0, 3.0))
    assert 4 <= len(expressions) <= 20 / 3
    inside = np.zeros(600, bool)
    for expression in expressions:
        inside[expression.onset : expression.offset + 1] = True
        assert 6 <= expression.offset - expression.onset <= 46
        assert expression.onset < expression.apex < expression.offset
    starts = store.parameters.starts(len(windows))
    for start, window in zip(starts.tolist(), windows, strict=True):
        if not inside[start]:
            moved = np.abs(window).max(axis=0) > 1e-6
            assert not (moved & ~inside[start : start + 30]).any()
            for expression in expressions:
                if start <= expression.onset and expression.offset < start + 30:
                    apex = window[:, expression.apex - start].reshape(18, 2)
                    assert 1.9 < np.linalg.norm(apex, axis=1).max() < 3.1
    np.testing.assert_allclose(
        windows[1, :, :15], windows[0, :, 15:] - windows[0, :, 15:16], atol=1e-5
    )  # both see frames 15 to 29


def test_a_slower_camera_records_fewer_frames():
    assert transfer_data.recorded_frames(6, 1) == list(range(6))
    shown = transfer_data.recorded_frames(60, 30 / 25)
    assert len(set(shown)) == 50
    assert max(abs(shown[i] - i) for i in range(60)) <= 1


@pytest.mark.slow
def test_recordings_hold_the_same_people_as_other_cameras_see_them(tmp_path):
    catalog = synthesize(tmp_path / "videos", subjects=2, videos=1, frames=90)
    rendered = transfer_data.Material(catalog, FlowStore(tmp_path / "flow", FlowParameters()))
    made = transfer_data.make_recordings(tmp_path / "recordings", rendered, ["s02"])
    assert list(made) == ["H.264, CRF 35", "15 frames per second"]
    for recording in made.values():
        assert recording.catalog.subjects == ("s02",)
        assert recording.catalog.expressions == catalog.of(["s02"]).expressions
        assert recording.windows(recording.catalog.videos[0]).shape == (5, 36, 30)
    repeated = made["15 frames per second"].windows(made["15 frames per second"].catalog.videos[0])[0]
    steps = np.abs(np.diff(repeated, axis=1)).max(axis=0)
    assert steps[0::2].max() < 0.02 < steps[1::2].max()  # every second sample shows the frame before it again
