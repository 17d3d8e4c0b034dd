"""`memodule submit`: submission files of the Micro-Expression Grand Challenge."""

import argparse
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.values import seed
from memodule.errors import UserError

if TYPE_CHECKING:
    from memodule.datasets import Catalog
    from memodule.decoding.decode import Decoded
    from memodule.intervals import SelectionRule

_EPILOG: Final = """\
Without --catalog, what the study found in its held-out videos is written. With --catalog, the checkpoints of all folds
and seeds score the videos there (extracted with the study's flow parameters), except on subjects that they have learned
from. In both cases curves are averaged (over all seeds, unless --seed chooses one), and the means are decoded. A study
must be complete; name checkpoints to let only some folds vote. Frames in the files count from 1, ends included.

examples:
  memodule submit runs/casme3-1f2e3d4c --part cas --catalog data/megc_cas --flow data/flow --out submission
  memodule submit a.ckpt b.ckpt --part samm --catalog data/megc_samm --flow data/flow --format 2023
  memodule submit --validate submission/cas_pred.csv --format 2025 --catalog data/megc_cas

JSON: file, format, and expressions, videos and voters, or with --validate valid and problems.

exit status: 0 written, or valid; 1 the checked file is not valid; 2 a mistake in the arguments or files."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    arguments = parse(_parser(), argv)
    from memodule.datasets import read_catalog
    from memodule.inference.submission import find_problems, write_submission

    catalog = read_catalog(arguments.catalog) if arguments.catalog else None
    if arguments.validate:
        problems = find_problems(arguments.validate, arguments.format, catalog)
        _print_problems(arguments, problems)
        return 1 if problems else 0
    if not arguments.sources or arguments.part is None:
        raise UserError("submit: name a study or checkpoints, and --part cas or samm; or a file with --validate")
    decoded, catalog, voters = _scored(arguments, catalog)
    path, count = write_submission(arguments.out, arguments.part, arguments.format, decoded, catalog)
    console.note(f"{count} expressions in {len(catalog.videos)} videos, format of {arguments.format}; {voters}")
    if arguments.json:
        values = {"file": str(path), "format": arguments.format, "expressions": count, "videos": len(catalog.videos)}
        print(json.dumps({**values, "voters": voters}, indent=2))
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
    parser.add_argument("--seed", type=seed, metavar="N", help="only the folds of this seed [all seeds, averaged]")
    parser.add_argument("--out", type=Path, default=Path("submission"), metavar="DIR", help="[%(default)s]")
    parser.add_argument("--validate", type=Path, metavar="FILE", help="check a file instead")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _print_problems(arguments: argparse.Namespace, problems: Sequence[str]) -> None:
    file, year = arguments.validate, arguments.format
    if arguments.json:
        values = {"file": str(file), "format": year, "valid": not problems, "problems": list(problems)}
        print(json.dumps(values, indent=2))
        return
    for problem in problems:
        print(f"{file}, {problem}")
    if not problems:
        print(f"{file}: valid in the format of {year}")


def _scored(arguments: argparse.Namespace, catalog: "Catalog | None") -> "tuple[list[Decoded], Catalog, str]":
    """What was found, in which videos, and by which folds."""
    from memodule.studies.study import Study

    sources, seed = arguments.sources, arguments.seed
    if seed is not None and not any(source.is_dir() for source in sources):
        raise UserError(f"--seed {seed}: chooses among the seeds of a study; name its folder")
    if catalog is not None:
        return _unseen(sources, seed, catalog, arguments.flow)
    from memodule.inference.study_votes import held_out, voting_seeds

    if len(sources) > 1:
        raise UserError("submit: name one study, or use --catalog and --flow to score unseen videos with checkpoints")
    study = Study.open(sources[0])
    seeds = voting_seeds(study, seed)
    rules = [study.fold(subject, seed).rule for seed in seeds for subject in study.subjects]
    return list(held_out(study, seeds)), study.catalog, _marked(f"held-out videos, {_seeds(seeds)}", rules)


def _unseen(
    sources: Sequence[Path], seed: int | None, catalog: "Catalog", flow: Path | None
) -> "tuple[list[Decoded], Catalog, str]":
    from memodule.inference.ensemble import Ensemble
    from memodule.inference.study_votes import checkpoints, voting_seeds
    from memodule.studies.study import Study

    if flow is None:
        raise UserError("submit: --catalog needs --flow, the store that `memodule extract` filled for these videos")
    files: list[Path] = []
    seeds: set[int] = set()
    for source in sources:
        if source.is_dir():
            study = Study.open(source)
            voting = voting_seeds(study, seed)
            seeds.update(voting)
            files += checkpoints(study, voting)
        else:
            files.append(source)
    ensemble = Ensemble(files)
    fewer = sum(len(models) < len(files) for models in ensemble.voters(catalog).values())
    voters = f"mean of {len(files)} checkpoint{'s' if len(files) > 1 else ''}" + (f", {_seeds(seeds)}" if seeds else "")
    if fewer:
        voters += f"; {fewer} of {len(catalog.subjects)} subjects only by those that have not learned from them"
    return list(ensemble.decoded(catalog, flow)), catalog, _marked(voters, [model.rule for model in ensemble.models])


def _marked(voters: str, rules: "Sequence[SelectionRule]") -> str:
    """The voters, and a warning where their rules run half-fitted."""
    reasons = list(dict.fromkeys(rule.uncalibrated for rule in rules if rule.uncalibrated))
    if not reasons:
        return voters
    mark = f"UNCALIBRATED: {'; '.join(reasons)}"
    console.warn(f"{mark}; use a study of several finished folds, or one with data.inner_validation_subjects")
    return f"{voters}; {mark}"


def _seeds(seeds: Collection[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, sorted(seeds)))}"
