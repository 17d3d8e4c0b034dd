"""Each change of training windows does what its name says, by as much as its number says."""

import dataclasses

import pytest
import torch

from memodule.errors import UserError
from memodule.flow.regions import REGIONS
from memodule.hardening import Hardening, harden
from memodule.hardening.labelled_windows import LabelledWindows
from memodule.hardening.mirroring import mirrored
from memodule.injection.templates import Templates, emotion_strengths

LENGTH, NEUTRAL, RATE = 30, 4, 30.0


def windows(count: int = 400, flow: torch.Tensor | None = None) -> LabelledWindows:
    """Windows of a face at rest, without an expression."""
    flow = torch.zeros(count, 36, LENGTH) if flow is None else flow
    return LabelledWindows(flow, torch.zeros(len(flow), LENGTH), torch.full((len(flow), LENGTH), NEUTRAL))


def ramp(count: int = 400) -> LabelledWindows:
    """Every channel rises by one pixel a sample, and the second half is an expression of class 1."""
    flow = torch.arange(LENGTH, dtype=torch.float32).expand(count, 36, LENGTH).clone()
    late = torch.arange(LENGTH).expand(count, LENGTH) >= 15
    return LabelledWindows(flow, late.float(), torch.where(late, 1, NEUTRAL))


def hardened(base: LabelledWindows, seed: int = 0, **options) -> LabelledWindows:
    torch.manual_seed(seed)
    return harden(base, Hardening(**options), RATE)


def test_nothing_changes_and_no_random_number_is_drawn_with_all_off():
    base = ramp(3)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    assert all(torch.equal(one, other) for one, other in zip(base, harden(base, Hardening(), RATE), strict=True))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "option", ["noise", "motion", "slips", "drift", "offset", "gain", "failures", "time_warp", "lost_frames"]
)
def test_the_same_seed_gives_the_same_windows_which_begin_at_zero(option):
    base = ramp(20)
    once, again, other = (hardened(base, seed, **{option: 0.5}) for seed in (1, 1, 2))
    assert torch.equal(once.flow, again.flow)
    assert not torch.equal(once.flow, other.flow)
    assert not torch.equal(once.flow, base.flow)
    assert (once.flow[:, :, 0] == 0).all()
    assert torch.equal(base.flow, ramp(20).flow)  # the windows themselves are not changed


@pytest.mark.parametrize("option", ["noise", "motion"])
def test_sizes_go_up_to_what_is_set_and_half_of_the_windows_get_little(option):
    size = hardened(windows(2000), **{option: 2.0}).flow[..., 1:].square().mean((1, 2)).sqrt()
    assert size.median() < 2.0 * 0.4
    assert 0.5 < size.quantile(0.97) / 2.0 < 4.5
    double = hardened(windows(2000), **{option: 4.0}).flow[..., 1:].square().mean((1, 2)).sqrt()
    torch.testing.assert_close(double, 2 * size)


def test_noise_of_the_reference_frame_is_in_all_later_columns():
    flow = hardened(windows(4000), noise=1.0).flow
    one, other = flow[:, 0, 5], flow[:, 0, 20]
    assert torch.corrcoef(torch.stack([one, other]))[0, 1].item() == pytest.approx(0.5, abs=0.1)


def test_noise_with_a_memory_changes_less_from_sample_to_sample():
    def roughness(**options) -> float:
        flow = hardened(windows(2000), noise=1.0, **options).flow[..., 1:]
        return float(flow.diff(dim=2).square().mean() / flow.square().mean())

    assert roughness(noise_memory=0.95) < 0.7 * roughness()


def test_motion_is_shared_by_neighbours():
    flow = hardened(windows(4000), motion=1.0).flow[:, :, 15]
    inner, outer, far = (
        flow[:, 2 * REGIONS.index(name)] for name in ("left brow inner", "left brow middle", "lower lip")
    )
    near = torch.corrcoef(torch.stack([inner, outer]))[0, 1]
    assert near > 0.7
    assert torch.corrcoef(torch.stack([inner, far]))[0, 1] < near - 0.2


def test_motion_of_the_whole_face_turns_and_stretches_it():
    """A linear field of the regions' places explains most of it, and a shift alone much less."""
    flow = hardened(windows(2000), motion=1.0).flow[:, :, 1:].transpose(1, 2).reshape(-1, 18, 2)
    places = torch.as_tensor(Templates.generic().places)
    ones = torch.ones(18, 1)
    explained = []
    for basis in (ones, torch.cat([ones, places], dim=1)):
        q, _ = torch.linalg.qr(basis)
        explained.append(float((q.T @ flow).square().sum() / flow.square().sum()))
    assert explained[0] < 0.75
    assert explained[1] > explained[0] + 0.15


def test_slips_have_heavy_tails_and_add_up():
    flow = hardened(windows(4000), slips=1.0).flow
    steps = flow.diff(dim=2).abs()
    steps = steps[steps.mean((1, 2)) > 0.2]
    half, rare = steps.median(), steps.flatten()[::7].quantile(0.99)
    assert rare > 15 * half  # of a normal distribution it would be 3.8 times the median
    late, early = (flow[..., column].square().mean() for column in (29, 3))
    assert late > 3 * early
    torch.testing.assert_close(hardened(windows(4000), slips=2.0).flow, 2 * flow)


def test_gain_is_within_its_range_for_every_channel():
    factor = hardened(ramp(), gain=0.3).flow[:, :, 10] / 10
    assert 0.7 <= factor.min() < 0.71
    assert 1.29 < factor.max() <= 1.3


def test_drift_is_even_and_an_offset_stays():
    drift = hardened(windows(), drift=2.0).flow
    torch.testing.assert_close(drift[..., 29], drift[..., 1] * 29, rtol=1e-3, atol=1e-5)
    assert 1.5 < drift.abs().max() <= 2.0
    offset = hardened(windows(), offset=2.0).flow
    assert torch.equal(offset[..., 1], offset[..., 29])
    assert 1.5 < offset.abs().max() <= 2.0


def test_failures_hit_a_share_of_windows_in_whole_regions():
    flow = hardened(windows(3000), failures=0.4).flow
    hit = flow.abs().amax((1, 2)) > 0
    assert 0.2 < hit.float().mean() <= 0.42  # some fail outside of the window
    assert flow.abs().max() > 20
    regions = flow.view(-1, 18, 2, LENGTH).abs().amax(3) > 0
    assert torch.equal(regions[..., 0], regions[..., 1])


def test_time_warps_within_its_factors_and_takes_the_labels_along():
    warped = hardened(ramp(), time_warp=0.25)
    speed = warped.flow[:, 0, 1:10].diff(dim=1).mean(1)
    assert 0.79 < speed.min() < 0.83
    assert 1.2 < speed.max() < 1.26
    changes = warped.spot.argmax(dim=1)
    assert (warped.emotion == torch.where(warped.spot > 0, 1, NEUTRAL)).all()
    for i in range(50):  # the label changes where the ramp passes 15, less where the window now begins
        start = 15 - changes[i].item() * speed[i].item()
        assert -1 <= start <= LENGTH - 1 - (LENGTH - 1) * speed[i].item() + 1 or speed[i] > 1


def test_lost_frames_repeat_and_skip_columns():
    steps = hardened(ramp(2000), lost_frames=0.2).flow[:, 0].diff(dim=1)[:, :18].round()
    shares = {way: (steps == way).float().mean().item() for way in (0, 1, 2)}
    assert shares[0] == pytest.approx(0.1, abs=0.02)  # half of the most
    assert shares[2] == pytest.approx(0.1, abs=0.02)
    assert sum(shares.values()) == pytest.approx(1)
    repeated = (steps == 0).float().mean(1)
    assert repeated.quantile(0.1) < 0.05
    assert repeated.quantile(0.9) > 0.15


def test_a_mirrored_face_moves_on_the_other_side():
    flow = torch.zeros(1, 36, LENGTH)
    brow, twin = 2 * REGIONS.index("left brow outer"), 2 * REGIONS.index("right brow outer")
    flow[:, brow], flow[:, brow + 1] = 3.0, -2.0
    other = mirrored(flow, 1.0)
    assert (other[0, twin, 5], other[0, twin + 1, 5]) == (-3.0, -2.0)
    assert other[0, [c for c in range(36) if c not in (twin, twin + 1)]].abs().max() == 0
    assert torch.equal(mirrored(other, 1.0), flow)
    share = (hardened(windows(2000, flow.expand(2000, -1, -1)), mirror=0.25).flow[:, twin, 5] != 0).float().mean()
    assert share.item() == pytest.approx(0.25, abs=0.03)


def test_lost_regions_are_zero_in_both_channels():
    lost = hardened(ramp(1000), region_dropout=0.2).flow[:, :, 5].view(-1, 18, 2) == 0
    assert torch.equal(lost[..., 0], lost[..., 1])
    assert lost.float().mean().item() == pytest.approx(0.2, abs=0.02)


def test_injections_move_the_face_where_they_are_labelled_and_only_there():
    made = hardened(windows(3000), injections=0.5, injection_px=(2.0, 4.0), injection_s=(0.3, 0.4))
    has = (made.spot > 0).any(1)
    assert has.float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert made.flow[~has].abs().max() == 0
    assert ((made.emotion == NEUTRAL) == (made.spot == 0)).all()
    assert set(made.emotion.unique().tolist()) == {0, 1, 2, 3, NEUTRAL}
    inside = has & (made.spot[:, :2].sum(1) == 0) & (made.spot[:, -1] == 0)
    size = made.flow[inside].view(-1, 18, 2, LENGTH).norm(dim=2).amax(1)  # (windows, k)
    assert size.amax(1).min() > 1.5  # the apex may be between two samples
    assert size.amax(1).max() < 4.01
    still = size * (torch.nn.functional.max_pool1d(made.spot[inside][:, None], 5, 1, 2)[:, 0] == 0)
    assert still.max() < 1e-5  # two samples before and after the labelled ones nothing moves
    labelled = made.spot[inside].sum(1)
    assert labelled.min() >= 0.3 * RATE - 2
    assert labelled.max() <= 0.4 * RATE


def test_windows_with_an_expression_receive_none():
    base = ramp(200)
    made = hardened(base, injections=1.0)
    assert torch.equal(made.flow, base.flow)
    assert torch.equal(made.emotion, base.emotion)


def test_distractors_are_not_labelled_and_last():
    made = hardened(windows(2000), distractors=1.0, injection_px=(2.0, 4.0))
    assert made.spot.sum() == 0
    assert (made.emotion == NEUTRAL).all()
    assert (made.flow.abs().amax((1, 2)) > 0.2).float().mean() > 0.6


def test_templates_scale_with_the_face_and_move_what_they_should():
    small, large = Templates.generic(117.0), Templates.generic(234.0)
    torch.testing.assert_close(torch.from_numpy(small.responses), torch.from_numpy(2 * large.responses))
    strengths, emotions, shares = emotion_strengths()
    assert shares.sum() == pytest.approx(1)
    assert sorted(set(emotions.tolist())) == [0, 1, 2, 3]
    answers = large.answer(strengths).reshape(-1, 18, 2)
    moved = [REGIONS[i] for i in (answers**2).sum(2).argmax(1)]
    surprise = moved[[tuple(row) for row in strengths.tolist()].index(tuple(strengths[emotions == 2][0].tolist()))]
    assert "brow" in surprise  # inner and outer brow raiser


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"noise": -1}, "noise"),
        ({"mirror": 1.5}, "mirror"),
        ({"time_warp": 2}, "time_warp"),
        ({"injection_px": (3, 1)}, "injection_px"),
        ({"injection_s": (0, 1)}, "injection_s"),
        ({"gain": float("nan")}, "gain"),
    ],
)
def test_impossible_options_are_named(options, name):
    with pytest.raises(UserError, match=f"data.hardening.{name}"):
        Hardening(**options)


def test_every_option_is_off_by_default():
    ranges = ("injection_px", "injection_s")
    assert not any(getattr(Hardening(), f.name) for f in dataclasses.fields(Hardening) if f.name not in ranges)
