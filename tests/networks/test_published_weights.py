"""The authors' checkpoints: loaded whole, or refused with the reason."""

import pickle
import re

import pytest
import torch
from network_weights import published_keys, published_state_dict
from torch import nn

from memodule.errors import UserError
from memodule.networks import METST, SlowFastMamba, load_published_weights
from memodule.networks.published_weights import published_name

NETWORKS = pytest.mark.parametrize(
    ("keys", "build"), [("slowfast", SlowFastMamba), ("metst", METST)], ids=["slowfast", "metst"]
)


def is_dead(key):
    return "norm2" in key or "blocks_recog" in key


def checkpoint(keys, **changes):
    """A copy of the golden checkpoint, with keys replaced or (None) removed; the names are without `module.`."""
    state = dict(published_state_dict(keys))
    for name, value in changes.items():
        key = "module." + name.replace("__", ".")
        if value is None:
            del state[key]
        else:
            state[key] = value
    return state


def refusal(network, weights):
    """The message with which the weights are refused; the network stays as it was."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(UserError) as refused:
        load_published_weights(network, weights)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    message = str(refused.value)
    assert "\n" not in message
    return message


@NETWORKS
def test_our_names_are_theirs_but_for_the_dead_ones(keys, build):
    ours = {published_name(name): tuple(value.shape) for name, value in build().state_dict().items()}
    theirs = {key.removeprefix("module."): tuple(shape) for key, shape, _ in published_keys(keys) if not is_dead(key)}
    assert ours == theirs


@NETWORKS
@pytest.mark.parametrize("prefix", ["module.", ""])
@pytest.mark.parametrize("dead", [True, False], ids=["with-dead", "without-dead"])
def test_every_entry_arrives(keys, build, prefix, dead, tmp_path):
    state = {
        prefix + key.removeprefix("module."): value
        for key, value in published_state_dict(keys).items()
        if dead or not is_dead(key)
    }
    torch.save(state, tmp_path / "subject_1.pkl")
    network = build()
    load_published_weights(network, tmp_path / "subject_1.pkl")
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[prefix + published_name(name)])


def test_a_state_dict_in_memory_and_a_path_as_text_will_do(tmp_path):
    torch.save(published_state_dict("metst"), tmp_path / "weights.pt")
    from_text, from_memory = METST(), METST()
    load_published_weights(from_text, str(tmp_path / "weights.pt"))
    load_published_weights(from_memory, published_state_dict("metst"))
    assert all(torch.equal(value, from_text.state_dict()[name]) for name, value in from_memory.state_dict().items())


def test_all_that_does_not_fit_is_named_at_once():
    missing = [f"blocks_spot__{i}__attn__mamba__D" for i in range(10)]
    state = checkpoint(
        "metst", **dict.fromkeys(missing), fc_spot__0__bias=torch.zeros(2), fc_depth__0__bias=torch.zeros(1)
    )
    message = refusal(METST(), state)
    assert message.startswith("published weights: not the weights of this METST: ")
    eight = ", ".join(f"blocks_spot.{i}.attn.mamba.D" for i in range(8))
    assert f"10 missing ({eight} and 2 more)" in message
    assert "1 surplus (fc_depth.0.bias)" in message
    assert "1 of another shape (fc_spot.0.bias (2,) instead of (1,))" in message


def test_keys_with_and_without_the_prefix_are_refused():
    state = checkpoint("metst")
    state["fc_spot.0.bias"] = state["module.fc_spot.0.bias"] + 1
    assert "1 duplicate (fc_spot.0.bias)" in refusal(METST(), state)


def test_weights_of_the_other_network_are_refused(tmp_path):
    torch.save(published_state_dict("metst"), tmp_path / "metst.pt")
    message = refusal(SlowFastMamba(), tmp_path / "metst.pt")
    assert message.startswith(f"{tmp_path / 'metst.pt'}: not the weights of this SlowFastMamba: ")
    assert re.search(
        r"\d+ missing \(Stem_slow.*; \d+ surplus \(blocks_spot.*; \d+ of another shape \(Stem.0.weight", message
    )


def test_weights_of_another_size_are_refused():
    message = refusal(METST(state=16), published_state_dict("metst"))
    assert "blocks_spot.0.attn.mamba.A_log (128, 64) instead of (128, 16)" in message
    assert "missing" not in message
    assert "sizes" in message.rpartition(";")[2]


def test_truncated_and_absent_files_are_refused(tmp_path):
    path = tmp_path / "weights.pt"
    assert refusal(METST(width=8), path).startswith(f"{path}: no such file; ")
    torch.save(published_state_dict("metst"), path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 100):
        path.write_bytes(whole[:length])
        assert refusal(METST(width=8), path).startswith(f"{path}: cannot be read")
    assert refusal(METST(width=8), tmp_path).startswith(f"{tmp_path}: cannot be read")


class Trap:
    def __reduce__(self):
        return pytest.fail, ("code from a weight file was run",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_no_code_from_a_file_is_run(save, tmp_path):
    path = tmp_path / "weights.pt"
    save({"module.fc_spot.0.bias": Trap()}, path)
    assert refusal(METST(width=8), path).startswith(f"{path}: cannot be read")


@pytest.mark.parametrize("value", [[torch.zeros(1)], {"epoch": 3}, torch.zeros(2), {3: torch.zeros(1)}])
def test_files_without_a_state_dict_are_refused(value, tmp_path):
    torch.save(value, tmp_path / "weights.pt")
    assert "state dict" in refusal(METST(width=8), tmp_path / "weights.pt")
    if isinstance(value, dict):
        assert "state dict" in refusal(METST(width=8), value)


def test_a_whole_saved_module_is_refused(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "weights.pt")
    assert "cannot be read" in refusal(METST(width=8), tmp_path / "weights.pt")
