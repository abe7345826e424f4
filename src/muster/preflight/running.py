"""Running checks side by side: each has its limit, and whatever hangs is told as unknown and left behind."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

from muster.base.clock import now
from muster.base.errors import MusterError, UsageError
from muster.preflight.checks import Check
from muster.preflight.finding import Finding, Result, unknown
from muster.preflight.subject import Subject
from muster.system.trust import trust


def run_checks(subject: Subject, checks: Sequence[Check]) -> list[Finding]:
    """Every check's finding, in the order of the checks. Takes no longer than the longest limit among them, in seconds.

    A check that is through by then has said what it saw; one that is not is unknown, and goes on in a thread that keeps
    nobody from ending.
    """
    with contextlib.suppress(UsageError):  # which the check of the address tells
        trust(subject.system)
    made = [_Running(check, subject) for check in checks]
    began = now()
    for one in made:
        one.start()
    return [Finding.of(one.check.name, one.result(began + one.check.limit_s)) for one in made]


class _Running(threading.Thread):
    """One check at work."""

    def __init__(self, check: Check, subject: Subject) -> None:
        super().__init__(name=f"check {check.name}", daemon=True)
        self.check, self._subject = check, subject
        self._result: Result | None = None

    def run(self) -> None:
        try:
            self._result = self.check.look(self._subject)
        except MusterError as error:
            self._result = unknown(str(error))
        except Exception as error:  # noqa: BLE001 - a check that breaks has seen nothing, and the others have
            self._result = unknown(f"the check itself broke: {type(error).__name__}: {error}")

    def result(self, until: float) -> Result:
        """What it says by a moment (CLOCK_MONOTONIC seconds)."""
        self.join(max(until - now(), 0.0))
        return self._result or unknown(f"it was not told within {self.check.limit_s:g} s")
