"""A signal is noted wherever it comes; it interrupts what cannot ask for itself, once, and never an undo."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from chaoslib.exceptions import InterruptExecution

from muster.base.clock import now
from muster.faults import controls
from muster.faults.ending import Ending, ToldToEndError

FAILED: dict[str, Any] = {"status": "failed", "exception": ["it broke"]}


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ending]:
    found = Ending(patience_s=0.05)
    monkeypatch.setattr(controls, "ENDING", found)
    found.begin()
    yield found
    found.end()


def test_nothing_is_interrupted_but_an_activity_of_others(ending: Ending) -> None:
    signal.raise_signal(signal.SIGUSR2)
    assert ending.told == "SIGUSR2"
    with pytest.raises(ToldToEndError, match=r"told to end \(SIGUSR2\)"):
        ending.check()
    with pytest.raises(ToldToEndError):
        ending.let_interrupt()


def test_an_activity_that_goes_on_is_interrupted_after_a_while_and_once(ending: Ending) -> None:
    ending.let_interrupt()
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="told to end"):
        signal.sigtimedwait([], 30)  # a call that would not ask; the alarm ends it
    signal.raise_signal(signal.SIGTERM)


def test_one_that_ends_by_itself_meanwhile_is_not(ending: Ending) -> None:
    ending.let_interrupt()
    signal.raise_signal(signal.SIGTERM)
    ending.keep_whole()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_whoever_waits_is_woken(ending: Ending) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    begun = now()
    ending.wait_readable(None, 600)
    assert now() - begun < 300


def test_what_is_undone_is_undone_to_its_end(ending: Ending) -> None:
    controls.before_rollback_control({})
    signal.raise_signal(signal.SIGINT)
    ending.check()
    ending.let_interrupt()
    signal.raise_signal(signal.SIGINT)


def test_a_failed_rollback_leaves_out_none_after_it(ending: Ending) -> None:
    activity = {"name": "mend", "provider": {"type": "python", "module": "chaosk8s.pod.actions", "func": "x"}}
    with pytest.raises(InterruptExecution, match="activity 'mend' failed: it broke"):
        controls.after_activity_control(activity, FAILED)
    controls.before_rollback_control({})
    controls.after_activity_control(activity, FAILED)
    assert ending.undoing


def test_signals_are_given_back(ending: Ending) -> None:
    assert signal.getsignal(signal.SIGUSR2) not in {signal.SIG_DFL, None}
    ending.end()
    ending.end()
    assert signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL
