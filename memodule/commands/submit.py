"""`memodule submit`: submission files of the Micro-Expression Grand Challenge."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memodule import console
from memodule.commands import command_parser, parse
from memodule.errors import UserError

if TYPE_CHECKING:
    from memodule.datasets import Catalog
    from memodule.decoding import Decoded

_EPILOG: Final = """\
Without --catalog, what the study found in its held-out videos is written. With --catalog, all folds' checkpoints score
the unseen videos (extracted with the study's flow parameters), and the mean curves are decoded. Frames in the files
count from 1, ends included.

examples:
  memodule submit runs/casme3-1f2e3d4c --part cas --catalog data/megc_cas --flow data/flow --out submission
  memodule submit a.ckpt b.ckpt --part samm --catalog data/megc_samm --flow data/flow --format 2023
  memodule submit --validate submission/cas_pred.csv --format 2025 --catalog data/megc_cas

JSON: file, format, and expressions and videos, or with --validate valid and problems.

exit status: 0 written, or valid; 1 the checked file is not valid; 2 a mistake that can be mended."""


def main(words: Sequence[str]) -> int:
    """Run the command."""
    arguments = parse(_parser(), words)
    from memodule.datasets import read_catalog
    from memodule.submission import find_problems, write_submission

    catalog = read_catalog(arguments.catalog) if arguments.catalog else None
    if arguments.validate:
        problems = find_problems(arguments.validate, arguments.format, catalog)
        _tell_problems(arguments, problems)
        return 1 if problems else 0
    if not arguments.sources or arguments.part is None:
        raise UserError("submit: give a study or checkpoints, and --part cas or samm; or a file with --validate")
    if catalog is None:
        decoded, catalog = _held_out(arguments.sources)
    else:
        decoded = _unseen(arguments.sources, catalog, arguments.flow)
    path, count = write_submission(arguments.out, arguments.part, arguments.format, decoded, catalog)
    console.note(f"{count} expressions in {len(catalog.videos)} videos, format of {arguments.format}")
    if arguments.json:
        values = {"file": str(path), "format": arguments.format, "expressions": count, "videos": len(catalog.videos)}
        print(json.dumps(values, indent=2))
    else:
        print(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("submit", "Write or check submission files of the MEGC.", _EPILOG)
    parser.add_argument("sources", type=Path, nargs="*", metavar="STUDY|CKPT", help="one study, or fold checkpoints")
    parser.add_argument("--part", choices=("cas", "samm"), help="which of the two files")
    parser.add_argument("--format", choices=("2022", "2023", "2025"), default="2025", help="year [%(default)s]")
    parser.add_argument("--catalog", type=Path, metavar="DIR", help="Catalog of the unseen videos")
    parser.add_argument("--flow", type=Path, metavar="STORE", help="flow store with the features of these videos")
    parser.add_argument("--out", type=Path, default=Path("submission"), metavar="DIR", help="[%(default)s]")
    parser.add_argument("--validate", type=Path, metavar="FILE", help="check a file instead")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _tell_problems(arguments: argparse.Namespace, problems: Sequence[str]) -> None:
    file, year = arguments.validate, arguments.format
    if arguments.json:
        values = {"file": str(file), "format": year, "valid": not problems, "problems": list(problems)}
        print(json.dumps(values, indent=2))
        return
    for problem in problems:
        print(f"{file}, {problem}")
    if not problems:
        print(f"{file}: valid in the format of {year}")


def _held_out(sources: Sequence[Path]) -> "tuple[list[Decoded], Catalog]":
    from memodule.studies.study import Study

    if len(sources) > 1:
        raise UserError("submit: give one study, or --catalog and --flow to score unseen videos with checkpoints")
    study = Study.open(sources[0])
    if study.missing():
        raise UserError(f"{study.folder}: {len(study.missing())} folds are not finished; run `memodule loso` again")
    seed = study.seeds[0]
    return [video for subject in study.subjects for video in study.decoded(subject, seed)], study.catalog


def _unseen(sources: Sequence[Path], catalog: "Catalog", flow: Path | None) -> "list[Decoded]":
    from memodule.ensemble import Ensemble

    if flow is None:
        raise UserError("submit: --catalog needs --flow, the store that `memodule extract` filled for these videos")
    return list(Ensemble([path for source in sources for path in _checkpoints(source)]).decoded(catalog, flow))


def _checkpoints(source: Path) -> list[Path]:
    """A checkpoint itself, or those of all folds of a study's first seed."""
    if not source.is_dir():
        return [source]
    from memodule.studies.study import Study

    study = Study.open(source)
    found = [study.fold(subject, study.seeds[0]) / "model.ckpt" for subject in study.finished(study.seeds[0])]
    if not found:
        raise UserError(f"{source}: no fold is finished; run `memodule loso` again")
    return found
