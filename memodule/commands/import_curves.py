"""`memodule import-curves`: score curves of any system -> a study that every other command reads."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.study_options import add_place
from memodule.commands.study_outcome import JSON_KEYS, print_outcome
from memodule.commands.values import whole

if TYPE_CHECKING:
    from memodule.studies.foreign.study import CurveImport

_DESCRIPTION: Final = """\
Turn the score curves of any system into a study, so that our selection rules decode them and ablate, report, evaluate
and loso --curves work on it. The rule is fitted, and calibrated if it learns from curves, on the other subjects, fold
by fold. That the system itself had not seen the subject is your word: nothing here can prove it."""

_EPILOG: Final = f"""\
CURVES is a folder with one file a video (SUBJECT/VIDEO.npy or SUBJECT_VIDEO.npy; .npy, .npz, .csv, .pkl; other names
with --pattern), or one file for all videos: CSV with the columns subject, video, score, optionally frame and negative,
positive, surprise, others, neutral; .npz or .pkl with one array a video, named SUBJECT/VIDEO; or .npz with scores,
offsets, subjects, videos. An array is (samples,) scores, or (samples, 6): score and the five classes, as probabilities
or logits. nan is unknown. Without classes, recognition and STRS are not given.

Sample i stands for source frame i * frames-per-sample + lag. Parts without samples are unknown, not 0: nothing is
found there, and what is labelled there counts as missed. Pickles are read without running anything in them.

examples:
  memodule import-curves curves.csv --catalog data/mine
  memodule import-curves scores/ --catalog data/samm_lv --lag 18 --rule fixed_window
  memodule import-curves scores/ --catalog data/mine --pattern "{{subject}}/{{video}}_scores.npy" --frames-per-sample 8

{JSON_KEYS}"""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    arguments = parse(_parser(), argv)
    from memodule.decoding.protocol import Protocol
    from memodule.studies.decoding_plan import resolved_rule
    from memodule.studies.foreign.study import import_curves, plan_import

    imported = plan_import(
        arguments.curves,
        arguments.catalog,
        resolved_rule(arguments.rule, "--rule"),
        Protocol.named(arguments.protocol),
        frames_per_sample=arguments.frames_per_sample,
        lag=arguments.lag,
        frame_step=arguments.frame_step,
        pattern=arguments.pattern,
        runs=arguments.runs,
        name=arguments.name,
    )
    _report_coverage(imported)
    print_outcome(import_curves(imported), arguments.json)
    return 0


def _report_coverage(imported: "CurveImport") -> None:
    """Say how the curves were sampled, and everything that they leave open."""
    from memodule.studies.results_view import a_few

    sampling, coverage, plan = imported.sampling, imported.coverage, imported.plan
    rate = plan.catalog.videos[0].fps / sampling.frame_step
    console.note(
        f"{coverage.videos - len(coverage.without)} curves, {sampling.frame_step} source frames to a sampled frame "
        f"(--frame-step; {rate:.3g} per second), {coverage.share:.1%} of all frames have a score"
    )
    console.note(
        "that the system had not seen the subject whose videos it scored is your word; the study's results say so"
    )
    if imported.ignored:
        console.note(f"{imported.ignored} curves are of videos that protocol {imported.protocol.name} does not score")
    absent = [subject for subject in plan.catalog.subjects if subject not in plan.subjects]
    if absent:
        console.warn(f"no curve of subject {a_few(absent)}; the study is PARTIAL, and their labels only fit the rule")
    videos = ["/".join(key) for key in coverage.without if key[0] not in absent]
    if videos:
        console.warn(f"no curve of video {a_few(videos)}; nothing is found there")
    if coverage.uncovered:
        console.warn(
            f"{coverage.uncovered} of {coverage.micro} micro-expressions are where there is no score; they cannot be "
            "found"
        )
    low, high = (
        min(c.score.min() for c in imported.curves if len(c.score)),
        max(c.score.max() for c in imported.curves if len(c.score)),
    )
    if low < 0 or high > 1:
        console.warn(f"scores range from {low:.3g} to {high:.3g}; rules with absolute heights expect 0 to 1")


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("import-curves", _DESCRIPTION, _EPILOG)
    parser.add_argument("curves", type=Path, metavar="CURVES", help="folder or file of score curves")
    parser.add_argument("--catalog", type=Path, required=True, metavar="DIR", help="Catalog of the scored videos")
    parser.add_argument(
        "--frames-per-sample", type=whole(1), default=1, metavar="N", help="source frames per sample (default: 1)"
    )
    parser.add_argument("--lag", type=whole(), default=0, metavar="L", help="source frame of sample 0 (default: 0)")
    parser.add_argument(
        "--frame-step",
        type=whole(1),
        metavar="M",
        help="source frames that are averaged to one (default: so many that about 30 a second are left)",
    )
    parser.add_argument(
        "--pattern", metavar="PATH", help="the file of a video below CURVES, with {subject} or {number}, and {video}"
    )
    parser.add_argument(
        "--rule",
        default="prior_guided",
        metavar="NAME|YAML",
        help="selection rule of the study (default: prior_guided)",
    )
    parser.add_argument(
        "--protocol", default="megc", metavar="NAME|YAML", help="how to score: megc (default), published, or a file"
    )
    add_place(parser, "study", "that of CURVES")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser
