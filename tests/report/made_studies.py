"""Studies that nobody trained: folders as `memodule loso` leaves them, with simulated curves over given labels."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import yaml

from memodule.data.folds import scored_catalog
from memodule.datasets import Catalog, Expression, Video
from memodule.decoding.curves import VideoCurve, write_curves
from memodule.decoding.protocol import MEGC, Protocol
from memodule.emotions import FRAME_CLASSES
from memodule.intervals import PriorGuided, SelectionRule
from memodule.intervals.description import describe_rule
from memodule.runtime.atomic import write_json, write_text
from memodule.studies.plan import Plan
from memodule.studies.pooling import pool_study
from memodule.studies.study import Study
from memodule.synthetic.score_curves import ScoreModel, simulate_curves
from memodule.training.settings import parse_config

SCORES = ScoreModel(
    noise=0.1, noise_ms=(0.0, 100.0), noise_shares=(0.5, 0.5), amplitude_sd=0.15, fade=0.3, missed=0.05,
    macro_leak=0.25, distractors=2.0, base_spread=(0.2, 0.0),
)  # fmt: skip
"""A clear network with some faults of every kind."""


def small_catalog(subjects: Sequence[str] = ("s1", "s2", "s3"), videos: int = 2, fps: float = 30.0) -> Catalog:
    """Half a minute per video with two micro-expressions and a macro-expression; the last one of each subject has none.

    With one video per subject, that one holds the expressions.
    """
    rng = np.random.default_rng(len(subjects))
    all_videos, expressions = [], []
    emotions = iter(("negative", "surprise", "positive", "others") * 100)
    for subject in subjects:
        for v in range(videos):
            code = f"{subject}_{v + 1}"
            all_videos.append(Video(subject, code, Path("none") / f"{v}.avi", fps, round(30 * fps)))
            if v and v == videos - 1:
                continue
            for second in (4, 14):
                onset = round((second + rng.random()) * fps)
                length = round(rng.uniform(0.3, 0.5) * fps)
                span = (onset, onset + length // 2, onset + length)
                expressions.append(Expression(subject, code, "micro", *span, next(emotions)))
            span = (round(22 * fps), None, round(24 * fps))
            expressions.append(Expression(subject, code, "macro", *span, ""))
    return Catalog(tuple(all_videos), tuple(expressions), "small")


def make_study(
    folder: Path,
    catalog: Catalog,
    name: str = "simulated",
    rule: Callable[[], SelectionRule] = PriorGuided,
    protocol: Protocol = MEGC,
    frame_step: int = 1,
    seeds: Sequence[int] = (0,),
    without: Sequence[tuple[str, int]] = (),
    scores: ScoreModel = SCORES,
    pooled: bool = True,
) -> Path:
    """Write a study.

    Args:
        folder: Of all studies.
        catalog: All videos.
        name: Of the study.
        rule: How intervals are selected; fitted fold by fold.
        protocol: How they are scored.
        frame_step: Source frames per sampled frame.
        seeds: A whole study each.
        without: (subject, seed) of folds that are not finished.
        scores: What the simulated network gets right and wrong.
        pooled: Whether `results.json` is written, as it is when a study ends.

    Returns:
        Folder of the study.
    """
    catalog = scored_catalog(catalog, protocol.videos)
    config = resolved_config(folder, rule, protocol, frame_step)
    study = Study.begin(Plan(name, config, catalog, "f" * 64, catalog.subjects, tuple(seeds), folder))
    for seed in seeds:
        curves = simulate_curves(catalog, scores, frame_step=frame_step, seed=seed)
        for number, subject in enumerate(catalog.subjects):
            if (subject, seed) not in without:
                held = [
                    _curve(video, curves[video.key], frame_step) for video in catalog.videos if video.subject == subject
                ]
                write_curves(study.fold(subject, seed).folder / "test" / "curves.npz", held)
                result = _result(catalog, subject, rule(), protocol, frame_step, number + seed)
                write_json(study.fold(subject, seed).folder / "result.json", result | {"seed": seed})
    if pooled:
        write_json(study.folder / "results.json", pool_study(study))
    return study.folder


def resolved_config(folder: Path, rule: Callable[[], SelectionRule], protocol: Protocol, frame_step: int) -> dict:
    """What `memodule loso` writes to config.yaml."""
    network = {
        "class_path": "memodule.networks.SlowFastMamba",
        "init_args": {"fast_width": 8, "slow_width": 16, "depth": 1, "groups": 1, "state": 4},
    }
    options = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(protocol).items()}
    config = {
        "model": {"network": network, "learning_rate": 0.001},
        "data": {"catalog": "data/generated", "flow": "data/flow", "window": 30, "frame_step": frame_step},
        "trainer": {"max_epochs": 12, "logger": False},
        "intervals": {key: value for key, value in describe_rule(rule()).items() if key != "state"},
        "protocol": options,
    }
    path = folder / "experiment.yaml"
    write_text(path, yaml.safe_dump(config))
    return parse_config([path], {})


def _curve(video: Video, simulated, frame_step: int) -> VideoCurve:
    logs = np.log(simulated.probabilities + 1e-6)
    logits = (logs - logs.mean(axis=1, keepdims=True)).astype(np.float32)  # a network's logits lie around zero
    return VideoCurve(*video.key, simulated.curve.astype(np.float32), logits, video.fps, frame_step)


def _result(
    catalog: Catalog, subject: str, rule: SelectionRule, protocol: Protocol, frame_step: int, number: int
) -> dict:
    others = [s for s in catalog.subjects if s != subject]
    informed = catalog.subjects if protocol.leaks else others
    known = [e for e in catalog.expressions if e.kind == "micro" and e.subject in informed]
    rule.fit(known, fps=catalog.videos[0].fps, frame_step=frame_step)
    return {
        "subject": subject,
        "provenance": {
            "scored": [subject],
            "network": others,
            "class_weights": others,
            "interval_prior": list(informed),
            "chosen_on": [],
        },
        "class_weights": [1.0] * len(FRAME_CLASSES),
        "training_windows": 100,
        "rule": describe_rule(rule),
        "history": _history(number),
        "seconds": 61.5,
        "peak_memory_mb": 800,
    }


def _history(number: int) -> list[dict[str, float]]:
    rng = np.random.default_rng(number)
    epochs = np.arange(1, 13)
    spot = np.exp(-epochs / 5) * rng.uniform(0.5, 0.8) + 0.05 + 0.02 * rng.random(12)
    recog = np.exp(-epochs / 8) * rng.uniform(1.0, 1.4) + 0.1 + 0.03 * rng.random(12)
    f1 = np.clip(0.6 * (1 - np.exp(-epochs / 4)) + 0.1 * rng.standard_normal(12), 0, 1)
    return [
        {"train/loss": a + b, "train/loss_spot": a, "train/loss_recog": b, "val/loss": a + b + 0.1, "val/spot_f1": f}
        | {"val/recog_f1": 0.7 * f}
        for a, b, f in zip(spot.tolist(), recog.tolist(), f1.tolist(), strict=True)
    ]
