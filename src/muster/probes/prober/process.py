"""Starting and stopping a prober, a process of its own."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from muster.base.errors import MusterError, TimeoutExceededError
from muster.base.process import Child, run_id
from muster.base.timeline import Tail
from muster.base.waiting import wait_for
from muster.probes.ledger.loading import find_ledger
from muster.probes.prober.plan import Plan
from muster.system.definition import PythonLedgerSpec, SystemDefinition


class ProberError(MusterError):
    """A prober cannot be started."""


class Prober:
    """A prober below a lifeline. Starts at once; entering it as a context manager waits for it, leaving it ends it."""

    def __init__(self, child: Child, tail: Tail, log: Path) -> None:
        self._child = child
        self._tail = tail
        self._log = log

    @classmethod
    def start(
        cls, system: SystemDefinition, url: str, timeline: Path, directory: Path, *, further: Iterable[str] = ()
    ) -> Self:
        """Start a prober of the service at `url` (see `muster.probes.http.address`) that appends to `timeline`.

        `directory` gets its plan and its log; `further` names probes of system.yaml to be made beside reads and writes.

        Raises:
            UsageError: system.yaml has no such further probe, or the class that it names as ledger cannot be used.
            ProberError: the directory cannot be written.
        """
        # New with each prober: two in one run must not write the same ids.
        run = f"{run_id()}-{secrets.token_hex(2)}"
        plan = Plan(
            timeline=timeline.absolute(),
            url=url,
            run=run,
            read=system.read,
            ledger=system.ledger,
            further=[system.further_probe(name) for name in further],
            limits=system.prober,
            directory=system.directory,
        )
        if isinstance(system.ledger, PythonLedgerSpec):
            find_ledger(system.ledger, system.directory)  # told here and not in the log of a process that ended
        file, log = directory / f"prober-{run}.json", directory / f"prober-{run}.log"
        tail = Tail(timeline)
        tail.skip()
        try:
            file.write_text(plan.model_dump_json(indent=2))
            with log.open("wb") as output:
                child = Child([sys.executable, "-m", "muster.probes", str(file)], stdout=output, stderr=output)
        except OSError as error:
            raise ProberError(f"a prober cannot be started in {directory}: {error.strerror}") from error
        return cls(child, tail, log)

    def wait_started(self, *, within: float = 15.0) -> None:
        """Wait until the prober says on the timeline that it started.

        Raises:
            ProberError: it ended, or did not say so within so many seconds; the message quotes what it said last.
        """
        try:
            wait_for(self._has_started, within=within, every=0.02, reason="the prober to start")
        except TimeoutExceededError as error:
            raise ProberError(f"the prober did not start within {within:g} s: {self._said()}") from error

    def alive(self) -> bool:
        """Whether it still probes. One that does not is no reason to believe that all is well."""
        return self._child.poll() is None

    def stop(self) -> None:
        """End it; it records what is under way for up to half a second. May be called again."""
        self._child.stop()

    def __enter__(self) -> Self:
        try:
            self.wait_started()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _has_started(self) -> bool:
        ended = not self.alive()
        started = any(event["kind"] == "prober" and event["state"] == "started" for event in self._tail.read())
        if ended and not started:
            raise ProberError(f"the prober ended at once: {self._said()}")
        return started

    def _said(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
