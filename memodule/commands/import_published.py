"""`memodule import-published`: the authors' weights and features -> a scored study."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.study_options import add_experiment, add_folds, add_place, settings
from memodule.commands.study_outcome import JSON_KEYS, log_outcome, print_outcome

_DESCRIPTION: Final = """\
Score the authors' networks on their own features, as they scored them: imports their cached features (CACHE) into the
flow store, turns their weights (WEIGHTS, one file per held-out subject) into a study, and pools the scores. Nothing is
trained. First make the Catalog (`memodule catalog`) from the label files that the authors used.

Code inside these files is never run."""

_EPILOG: Final = f"""\
examples:
  memodule import-published weights/SAMMLV cache/SAMMLV_dataset.pkl --config experiments/samm_lv.yaml
  memodule import-published weights/CASME_3 cache --config experiments/casme3.yaml

For the authors' neutral-filtered scores, add `--set protocol.filter_neutral=true`; for weights of ME-TST, a second
`--config experiments/baselines/metst.yaml`. Without CACHE, features come from the flow store. The cache lacks videos
without micro-expressions, which `--protocol megc` scores too: add them with `memodule extract --motion-compensation
published`, or leave them out with `--set protocol.videos=with_micro`.

{JSON_KEYS}"""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    arguments = parse(_parser(), argv)
    from memodule.runtime.wandb_environment import choose_mode
    from memodule.studies.imported import find_weights, score_imported
    from memodule.studies.plan import plan_study

    choose_mode(online=False)
    changes = _changes(arguments.protocol) | settings(arguments)
    if arguments.cache is not None:
        _import_features(arguments, changes)
    name = arguments.name or "+".join([*(config.stem for config in arguments.config), "published-weights"])
    plan = plan_study(arguments.config, changes, arguments.folds, (0,), arguments.runs, name)
    weights = find_weights(arguments.weights, plan.subjects, arguments.pattern)
    outcome = score_imported(plan, weights, not arguments.no_checkpoints)
    log_outcome(outcome)
    print_outcome(outcome, arguments.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("import-published", _DESCRIPTION, _EPILOG)
    parser.add_argument("weights", type=Path, metavar="WEIGHTS", help="folder of the authors' weight files")
    parser.add_argument(
        "cache", type=Path, nargs="?", metavar="CACHE", help="their features: a pickle, or a folder of its parts"
    )
    add_experiment(parser, "experiment file of the data set")
    parser.add_argument(
        "--protocol", choices=("published", "megc"), default="published", help="how to score (default: published)"
    )
    parser.add_argument(
        "--pattern",
        default="subject_{number}.pkl",
        help="names of the weight files; {subject} is the code in the Catalog, {number} what follows its last full "
        "stop (default: subject_{number}.pkl)",
    )
    add_folds(parser)
    add_place(parser, "study", "the config file's with -published-weights")
    parser.add_argument("--no-checkpoints", action="store_true", help="do not keep the networks as checkpoints")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _changes(protocol: Any) -> dict[str, str]:
    """Settings that an import changes in any experiment: the protocol, the authors' features, no training."""
    from memodule.decoding.protocol import Protocol

    options = Protocol.preset(protocol).as_dict().items()
    changes = {f"protocol.{name}": value if isinstance(value, str) else json.dumps(value) for name, value in options}
    return {**changes, "data.motion_compensation": "published", "data.phases": "1", "trainer.max_epochs": "0"}


def _import_features(arguments: argparse.Namespace, changes: dict[str, str]) -> None:
    """Import the cache into the flow store; this takes minutes, so the weights are checked first."""
    from memodule.data.folds import make_fold, scored_catalog
    from memodule.datasets import read_catalog
    from memodule.flow import FlowParameters, FlowStore
    from memodule.flow.published_cache import import_published_cache
    from memodule.studies.imported import check_weights, find_weights
    from memodule.training.settings import parse_config

    config = parse_config(arguments.config, changes)
    data, catalog = config["data"], read_catalog(config["data"]["catalog"])
    scored = scored_catalog(catalog, config["protocol"]["videos"])
    subjects = [make_fold(scored, subject).held_out for subject in arguments.folds or scored.subjects]
    check_weights(config, find_weights(arguments.weights, subjects, arguments.pattern))
    parameters = FlowParameters(data["window"], data["frame_step"], data["motion_compensation"])
    store = FlowStore(data["flow"], parameters)
    count = import_published_cache(arguments.cache, catalog, store)
    console.note(f"{store.folder}: features of {count} videos")
