import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from memodule.runtime.interrupts import held_back, own_handlers, terminable, undisturbed

BOTH = [signal.SIGINT, signal.SIGTERM]


def handlers():
    return [signal.getsignal(number) for number in BOTH]


@pytest.fixture(autouse=True)
def _handlers_are_restored():
    before = handlers()
    yield
    assert handlers() == before


def press(number):
    os.kill(os.getpid(), number)


def steps_until_interrupted(work):
    steps = []
    with pytest.raises(KeyboardInterrupt):
        work(steps)
    return steps


@pytest.mark.parametrize("number", BOTH)
def test_an_interruption_waits_until_it_is_checked_for(number):
    def work(steps):
        with terminable(), held_back() as look:
            look()
            press(number)
            steps.append("went on")
            look()
            steps.append("went on too far")

    assert steps_until_interrupted(work) == ["went on"]


@pytest.mark.parametrize("number", BOTH)
def test_an_interruption_is_raised_at_the_end_if_no_one_has_checked(number):
    def work(steps):
        with terminable(), held_back():
            press(number)
            steps.append("went on")

    assert steps_until_interrupted(work) == ["went on"]


@pytest.mark.parametrize("second", BOTH)
def test_a_second_interruption_does_not_wait(second):
    def work(steps):
        with terminable(), held_back():
            press(signal.SIGINT)
            steps.append("went on")
            press(second)
            steps.append("went on too far")

    assert steps_until_interrupted(work) == ["went on"]


def test_an_error_is_not_hidden_by_an_interruption_that_waits():
    def work():
        with held_back():
            press(signal.SIGINT)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        work()


def test_signals_that_are_ignored_or_belong_to_others_are_left_alone():
    theirs = []
    before = [signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGTERM, lambda *_: theirs.append(1))]
    try:
        with held_back() as look:
            press(signal.SIGINT)
            press(signal.SIGTERM)
            look()
    finally:
        for number, handler in zip(BOTH, before, strict=True):
            signal.signal(number, handler)
    assert theirs == [1]


@pytest.mark.parametrize("number", BOTH)
def test_tidying_up_is_done_before_an_interruption_is_heard(number):
    def work(steps):
        with terminable(), undisturbed():
            press(number)
            press(number)
            steps.append("tidied")

    assert steps_until_interrupted(work) == ["tidied"]


def test_an_interruption_during_tidying_up_counts_as_the_second_one():
    def work(steps):
        with held_back():
            press(signal.SIGINT)
            with undisturbed():
                press(signal.SIGINT)
                steps.append("tidied")
            steps.append("went on too far")

    assert steps_until_interrupted(work) == ["tidied"]


def test_handlers_that_a_library_sets_do_not_stay():
    before = handlers()
    with own_handlers():
        for number in BOTH:
            signal.signal(number, signal.SIG_DFL)
    assert handlers() == before


def test_other_threads_change_nothing():
    before = handlers()

    def seen():
        assert threading.current_thread() is not threading.main_thread()
        with terminable(), held_back() as look, undisturbed(), own_handlers():
            look()
            return handlers()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(seen).result() == before
