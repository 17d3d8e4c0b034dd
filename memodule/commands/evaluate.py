"""`memodule evaluate`: score a CSV file of predictions against a CSV file of truths."""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.values import number, whole
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.metrics.evaluation import EvaluationReport, compare, details, evaluate, kinds, per_subject, tally_subjects
from memodule.metrics.files import gather, have_emotions, read_lengths, read_rows
from memodule.metrics.same_videos import check_videos
from memodule.metrics.score_names import without_recognition
from memodule.runtime.atomic import write_json

EPILOG = """\
Both files have the columns subject, video, onset, offset, emotion; apex (may be empty) and kind (micro or macro) are
optional, and so is confidence in PRED.csv. Frames are 0-based and inclusive. Emotions: negative, positive, surprise,
others, in PRED.csv also neutral. If all emotions of PRED.csv are empty, only spotting is scored. expressions.csv of a
Catalog can be the truth. PRED.csv can be a table of memodule spot, whose files are found through the column path of
--videos.

Without --videos the videos are those of the two files. Scores are of micro-expressions; macro rows of PRED.csv add
spotting scores of macro-expressions and of both kinds together.

`published` compares sampled frames inside a study. Here both protocols compare the frames that the files hold.
`published` leaks: its priors are fitted on the held-out subject too. Every table says so, and so does the JSON under
leak.

JSON: protocol, leak (null, or what the protocol leaks), spotting, recognition, strs, ci, baselines. Without emotions
everything about recognition, and strs, is null.
recognition.support is the number of true positives behind recognition F1; recognition.confusion has a row for each true
emotion (negative, positive, surprise, others) and a column for each predicted one (the same, then neutral); ci holds
[low, high] of the 95 % bootstrap over subjects.
"""


def main(argv: Sequence[str]) -> int:
    """Read, score, print."""
    arguments = parse(_parser(), argv)
    protocol = _protocol(arguments)
    result = _evaluated(arguments, protocol)
    if arguments.save:
        write_json(arguments.save, result)
    if arguments.json:
        print(json.dumps(result, indent=2, allow_nan=False))
    else:
        from memodule.metrics.tables import print_report

        print_report(result, protocol)
    if arguments.save:
        console.note(f"saved {arguments.save}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("evaluate", "Score predicted expressions against labelled ones.", EPILOG)
    parser.add_argument("predictions", type=Path, metavar="PRED.csv", help="what was found")
    parser.add_argument("truth", type=Path, metavar="TRUTH.csv", help="what is labelled")
    parser.add_argument(
        "--protocol", default="megc", metavar="NAME", help="megc (default), published, or a YAML file of options"
    )
    parser.add_argument("--videos", type=Path, metavar="CSV", help="all videos: subject, video, frames; fps for timing")
    parser.add_argument("--iou", type=number, metavar="X", help="smallest overlap of a true positive (default: 0.5)")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the JSON to a file too")
    parser.add_argument("--per-subject", action="store_true", help="add the counts and scores of each subject")
    parser.add_argument(
        "--details", action="store_true", help="add IoU sweep, timing errors (needs fps) and ranking (needs confidence)"
    )
    parser.add_argument(
        "--against", type=Path, metavar="CSV", help="other predictions: add the paired test over subjects"
    )
    parser.add_argument(
        "--prior-length", type=whole(), metavar="N", help="frames of chance's intervals (default: median of the truths)"
    )
    parser.add_argument("--resamples", type=whole(), default=2000, metavar="N", help="of the bootstrap (default: 2000)")
    parser.add_argument("--seed", type=whole(), default=0, metavar="N", help="of bootstrap and test (default: 0)")
    return parser


def _protocol(arguments: argparse.Namespace) -> Protocol:
    protocol = Protocol.named(arguments.protocol)
    for option, least, most in (("prior_length", 1, 10**9), ("resamples", 1, 10**6), ("seed", 0, 10**18)):
        value = getattr(arguments, option)
        if value is not None and not least <= value <= most:
            raise UserError(f"--{option.replace('_', '-')} {value}: use a whole number from {least} to {most}")
    if arguments.iou in (None, protocol.iou):
        return protocol
    return dataclasses.replace(protocol, iou=arguments.iou, name=f"{protocol.name} at IoU {arguments.iou:g}")


def _evaluated(arguments: argparse.Namespace, protocol: Protocol) -> EvaluationReport:
    for path in (arguments.predictions, arguments.truth, arguments.against, arguments.videos):
        if path is not None and not path.exists():  # in the order of the arguments
            raise UserError(f"{path}: no such file; give a CSV file")
    lengths = read_lengths(arguments.videos) if arguments.videos else None
    truths = read_rows(arguments.truth, "truth")
    if not truths:
        raise UserError(f"{arguments.truth}: has no expression, so there is nothing to score; add the labelled ones")
    runs = []
    for path in (arguments.predictions, arguments.against) if arguments.against else (arguments.predictions,):
        runs.append(read_rows(path, "predictions", arguments.videos))
        check_videos(runs[-1], truths, lengths)
    keys = [row.key for run in runs for row in run]
    micro = gather(runs[0], truths, lengths, more_videos=keys)
    result = evaluate(
        micro, protocol, prior_length=arguments.prior_length, resamples=arguments.resamples, seed=arguments.seed
    )
    if any(row.kind == "macro" for row in runs[0]):
        result |= kinds(micro, gather(runs[0], truths, lengths, "macro"), protocol)
    tallies = tally_subjects(micro, protocol)
    if arguments.details:
        result |= details(micro, protocol)
    if arguments.per_subject:
        result["subjects"] = per_subject(tallies, protocol)
    if arguments.against:
        others = tally_subjects(gather(runs[1], truths, lengths, more_videos=keys), protocol)
        compared = compare(tallies, others, protocol, arguments.seed)
        result["paired"] = {"against": str(arguments.against), **compared}
    named = all(have_emotions(run) for run in runs)
    return result if named else without_recognition(result)
