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
RISE_FALL = rule("RiseFall", least=0.1)
RELATIVE = rule("RelativeHeight", least=0.1)
BOTH = [RISE_FALL, RELATIVE]
OFF = {"temporal_evolution": False, "duration": False, "class_distribution": False}

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
    "RelativeHeight": grid("RelativeHeight", least=(0.25, 0.35, 0.45, 0.55), share=(0.5, 0.65)),
    "RiseFall": grid("RiseFall", least=(0.2, 0.25, 0.3, 0.35, 0.4, 0.5)),
    "RiseFall, no prior": grid("RiseFall", least=(0.2, 0.25, 0.3, 0.35, 0.4, 0.5), prior=[0.0]),
    "TwoLength": grid("TwoLength", least=(0.15, 0.2, 0.25, 0.3, 0.35, 0.45)),
    "SemiMarkov": grid("SemiMarkov", penalty=(1.0, 2.0, 3.0, 4.5)),
    "SemiMarkov, flat": grid("SemiMarkov", penalty=(1.0, 2.0, 3.0, 4.5), density=["flat"]),
    "SemiMarkov, no macro": grid("SemiMarkov", penalty=(2.0, 4.5, 7.0, 10.0), macro=[False]),
    "Calibrated(PriorGuided)": [rule("Calibrated", rules=[rule("PriorGuided", threshold=0.3)])],
    "Calibrated(RelativeHeight)": [rule("Calibrated", rules=[RELATIVE])],
    "Calibrated(RiseFall)": [rule("Calibrated", rules=[RISE_FALL])],
    "Calibrated(SemiMarkov)": [rule("Calibrated", rules=[rule("SemiMarkov", penalty=1.0)])],
    "Calibrated(both)": [rule("Calibrated", rules=BOTH)],
    "Calibrated(both), no evolution": [rule("Calibrated", rules=BOTH, temporal_evolution=False)],
    "Calibrated(both), no duration": [rule("Calibrated", rules=BOTH, duration=False)],
    "Calibrated(both), no classes": [rule("Calibrated", rules=BOTH, class_distribution=False)],
    "Calibrated(both), height only": [rule("Calibrated", rules=BOTH, **OFF)],
}
"""Every rule with the options it may choose from; both = RiseFall and RelativeHeight."""
