"""Writes made and found by a class of the user's (`muster.probes.protocol`)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from muster.base.errors import UsageError
from muster.probes.http.exchange import Answer
from muster.probes.http.outcomes import Outcome, of_os_error
from muster.probes.ledger.driven import Done, Threads
from muster.probes.ledger.loading import find_ledger
from muster.probes.ledger.store import Certainty, Entry, Seen, Written
from muster.probes.protocol import NotStored, Removing
from muster.system.definition import PythonLedgerSpec

# What is raised with words of its own has no number of the system's.
_BY_CLASS: tuple[tuple[type[Exception], Outcome], ...] = (
    (ConnectionRefusedError, Outcome.REFUSED),
    (ConnectionError, Outcome.RESET),
    (EOFError, Outcome.EMPTY),
)


class DriverStore:
    """The store behind a class of the user's, called in threads."""

    def __init__(self, spec: PythonLedgerSpec, url: str, directory: Path) -> None:
        """Find the class; nothing is opened yet.

        Raises:
            UsageError: it is not there, or lacks a method.
        """
        self._name = spec.python
        made = find_ledger(spec, directory)
        self._threads = Threads(partial(made, url, spec.options))
        self._removes = callable(getattr(made, "remove", None))

    async def write(self, identity: str, content: str, *, kept: bool, limit_s: float) -> Written:
        done = await self._threads.call(lambda it: it.write(identity, content), kept=kept, limit_s=limit_s)
        if done.error is None:
            return Written(_answer(done, limit_s), "acknowledged", done.at)
        surely_not = not done.begun or isinstance(done.error, NotStored)
        certainty: Certainty = "refused" if surely_not else "indeterminate"
        return Written(_answer(done, limit_s), certainty, done.at if isinstance(done.error, NotStored) else None)

    async def read(self, entry: Entry, *, kept: bool, limit_s: float) -> Seen:
        done = await self._threads.call(lambda it: it.read(entry.id), kept=kept, limit_s=limit_s)
        answer = _answer(done, limit_s)
        if done.error is not None:
            return Seen(answer, None, f"{self._name}.read: {answer.outcome}: {answer.why}")
        contents = self._contents(done.value)
        times = "" if len(contents) == 1 else f" {len(contents)} times"
        return Seen(answer, contents, f"{self._name}.read " + (f"finds it{times}" if contents else "does not find it"))

    @property
    def removes(self) -> bool:
        return self._removes

    async def remove(self, entry: Entry, *, limit_s: float) -> str:
        def remove(ledger: Any) -> None:
            assert isinstance(ledger, Removing)
            ledger.remove(entry.id)

        done = await self._threads.call(remove, kept=True, limit_s=limit_s)
        return "" if done.error is None else f"{self._name}.remove: {_answer(done, limit_s).why}"

    async def close(self) -> None:
        await self._threads.close()

    def _contents(self, value: object) -> list[object]:
        if isinstance(value, list) and all(isinstance(content, str) for content in value):
            return value
        raise UsageError(
            f"{self._name}: 'read' must return a list of texts, one for each time that it is there, not {value!r}"
        )


def _answer(done: Done, limit_s: float) -> Answer:
    """A call as the prober tells it.

    Raises:
        OwnLimitError: it failed for want of this process's own means.
    """
    outcome, why = (Outcome.OK, "") if done.error is None else _explain(done.error, done, limit_s)
    return Answer(done.sent, done.at, outcome, "kept" if done.kept else "new", asked=done.begun, why=why)


def _explain(error: Exception, done: Done, limit_s: float) -> tuple[Outcome, str]:
    said = next(iter(str(error).splitlines()), "")
    if isinstance(error, NotStored):
        return Outcome.ERROR, f"not stored: {said or 'no reason given'}"
    if isinstance(error, TimeoutError) and error.errno is None:
        return Outcome.TIMEOUT, said or f"not answered within {limit_s:g} s"
    if by_system := of_os_error(error):
        return by_system
    # A class that cannot connect raises before it is asked anything.
    otherwise = Outcome.ERROR if done.begun else Outcome.UNREACHABLE
    outcome = next((outcome for kind, outcome in _BY_CLASS if isinstance(error, kind)), otherwise)
    return outcome, f"{type(error).__name__}: {said or 'no message'}"
