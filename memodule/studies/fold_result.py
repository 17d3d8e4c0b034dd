"""A finished fold on disk, each of its files read at most once."""

import dataclasses
import functools
from pathlib import Path
from typing import Any, Final

from memodule.decoding.curves import VideoCurve, read_curves
from memodule.decoding.decode import Decoded, decode, write_predictions
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.intervals.description import build_rule
from memodule.runtime.atomic import write_json
from memodule.runtime.json_files import read_json_mapping
from memodule.studies.calibration_marks import FoldCalibration

_KEYS: Final = ("provenance", "rule", "history", "seconds")
"""What every `result.json` has, including that of an imported fold."""


@dataclasses.dataclass(frozen=True)
class FoldResult:
    """The files of the fold that held out `subject`, each read when it is first needed; `folder` need not exist.

    Reading raises a UserError if the fold is not finished or the file is damaged.
    """

    folder: Path
    subject: str
    seed: int
    protocol: Protocol

    @property
    def finished(self) -> bool:
        """Whether `result.json` is there; it is written last."""
        return self._file.is_file()

    @functools.cached_property
    def result(self) -> dict[str, Any]:
        """Contents of `result.json`; docs/data-formats.md lists the keys."""
        result = read_json_mapping(self._file, "delete it and run the study again")
        if missing := [key for key in _KEYS if key not in result]:
            raise UserError(
                f"{self._file}: not the result of a fold (no {missing[0]}); delete it and run the study again"
            )
        return result

    @functools.cached_property
    def training(self) -> tuple[str, ...]:
        """Subjects that the network and the interval prior learned from."""
        return self._subjects("network")

    @functools.cached_property
    def inner(self) -> tuple[str, ...]:
        """Inner validation subjects; none in most studies."""
        return self._subjects("chosen_on")

    def _subjects(self, role: str) -> tuple[str, ...]:
        provenance = self.result["provenance"]
        training, inner = set(provenance["network"]), set(provenance["chosen_on"])
        if self.subject in training | inner or training & inner:
            raise UserError(f"{self._file}: held-out, training and inner subjects overlap; run the fold again")
        return tuple(provenance[role])

    @functools.cached_property
    def curves(self) -> list[VideoCurve]:
        """Curves of the held-out subject, in the order of the Catalog."""
        return read_curves(self.folder / "test" / "curves.npz")

    @functools.cached_property
    def inner_curves(self) -> list[VideoCurve]:
        """Curves of the inner validation subjects, in the order of the Catalog; only where the fold has some."""
        return read_curves(self.folder / "val" / "curves.npz")

    @functools.cached_property
    def rule(self) -> SelectionRule:
        """The selection rule in its fitted state."""
        return build_rule(self.result["rule"], str(self._file))

    @property
    def calibration(self) -> FoldCalibration | None:
        """How the rule was calibrated; None where it has nothing to learn from curves.

        None also where an older version calibrated it on inner subjects, and did not write down how.
        """
        recorded = "calibration" in (self.result["rule"].get("state") or {})
        if not self.rule.learns_from_curves or (self.inner and not recorded):
            return None
        return FoldCalibration.of(self.rule, self.calibrated_on, self.inner)

    @property
    def calibrated_on(self) -> tuple[str, ...]:
        """Subjects on whose curves the rule was calibrated; files of older versions know only inner ones."""
        return tuple(self.result["provenance"].get("calibrated_on", self.inner))

    @functools.cached_property
    def decoded(self) -> list[Decoded]:
        """What the rule found in the videos of the held-out subject, in the order of `curves`."""
        return [decode(curve, self.rule, self.protocol) for curve in self.curves]

    def rewrite(self, result: dict[str, Any]) -> None:
        """Replace `result.json`, after the rule in `model.ckpt` (where there is one) and `test/intervals.csv`.

        Raises:
            OSError: If a file cannot be written.
        """
        rule, weights = build_rule(result["rule"], str(self._file)), self.folder / "model.ckpt"
        if weights.is_file():
            from memodule.training.checkpoints import write_with_rule  # imports torch

            write_with_rule(weights, rule, weights)
        found = [decode(curve, rule, self.protocol) for curve in self.curves]
        write_predictions(self.folder / "test" / "intervals.csv", found)
        write_json(self._file, result)
        for name in ("result", "rule", "decoded"):
            self.__dict__.pop(name, None)

    @property
    def _file(self) -> Path:
        return self.folder / "result.json"
