import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memodule.data.sampling import class_weights, down_sample

LABELS = json.loads((Path(__file__).parents[1] / "golden" / "decoding" / "labels.json").read_text())


@pytest.mark.parametrize("case", LABELS["down_sampling"])
def test_down_sampling_is_the_published_one_where_that_is_sound(case):
    holds, ratio = [bool(v) for v in case["window_has_me"]], case["ratio"]
    kept = down_sample(holds, ratio, random.Random(case["python_random_seed"]))
    wanted = int(case["n_pos"] * ratio)
    if 0 < wanted < case["n_neg"]:
        assert kept == case["expected_index"]
    else:  # where the published code takes 50 windows blindly, loses two or fails, we keep what there is
        assert len(kept) == case["n_pos"] + min(wanted, case["n_neg"])


@given(st.lists(st.booleans()), st.floats(0, 5), st.integers())
def test_down_sampling_keeps_every_expression_and_the_asked_share_of_the_rest(holds, ratio, seed):
    kept = down_sample(holds, ratio, random.Random(seed))
    positive = [i for i, h in enumerate(holds) if h]
    assert set(positive) <= set(kept)
    assert kept == sorted(set(kept))
    assert len(kept) - len(positive) == min(int(len(positive) * ratio), len(holds) - len(positive))
    assert kept == down_sample(holds, ratio, random.Random(seed))


@pytest.mark.parametrize("case", LABELS["class_weights"], ids=lambda case: str(case["frame_counts"]))
def test_class_weights_are_the_published_ones(case):
    for strategy, factor in (("synergy_0", 0), ("synergy_1", 6), ("synergy_2", 6)):
        weights = class_weights(case["frame_counts"], factor)
        if isinstance(case[strategy], list):
            assert weights == pytest.approx(case[strategy], rel=1e-6)
        else:  # the published code fails where a class is missing
            missing = [i for i, n in enumerate(case["frame_counts"]) if n == 0]
            assert (weights[missing] == 0).all()
            assert (weights[[i for i in range(4) if i not in missing]] > 0).all()
