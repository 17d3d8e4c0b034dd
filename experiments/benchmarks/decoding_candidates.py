"""Every selection rule of the test bench, with the options that it may choose from on training subjects."""

import itertools
from typing import Any

REFERENCE = "PriorGuided"


def rule(name: str, /, **arguments: Any) -> dict[str, Any]:
    """Plain values of a rule."""
    return {"class_path": f"memodule.intervals.{name}", "init_args": arguments}


def grid(name: str, /, **lists: Any) -> list[dict[str, Any]]:
    """Every combination of the listed arguments."""
    return [rule(name, **dict(zip(lists, values, strict=True))) for values in itertools.product(*lists.values())]


THRESHOLDS = (0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.0)
ALL = [rule("TwoLength"), rule("RiseFall"), rule("RelativeHeight")]
OFF = {"temporal_evolution": False, "duration": False, "class_distribution": False, "within_video": False}

CANDIDATES: dict[str, list[dict[str, Any]]] = {
    "PriorGuided": grid("PriorGuided", threshold=THRESHOLDS),
    "PriorGuided, as published": [rule("PriorGuided")],
    "PriorGuided, no evolution": grid("PriorGuided", threshold=THRESHOLDS, temporal_evolution=[False]),
    "PriorGuided, no duration": grid("PriorGuided", threshold=THRESHOLDS, duration=[False]),
    "PriorGuided, with classes": grid("PriorGuided", threshold=THRESHOLDS, class_distribution=[True]),
    "FixedWindow": grid("FixedWindow", threshold=THRESHOLDS),
    "ChallengeRule": grid("ChallengeRule", threshold=THRESHOLDS),
    "Abstaining(PriorGuided)": [rule("Abstaining", rule=rule("PriorGuided"))],
    "Abstaining(PriorGuided), noise": [rule("Abstaining", rule=rule("PriorGuided"), evidence="noise_floor")],
    "RelativeHeight": [rule("RelativeHeight")],
    "RiseFall": [rule("RiseFall")],
    "RiseFall, no prior": [rule("RiseFall", prior=0.0)],
    "TwoLength": [rule("TwoLength")],
    "EventBoxes": [rule("EventBoxes")],
    "SemiMarkov": [rule("SemiMarkov")],
    "SemiMarkov, flat": [rule("SemiMarkov", density="flat")],
    "SemiMarkov, no macro": [rule("SemiMarkov", macro=False)],
    "Calibrated(PriorGuided)": [rule("Calibrated", rules=[rule("PriorGuided", threshold=0.3)])],
    "Calibrated(RelativeHeight)": [rule("Calibrated", rules=[rule("RelativeHeight")])],
    "Calibrated(RiseFall)": [rule("Calibrated", rules=[rule("RiseFall")])],
    "Calibrated(TwoLength)": [rule("Calibrated", rules=[rule("TwoLength")])],
    "Calibrated(EventBoxes)": [rule("Calibrated", rules=[rule("EventBoxes")])],
    "Calibrated(all)": [rule("Calibrated", rules=ALL)],
    "Calibrated(all), no evolution": [rule("Calibrated", rules=ALL, temporal_evolution=False)],
    "Calibrated(all), no duration": [rule("Calibrated", rules=ALL, duration=False)],
    "Calibrated(all), no classes": [rule("Calibrated", rules=ALL, class_distribution=False)],
    "Calibrated(all), not within video": [rule("Calibrated", rules=ALL, within_video=False)],
    "Calibrated(all), height only": [rule("Calibrated", rules=ALL, **OFF)],
}
"""Every rule with the options it may choose from; all = TwoLength, RiseFall and RelativeHeight."""
