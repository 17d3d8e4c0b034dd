"""`memodule import-curves`: formats, frames, what is refused, and the study that comes out."""

import csv
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from memodule.cli import main
from memodule.datasets import Catalog, Expression, Video
from memodule.intervals import PriorGuided
from memodule.studies.curve_files import read_curve_files
from memodule.studies.study import Study

SUBJECTS = ("a", "b", "c")
LENGTH, FPS = 240, 30
MICRO = {"a": (40, 53), "b": (90, 103), "c": (150, 164)}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Path:
    """Three subjects with two videos each; the first one holds a micro-expression."""
    folder = tmp_path_factory.mktemp("catalog")
    videos = [Video(s, f"v{n}", Path(f"{s}{n}"), FPS, LENGTH) for s in SUBJECTS for n in (1, 2)]
    micro = [
        Expression(s, "v1", "micro", onset, None, offset, emotion)
        for (s, (onset, offset)), emotion in zip(MICRO.items(), ("negative", "surprise", "positive"), strict=True)
    ]
    Catalog(tuple(videos), tuple(micro), "small").write(folder)
    return folder


def scores() -> dict[tuple[str, str], np.ndarray]:
    """Curves with a bump at every label."""
    found = {}
    for subject in SUBJECTS:
        for name in ("v1", "v2"):
            curve = np.random.default_rng(len(found)).uniform(0, 0.1, LENGTH)
            if name == "v1":
                onset, offset = MICRO[subject]
                curve[onset : offset + 1] += np.hanning(offset - onset + 1) * 0.8
            found[subject, name] = curve
    return found


def classes(curve: np.ndarray) -> np.ndarray:
    """Probabilities: negative as likely as the score, all others even."""
    rest = (1 - curve) / 4
    return np.stack([curve, rest, rest, rest, rest], axis=1)


def import_curves(curves: Path, catalog: Path, runs: Path, *more: object) -> int:
    return main(["import-curves", *map(str, (curves, "--catalog", catalog, "--runs", runs, *more)), "--quiet"])


def study_of(runs: Path) -> Study:
    (folder,) = runs.iterdir()
    return Study.open(folder)


def one_npz(path: Path, curves: dict, **more) -> Path:
    np.savez(path, **{"/".join(key): curve for key, curve in curves.items()}, **more)
    return path


def _write_folder(folder: Path) -> Path:
    for n, ((subject, video), curve) in enumerate(scores().items()):
        path = folder / subject / video if n % 2 else folder / f"{subject}_{video}"
        path.parent.mkdir(parents=True, exist_ok=True)
        match n % 5:
            case 0:
                np.save(path.with_suffix(".npy"), curve)
            case 1:
                np.savez(path.with_suffix(".npz"), score=curve)
            case 2:
                path.with_suffix(".csv").write_text("score\n" + "\n".join(map(str, curve)))
            case 3:
                np.savetxt(path.with_suffix(".csv"), curve, delimiter=",")
            case 4:
                path.with_suffix(".pkl").write_bytes(pickle.dumps(curve))
    return folder


def _write_csv(path: Path) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["video", "subject", "score", "frame"])
        for (subject, video), curve in scores().items():
            rows.writerows([video, subject, value, frame] for frame, value in enumerate(curve))
    return path


def _write_joined(path: Path) -> Path:
    curves = scores()
    ends = np.cumsum([0, *map(len, curves.values())])
    names = {name: [key[i] for key in curves] for i, name in enumerate(("subjects", "videos"))}
    np.savez(path, scores=np.concatenate(list(curves.values())), offsets=ends, **names)
    return path


FORMATS = {
    "folder": _write_folder,
    "all.csv": _write_csv,
    "joined.npz": _write_joined,
    "named.npz": lambda path: one_npz(path, scores()),
    "dict.pkl": lambda path: _pickled(path, {"/".join(key): curve for key, curve in scores().items()}),
    "tuples.pkl": lambda path: _pickled(path, scores()),
    "rows.pkl": lambda path: _pickled(path, [(*key, curve.tolist()) for key, curve in scores().items()]),
    "nested.pkl": lambda path: _pickled(path, {s: {v: scores()[s, v] for v in ("v1", "v2")} for s in SUBJECTS}),
}


def _pickled(path: Path, value: object) -> Path:
    path.write_bytes(pickle.dumps(value))
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_curves(form, tmp_path):
    keys = list(scores())
    found = {own.key: own for own in read_curve_files(FORMATS[form](tmp_path / form), keys)}
    assert sorted(found) == sorted(keys)
    for key, curve in scores().items():
        np.testing.assert_allclose(found[key].scores, curve)
        assert found[key].classes is None
        assert (found[key].frames is not None) == (form == "all.csv")


def test_a_study_finds_the_bumps(catalog, tmp_path, capsys):
    assert import_curves(one_npz(tmp_path / "all.npz", scores()), catalog, tmp_path / "runs", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["complete"]
    assert printed["results"]["spotting"]["tp"] == 3
    study = study_of(tmp_path / "runs")
    for subject in SUBJECTS:
        fold = study.fold(subject, 0)
        assert subject not in fold.result["provenance"]["network"]
        others = [e for e in study.catalog.expressions if e.subject != subject]
        assert fold.rule.timing == PriorGuided().fit(others, fps=FPS).timing
