"""What ends a program waits while something must be done to its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from muster.base.signals import held_back


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """As it is at a terminal: what is started in the background is told to pass over Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_signal_takes_effect_when_the_block_is_through() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt):
        with held_back():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("undone")
        done.append("went on")
    assert done == ["undone"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_of_the_block_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, held_back():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("could not be undone")
    assert "could not be undone" in str(caught.value.__context__)


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with held_back():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_thread_which_gets_no_signals_may_use_it() -> None:
    said: list[str] = []

    def block() -> None:
        with held_back():
            said.append("done")

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert said == ["done"]
