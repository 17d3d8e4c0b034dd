"""What a network that was trained on one generator is worth on the others, and on recordings that are worse.

    python experiments/benchmarks/transfer.py --out data/transfer --seeds 0 1 --json transfer.json

Networks are trained on each of three kinds of generated material (`transfer_data.py`), without hardening and with that
of `memodule demo`, and find the micro-expressions of other people in all three, and in the rendered videos with noise
on the features, mirrored, compressed strongly, and from a slower camera. Network, training and rule are the demo's
(`experiments/demo.yaml`; the rule `Calibrated`). Of the people who are not tested, some are kept from training: on
their curves, of the network's own kind, the rule is calibrated. Nothing is fitted or chosen on tested people.

What a kind can give at best differs, so a cell is compared with the network that was trained on what is tested, its
column's diagonal, with the same hardening: the share that a network keeps which never saw the generator. Without
hardening, training takes a third of the epochs; longer, it would learn its own generator by heart.

Everything is generated: the table says what survives a change of generator, and nothing about real faces.
"""

import argparse
import dataclasses
import itertools
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))  # transfer_data lies next to this program, wherever it is run from
from transfer_data import KINDS, Material, Sizes, make_kinds, make_recordings

from memodule.datasets import Catalog, Video
from memodule.decoding.comparison import compared
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import labelled_curve
from memodule.decoding.fitted import FittedDecoder
from memodule.decoding.protocol import Protocol
from memodule.decoding.scoring import score_windows, stitched_curve
from memodule.errors import UserError
from memodule.hardening.mirroring import mirrored
from memodule.intervals import build_rule
from memodule.metrics.evaluation import tally_subjects
from memodule.metrics.functional import Tally, spotting_scores
from memodule.runtime.atomic import write_json
from memodule.runtime.packaged import ROOT
from memodule.studies.ablation.rule_files import read_rule
from memodule.studies.calibrating import calibrated_decoder
from memodule.training.fold_cli import quiet_lightning
from memodule.training.settings import build_fold, parse_config

Windows = npt.NDArray[np.float32]

NOISE_PX = (0.1, 0.2, 0.5, 1.0)
OTHER_GENERATOR = 0.8
WITH_NOISE = {0.2: 0.95, 0.5: 0.75}
"""Wanted: share of the diagonal, and of the F1 without noise, that a hardened network keeps."""


@dataclasses.dataclass(frozen=True, eq=False)
class Trained:
    """A network, and the rule that reads its curves.

    Attributes:
        kind: What it was trained on.
        learned_from: Everyone on whom weights or rule were fitted.
    """

    kind: str
    hardened: bool
    seed: int
    network: nn.Module
    decoder: FittedDecoder
    learned_from: frozenset[str]

    @property
    def name(self) -> str:
        """As the table's head has it."""
        return f"{self.kind}, {'hardened' if self.hardened else 'plain'}"


@dataclasses.dataclass(frozen=True)
class Cell:
    """What the networks of one kind and setting found in one test set, counts summed over seeds.

    Attributes:
        subjects: Who was tested.
        minutes: Of video, once for each seed.
    """

    kind: str
    hardened: bool
    tested: str
    subjects: tuple[str, ...]
    hits: int
    false_alarms: int
    misses: int
    minutes: float

    @property
    def f1(self) -> float:
        """Spotting F1."""
        return float(spotting_scores(self.hits, self.false_alarms, self.misses)["f1"])

    @property
    def recall(self) -> float:
        """Share of micro-expressions that were found."""
        return float(spotting_scores(self.hits, self.false_alarms, self.misses)["recall"])

    def __str__(self) -> str:
        return f"{self.f1:.2f} ({self.recall:.2f}; {self.false_alarms / self.minutes:.1f})"

    def __add__(self, other: "Cell") -> "Cell":
        summed = ("hits", "false_alarms", "misses", "minutes")
        return dataclasses.replace(self, **{name: getattr(self, name) + getattr(other, name) for name in summed})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, scores included."""
        rate = self.false_alarms / self.minutes
        return dataclasses.asdict(self) | {"f1": self.f1, "recall": self.recall, "false_alarms_a_minute": rate}


# --------------------------------------------------------------------------------------------------------- training


def train(kind: str, material: Material, sizes: Sizes, hardened: bool, seed: int, epochs: int, root: Path) -> Trained:
    """Train the demo's network on the training people of one kind, and calibrate its rule on the calibrating ones."""
    training, calibrating, _ = sizes.roles(material.catalog)
    known = material.catalog.of([*training, *calibrating])
    folder = root / kind / "known"
    folder.mkdir(parents=True, exist_ok=True)
    known.write(folder)
    settings = {
        "data.catalog": str(folder),
        "data.flow": str(material.store.root),
        "data.inner_validation_subjects": str(list(calibrating[1:])),
        "trainer.max_epochs": str(epochs if hardened else max(1, epochs // 3)),
        "trainer.logger": "false",
    }
    if not hardened:
        settings["data.hardening"] = "null"
    config = parse_config([ROOT / "experiments" / "demo.yaml"], settings)
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "limit_val_batches": 0}
    with quiet_lightning():
        cli = build_fold(config, calibrating[0], seed, default_root_dir=str(root), **quiet)
        cli.trainer.fit(cli.model, cli.datamodule)
    if set(cli.datamodule.fold.training) != set(training):
        raise ValueError(f"trained on {cli.datamodule.fold.training}, not on {training}")
    network = cli.model.network.cpu().eval()
    curves = _curves(network, known.of(calibrating), material, material.windows)
    labelled = [labelled_curve(curve, known) for curve in curves]
    rule = build_rule(read_rule("calibrated", Path(), "rule"), "rule")
    decoder = calibrated_decoder(rule, Protocol(), known, known.of(training), labelled, 1)
    return Trained(kind, hardened, seed, network, decoder, frozenset(known.subjects))


# ---------------------------------------------------------------------------------------------------------- testing


@dataclasses.dataclass(frozen=True)
class TestSet:
    """Videos of people whom no network knows, and what is done to their features.

    Attributes:
        noise: Standard deviation in pixels of white noise on every feature but the reference column.
        mirror: Whether faces are seen in a mirror.
    """

    name: str
    material: Material
    subjects: tuple[str, ...]
    noise: float = 0.0
    mirror: bool = False

    def windows(self, video: Video, seed: int) -> Windows:
        """Features (W, 36, k) of a video; `seed` is that of the noise."""
        windows = self.material.windows(video)
        if self.mirror:
            windows = mirrored(torch.from_numpy(windows), 1.0).numpy()
        if self.noise:
            own = [seed, *video.subject.encode(), 0, *video.video.encode()]
            noise = np.random.default_rng(own).standard_normal(windows.shape, np.float32)
            windows[:, :, 1:] += np.float32(self.noise) * noise[:, :, 1:]
        return windows


def make_test_sets(kinds: Mapping[str, Material], recordings: Mapping[str, Material], sizes: Sizes) -> list[TestSet]:
    """All test sets, in the order of the table."""
    rendered = kinds["rendered"]
    _, _, people = sizes.roles(rendered.catalog)
    sets = [TestSet(kind, material, sizes.roles(material.catalog)[2]) for kind, material in kinds.items()]
    sets += [TestSet(f"rendered, noise {noise:g} px", rendered, people, noise=noise) for noise in NOISE_PX]
    sets += [TestSet(f"rendered, {name}", material, people) for name, material in recordings.items()]
    return [*sets, TestSet("rendered, mirrored", rendered, people, mirror=True)]


def score(trained: Trained, held_out: TestSet) -> Cell:
    """Spot the micro-expressions of a test set.

    Raises:
        ValueError: If the network or its rule knows one of the people.
    """
    if known := trained.learned_from & set(held_out.subjects):
        raise ValueError(f"{trained.name} has learned from {sorted(known)} of the test set {held_out.name}")
    catalog, protocol = held_out.material.catalog.of(held_out.subjects), trained.decoder.protocol
    curves = _curves(trained.network, catalog, held_out.material, lambda video: held_out.windows(video, trained.seed))
    found = [compared(trained.decoder.decode(curve), catalog, protocol) for curve in curves]
    tally = sum(tally_subjects(found, protocol).values(), Tally())
    minutes = sum(video.frames / video.fps for video in catalog.videos) / 60
    return Cell(
        trained.kind,
        trained.hardened,
        held_out.name,
        catalog.subjects,
        tally.tp,
        tally.fp,
        tally.fn,
        minutes,
    )


def _curves(network: nn.Module, catalog: Catalog, material: Material, windows: Any) -> list[VideoCurve]:
    curves = []
    for video in catalog.videos:
        scores = score_windows(network, windows(video), 256)
        parameters = material.store.parameters
        sampled = parameters.sampled(video.frames)
        curves.append(stitched_curve(video.key, *scores, Protocol().stitching, video.fps, 1, sampled=sampled))
    return curves


# ------------------------------------------------------------------------------------------------------- conclusions


def share_kept(cells: Sequence[Cell], cell: Cell) -> float | None:
    """F1 as a share of that of the network that was trained on what is tested, with the same hardening; None of 0."""
    diagonal = _cell(cells, cell.tested, cell.hardened, cell.tested)
    return _ratio(cell, diagonal)


def targets(cells: Sequence[Cell]) -> dict[str, dict[str, Any]]:
    """Every target with what was measured, by hardened networks: name -> value, wanted, holds."""
    hardened = [cell for cell in cells if cell.hardened]
    kept = {
        f"{cell.kind} on {cell.tested}: F1 of its diagonal": (share_kept(cells, cell), OTHER_GENERATOR)
        for cell in hardened
        if cell.tested in KINDS and cell.tested != cell.kind
    }
    clean = _cell(cells, "rendered", True, "rendered")
    for noise, wanted in WITH_NOISE.items():
        noisy = _cell(cells, "rendered", True, f"rendered, noise {noise:g} px")
        kept[f"rendered at {noise:g} px: F1 of that without noise"] = (_ratio(noisy, clean), wanted)
    for kind in KINDS:
        own = [_cell(cells, kind, hard, kind) for hard in (True, False)]
        kept[f"{kind} on itself: F1 of that without hardening"] = (_ratio(*own), 1.0)
    return {
        name: {"value": value, "wanted": wanted, "holds": value is not None and value >= wanted}
        for name, (value, wanted) in kept.items()
    }


def _ratio(cell: Cell, whole: Cell) -> float | None:
    return cell.f1 / whole.f1 if whole.f1 else None


def _cell(cells: Iterable[Cell], kind: str, hardened: bool, tested: str) -> Cell:
    (found,) = (cell for cell in cells if (cell.kind, cell.hardened, cell.tested) == (kind, hardened, tested))
    return found


def table(cells: Sequence[Cell]) -> str:
    """One row per test set, one column per kind and setting."""
    columns = list(itertools.product(KINDS, (False, True)))
    head = [f"trained on {kind}{', hardened' if hardened else ''}" for kind, hardened in columns]
    lines = [f"| tested on | {' | '.join(head)} |", f"|---|{'---|' * len(columns)}"]
    for tested in dict.fromkeys(cell.tested for cell in cells):
        row = [str(_cell(cells, kind, hardened, tested)) for kind, hardened in columns]
        lines.append(f"| {tested} | {' | '.join(row)} |")
    return "\n".join(lines)


def conclusion(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """One line: the targets that hold, and those that do not."""
    said: dict[bool, list[str]] = {True: [], False: []}
    for name, row in measured.items():
        value = "unknown" if row["value"] is None else f"{row['value']:.2f}"
        said[row["holds"]].append(f"{name} {value} (wanted {row['wanted']:g})")
    held, lost = ("; ".join(said[holds]) or "none" for holds in (True, False))
    return f"hold: {held}. Do not hold: {lost}."


# -------------------------------------------------------------------------------------------------------------- main


def main(argv: Sequence[str] | None = None) -> None:
    """Make the material, train, test, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/transfer"), help="folder of videos and features")
    parser.add_argument("--json", type=Path, help="file to write")
    for field in dataclasses.fields(Sizes):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    parser.add_argument("--epochs", type=int, default=90, help="with hardening; without, a third")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of training and noise; counts are summed")
    parser.add_argument("--workers", type=int, default=1, help="processes that render and extract")
    options = parser.parse_args(argv)
    sizes = Sizes(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Sizes)})
    cells = measure(options.out, sizes, options.epochs, options.seeds, options.workers)
    reached = targets(cells)
    if options.json:
        rows = [cell.as_dict() for cell in cells]
        made = {"sizes": dataclasses.asdict(sizes), "epochs": options.epochs, "seeds": options.seeds}
        write_json(options.json, made | {"cells": rows, "targets": reached})
    print(f"F1 (recall; false alarms a minute)\n\n{table(cells)}\n\n{conclusion(reached)}")


def measure(root: Path, sizes: Sizes, epochs: int, seeds: Sequence[int], workers: int = 1) -> list[Cell]:
    """All cells of the table, row by row."""
    kinds = make_kinds(root, sizes, workers)
    _, _, tested = sizes.roles(kinds["rendered"].catalog)
    recordings = make_recordings(root / "recordings", kinds["rendered"], tested, workers)
    sets = make_test_sets(kinds, recordings, sizes)
    counted: dict[tuple[str, str, bool], Cell] = {}
    for seed, kind, hardened in itertools.product(seeds, KINDS, (False, True)):
        trained = train(kind, kinds[kind], sizes, hardened, seed, epochs, root)
        print(f"seed {seed}: trained on {trained.name}", file=sys.stderr, flush=True)
        for held_out in sets:
            key, cell = (held_out.name, kind, hardened), score(trained, held_out)
            counted[key] = counted[key] + cell if key in counted else cell
    order = [(held_out.name, kind, hard) for held_out in sets for kind, hard in itertools.product(KINDS, (False, True))]
    return [counted[key] for key in order]


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
