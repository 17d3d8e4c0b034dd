"""Training expressions whose timing is known exactly: at 1000 fps a sample is a millisecond."""

from collections.abc import Callable

import pytest

from memodule.datasets import Expression
from memodule.intervals import SelectionRule

Fit = Callable[..., SelectionRule]


def expressions(kind="micro", *, rise, fall, count=20, emotion="negative"):
    """Expressions of one timing; `rise` and `fall` may be lists, which are taken in turn."""
    rises, falls = ([v] if isinstance(v, int) else v for v in (rise, fall))
    pairs = [(rises[i % len(rises)], falls[i % len(falls)]) for i in range(count)]
    return [
        Expression("001", "a", kind, 1000 * i, 1000 * i + up, 1000 * i + up + down, "" if kind == "macro" else emotion)
        for i, (up, down) in enumerate(pairs)
    ]


@pytest.fixture(scope="session")
def fit() -> Fit:
    """Fit a rule on expressions of one rise and fall, in samples; macro-expressions where their timing is given."""

    def fitted(rule, *, rise, fall, macro=None, fps=1000):
        macros = [] if macro is None else expressions("macro", rise=macro[0], fall=macro[1])
        return rule.fit([*expressions(rise=rise, fall=fall), *macros], fps=fps)

    return fitted
