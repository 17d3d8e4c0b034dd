"""The part of a report that tells everything about one run, apart from its videos."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from memodule.report.html import Child, Html, el, join
from memodule.report.pictures import duration_plot, ranking_plot, sweep_plot, timing_plot, training_plots
from memodule.report.runs import Run
from memodule.report.tables import (
    classes_table,
    confusion_table,
    decimal,
    errors_table,
    scores_table,
    subjects_table,
    timing_table,
)


def run_section(run: Run, label: str, *, alone: bool, shown: bool, trained_as: str | None) -> Html:
    """One run.

    Args:
        run: What to show.
        label: What the comparison calls it.
        alone: Whether the report has no other run.
        shown: Whether it is unfolded at first.
        trained_as: Label of an earlier run with the same training, whose curves are not drawn again.
    """
    title = join(None if alone else el("span", label, class_="badge"), None if alone else " ", run.name)
    warnings = [el("p", el("strong", text), class_="banner warning") for text in run.warnings]
    return el(
        "details",
        el("summary", el("h2", title)),
        provenance(run),
        *([] if alone else warnings),
        _tiles(run),
        scores_table(run),
        el("div", classes_table(run), confusion_table(run), class_="pair"),
        el("div", *_figures(run), class_="figures"),
        el("div", errors_table(run), timing_table(run), class_="pair"),
        subjects_table(run, label),
        el(
            "p",
            "A subject with few MEs can only have coarse scores; intervals and tests resample subjects.",
            class_="hint",
        ),
        _training(run, trained_as),
        _config(run),
        id=f"run-{label}",
        class_="run",
        open=shown,
    )


def provenance(run: Run) -> Html:
    """Protocol, rule, network, data, code: what the numbers stand on, in one line."""
    return el("p", *(_fact(name, value) for name, value in facts(run)), class_="facts")


def facts(run: Run) -> Iterator[tuple[str, str]]:
    """(name, value) of what a reader must know to repeat a run."""
    config, about, data = run.config, run.description, run.config["data"]
    finished, folds = sum(map(len, run.folds.values())), len(about["subjects"]) * len(about["seeds"])
    yield "protocol", _protocol(run)
    yield "rule", _call(run.results["rule"]) + _half_windows(run)
    yield "network", _call(config["model"]["network"])
    yield "training", _trained(run)
    yield (
        "data",
        f"{len(run.catalog.videos)} videos of {len(run.catalog.subjects)} subjects, {_every(data['frame_step'])}, "
        f"windows of {data['window']}, fingerprint {about['data_fingerprint'][:8]}",
    )
    yield "folds", f"{finished} of {folds}, {_duration(run)}"
    yield "seeds", ", ".join(map(str, about["seeds"]))
    yield "study", f"{about['name']}, digest {about['digest'][:8]}"
    yield "code", ", ".join(_codes(run))
    yield "machine", _machine(about["host"])


def _codes(run: Run) -> list[str]:
    """Versions that made the folds; one, unless the study went on under another."""
    folds = [fold for by_subject in run.folds.values() for fold in by_subject.values()]
    began = run.description["code_version"]
    return sorted({fold.get("made_with", {}).get("code", began) for fold in folds})


def _fact(name: str, value: str) -> Html:
    return el("span", el("b", name), " ", value, class_="fact")


def _protocol(run: Run) -> str:
    rules = run.protocol
    return ", ".join(
        [
            f"{rules.name} (all videos" if rules.videos == "all" else f"{rules.name} (only videos with an ME",
            "one-to-one matching" if rules.matching == "one_to_one" else "greedy matching",
            f"IoU ≥ {rules.iou:g} in {rules.frames} frames",
            f"neutral intervals {'left out' if rules.filter_neutral else 'counted'}",
            f"priors fitted on {'all subjects' if rules.leaks else 'training subjects'})",
        ]
    )


def _trained(run: Run) -> str:
    """How the weights came about; those of an imported study were trained elsewhere."""
    files = {fold["weights"]["file"] for folds in run.folds.values() for fold in folds.values() if "weights" in fold}
    if files:
        return f"none here: the authors' weights, {', '.join(sorted(files)[:2])}{' …' if len(files) > 2 else ''}"
    return f"{run.config['trainer']['max_epochs']} epochs, learning rate {run.config['model']['learning_rate']:g}"


def _call(description: Mapping[str, Any]) -> str:
    """A class with the arguments that are set."""
    arguments = {k: v for k, v in (description.get("init_args") or {}).items() if v is not None}
    words = ", ".join(
        f"{name}={value:g}" if type(value) is float else f"{name}={value}" for name, value in arguments.items()
    )
    return f"{description['class_path'].rpartition('.')[2]}({words})"


def _every(step: int) -> str:
    return "every frame" if step == 1 else f"one frame in {step}"


def _half_windows(run: Run) -> str:
    """The fitted half windows, where the rule fits one in every fold."""
    fitted = [
        timing["half_window"]
        for folds in run.folds.values()
        for fold in folds.values()
        if (timing := (fold["rule"].get("state") or {}).get("timing")) and timing.get("half_window")
    ]
    if not fitted:
        return ""
    low, high = min(fitted), max(fitted)
    return f", half window {low if low == high else f'{low} to {high}'} sampled frames"


def _duration(run: Run) -> str:
    seconds = sum(fold["seconds"] for folds in run.folds.values() for fold in folds.values())
    return f"{seconds / 3600:.1f} h of work" if seconds >= 5400 else f"{seconds / 60:.0f} min of work"


def _machine(host: Mapping[str, Any]) -> str:
    gpus = ", ".join(host["gpus"]) or "no GPU"
    return f"{host['name']}, {host['cpus']} CPUs, {gpus}"


def _tiles(run: Run) -> Html:
    spotting, recognition = run.results["spotting"], run.results["recognition"]
    counts = [("✓", "hits", "hit", spotting["tp"]), ("✗", "false alarms", "alarm", spotting["fp"])]
    counts.append(("○", "misses", "miss", spotting["fn"]))
    total = max(1, sum(count for *_, count in counts))
    strip = [el("i", class_=kind, style=f"width:{100 * count / total:.2f}%") for _, _, kind, count in counts]
    named = [el("span", f"{sign} {count} {name}", class_=kind) for sign, name, kind, count in counts]
    return el(
        "div",
        el(
            "p",
            el("b", decimal(run.results["strs"]), el("small", "STRS"), class_="value"),
            el("span", "=", class_="sign"),
            el("b", decimal(spotting["f1"]), el("small", "spotting F1"), class_="value"),
            el("span", "\N{MULTIPLICATION SIGN}", class_="sign"),
            el(
                "b",
                decimal(recognition["f1"]),
                el("small", f"recognition F1, on {recognition['support']} hits"),
                class_="value",
            ),
            class_="product",
        ),
        el(
            "div",
            el("div", *strip, class_="strip", aria_hidden="true"),
            el("p", *named, class_="counts"),
            class_="tally",
        ),
        class_="tiles",
    )


def _figures(run: Run) -> Iterator[Html]:
    yield _figure("Durations", duration_plot(run), "Shares of all labelled and of all found intervals.")
    yield _figure(
        "How strict is a hit?", sweep_plot(run), "A steep fall says that intervals lie right but begin or end wrongly."
    )
    ranking = ranking_plot(run)
    if ranking:
        average = run.results["ranking"]["average_precision"]
        yield _figure(
            f"Precision and recall (average precision {decimal(average)})",
            ranking,
            "◆ all intervals, as scored. ○ the threshold with the best F1 in hindsight: an upper bound, not a result.",
        )
    timing = timing_plot(run)
    if timing:
        yield _figure("Timing of hits", timing, "Each dot is a hit, the bar their mean.")


def _figure(title: str, picture: Html, note: str | None = None) -> Html:
    caption: list[Child] = [el("strong", title)]
    return el("figure", el("figcaption", *caption), picture, el("p", note, class_="hint") if note else None)


def _training(run: Run, trained_as: str | None) -> Html | None:
    if trained_as is not None:
        return el("p", f"Trained as run {trained_as}: the same curves, decoded by another rule.", class_="hint")
    plots = training_plots(run)
    if not plots:
        return None
    chosen = any(fold["provenance"]["chosen_on"] for folds in run.folds.values() for fold in folds.values())
    whose = (
        "Watched subjects are inner validation subjects; what was chosen was chosen on them."
        if chosen
        else "Watched subjects are the held-out ones: they are looked at, nothing is chosen by them."
    )
    return el(
        "div",
        el("h3", "Training"),
        el("div", *(_figure(title, plot) for title, plot in plots), class_="figures small"),
        el("p", f"Each fold thin, their mean thick. {whose}", class_="hint"),
    )


def _config(run: Run) -> Html:
    text = yaml.safe_dump(_set(dict(run.config)), sort_keys=False, allow_unicode=True)
    return el(
        "details", el("summary", "Settings (config.yaml without what is unset)"), el("pre", text), class_="config"
    )


def _set(value: Any) -> Any:
    """Without entries that are null."""
    if isinstance(value, Mapping):
        return {key: _set(entry) for key, entry in value.items() if entry is not None}
    return value
