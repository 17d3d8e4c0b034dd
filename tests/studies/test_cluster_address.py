"""Addresses where no Ray cluster answers: one line within seconds, where Ray alone waits for minutes."""

import sys
import time
from types import ModuleType

import pytest
from bench import ended
from listeners import GRPC, closed_port

from memodule.cli import main
from memodule.errors import UserError
from memodule.studies import cluster_address
from memodule.studies.cluster_address import host_and_port, require_answer


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.0.0.1:6379", ("10.0.0.1", 6379)),
        ("ray://head.example.org:10001", ("head.example.org", 10001)),
        ("[::1]:6379", ("::1", 6379)),
        ("auto", None),
        ("local", None),
    ],
)
def test_addresses_of_ray_are_read(address, place):
    assert host_and_port(address) == place


@pytest.mark.parametrize("address", ["", "nohost", "host:text", "host:0", "host:65536", "http://host:80", "a b:1"])
def test_other_addresses_are_refused(address):
    with pytest.raises(UserError, match=r"^--address '.*': write HOST:PORT, such as 10\.0\.0\.1:6379, or auto$"):
        require_answer(address)


def test_a_grpc_server_is_let_pass(listener):
    require_answer(listener(GRPC))


@pytest.mark.parametrize(
    "answer", [None, b"", b"SSH-2.0-OpenSSH_9.2p1\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", GRPC[:8]]
)
def test_who_says_nothing_or_something_else_is_no_ray(listener, monkeypatch, answer):
    monkeypatch.setattr(cluster_address, "_PATIENCE", 0.3)
    with pytest.raises(UserError, match="another program listens at that port"):
        require_answer(listener(answer))


def test_auto_is_asked_where_ray_would_look(monkeypatch, listener):
    with closed_port() as gone:
        monkeypatch.setenv("RAY_ADDRESS", gone)
        port = gone.partition(":")[2]
        with pytest.raises(UserError, match=rf"^--address auto: no Ray .*:{port}, Connection refused\)"):
            require_answer("auto")
    monkeypatch.setenv("RAY_ADDRESS", listener(GRPC))
    require_answer("auto")


def test_auto_without_a_cluster_is_one_line(monkeypatch):
    def none_found(_):
        raise ConnectionError("Could not find any running Ray instance. Please start one")

    services = ModuleType("services")
    services.canonicalize_bootstrap_address = none_found
    monkeypatch.setitem(sys.modules, "ray._private.services", services)
    with pytest.raises(UserError, match=r"\(Could not find any running Ray instance\); start one with `ray start"):
        require_answer("auto")


def refused(bench, address):
    """What a study says of an address, and after how many seconds."""
    began = time.monotonic()
    status, out, err = ended(bench.start("--address", address))
    assert (status, out) == (2, "")
    return err, time.monotonic() - began


@pytest.mark.slow
def test_a_study_ends_at_once_where_nobody_answers(bench):
    _, usual = refused(bench, "no-address")  # the same, up to the connection
    with closed_port() as address:
        err, took = refused(bench, address)
    (line,) = err.splitlines()
    assert line.startswith(f"memodule: error: --address {address}: no Ray cluster answers there (Connection refused)")
    assert took - usual < 30  # Ray alone: minutes, and a traceback
    assert not bench.runs.exists()


def test_a_search_begins_nothing_where_nobody_answers(bench, tmp_path, capsys):
    space = tmp_path / "space.yaml"
    space.write_text("model.learning_rate: [0.01, 0.1]\n")
    words = ["search", "--config", bench.config, "--runs", bench.runs, "--space", space]
    words += ["--set", "data.inner_validation_subjects=1"]
    with closed_port() as address:
        assert main([*(str(word) for word in words), "--address", address]) == 2
    assert "no Ray cluster answers there (Connection refused)" in capsys.readouterr().err
    assert not bench.runs.exists()
