"""How long a drill waits for good service: from the first violation on, as its RTO counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from muster.base.timeline import Event
from muster.drill import checks
from muster.drill.checks import GoodCheck, first_violation
from muster.drill.drill import Drill

INJECTED, WITHIN, HOLD = 1000.0, 30.0, 5.0


class _Clock:
    def __init__(self) -> None:
        self.now = INJECTED


class _Waiting:
    """A check whose service is never good, in a time of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, called_s: float = 0.0) -> None:
        self.clock, self.requests = _Clock(), list[Event]()
        monkeypatch.setattr(checks, "now", lambda: self.clock.now)
        monkeypatch.setattr(GoodCheck, "holds", lambda _self: False)
        self.clock.now = INJECTED + called_s
        live = SimpleNamespace(requests=self.requests)
        drill = SimpleNamespace(declaration=SimpleNamespace(hold_s=HOLD), injected_at=INJECTED, live=live)
        self.check = GoodCheck(cast("Drill", drill), WITHIN)

    def request(self, at_s: float, outcome: str = "ok") -> None:
        self.requests.append({"t": INJECTED + at_s, "done": INJECTED + at_s, "outcome": outcome, "source": "probe"})

    def decided(self, at_s: float) -> Any:
        self.clock.now = INJECTED + at_s
        return self.check.decided()


def test_a_fault_that_lands_late_takes_nothing_from_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = _Waiting(monkeypatch, called_s=62.0)
    waiting.request(10)
    waiting.request(60, "wrong")
    assert waiting.decided(60 + WITHIN + HOLD - 0.1) is None
    assert waiting.decided(60 + WITHIN + HOLD) == "late"


def test_a_procedure_that_took_long_does(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = _Waiting(monkeypatch, called_s=40.0)
    waiting.request(1, "refused")
    assert waiting.decided(40.1) == "late"


def test_what_was_wrong_before_the_injection_does_not_begin_it(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = _Waiting(monkeypatch)
    waiting.request(-1, "timeout")
    assert first_violation(waiting.requests, INJECTED) is None
    assert waiting.decided(WITHIN + HOLD - 0.1) is None


def test_while_nothing_is_violated_it_counts_from_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = _Waiting(monkeypatch, called_s=50.0)
    assert waiting.decided(50 + WITHIN) is None
    waiting.request(50 + WITHIN + 1, "reset")
    assert waiting.decided(50 + WITHIN + HOLD) is None, "it is counted anew from the first violation"
    assert waiting.decided(50 + 2 * WITHIN + HOLD + 1) == "late"
    assert waiting.check.at_most_s == 2 * (WITHIN + HOLD)


def test_without_any_violation_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = _Waiting(monkeypatch, called_s=50.0)
    assert waiting.decided(50 + WITHIN + HOLD) == "late"


def test_good_service_decides_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = _Waiting(monkeypatch)
    waiting.request(1, "refused")
    monkeypatch.setattr(GoodCheck, "holds", lambda _self: True)
    assert waiting.decided(500) == "good"
