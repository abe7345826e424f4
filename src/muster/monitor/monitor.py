"""The loop: look, remember, tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Any

from muster.base.clock import now, utc
from muster.base.errors import MusterError
from muster.monitor.look import Look, look_at
from muster.monitor.memory import Alert, Change, Memory, Within
from muster.monitor.metrics import Metrics
from muster.monitor.sending import OVER_FOR_S, Sending
from muster.monitor.telling import Teller
from muster.snapshot import Snapshot

SCHEMA = "muster/monitor/v1"


@dataclass(frozen=True)
class Round:
    """One look and what came of it: `changes` by it, the `alerts` that there are since, who was `told` what, and in
    `troubles` what went wrong, each one line. `remembered` is false where the store could not be used: nothing is known
    of alerts then."""

    look: Look
    remembered: bool = False
    changes: Sequence[Change] = ()
    alerts: Sequence[Alert] = ()
    told: Sequence[str] = ()
    troubles: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        """0 all is well, 1 there are alerts or findings, 2 something could not be seen or remembered."""
        if self.alerts or self.look.wrong:
            return 1
        return 2 if self.look.unseen or not self.remembered else 0

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "at": self.look.at,
            "remembered": self.remembered,
            "checks": dict(self.look.states),
            "findings": [
                {"object": key, "severity": one.severity, "title": one.title, "explained": one.explained}
                for key, one in self.look.wrong.items()
            ],
            "unseen": list(self.look.unseen),
            "alerts": [
                {
                    "object": one.key,
                    "severity": one.severity,
                    "title": one.title,
                    "began": one.began,
                    "raised": one.raised,
                }
                for one in self.alerts
            ],
            "changes": [
                {
                    "id": one.id,
                    "object": one.key,
                    "what": one.what,
                    "severity": one.severity,
                    "was": one.was,
                    "title": one.title,
                }
                for one in self.changes
            ],
            "told": list(self.told),
            "troubles": list(self.troubles),
        }


@dataclass
class Monitor:
    """Looks at one system. What it knows of alerts is in the store, so that it may be killed at any moment.

    `gather` takes a snapshot; `remember` opens the memory; `within` writes what is to be told of a change in the
    change's own transaction; `tellers` are told afterwards, one by one; `sending` is an Alertmanager; `around` is done
    in each round besides (sending what waits to be sent), and returns what it has to say.
    """

    gather: Callable[[], Snapshot]
    remember: Callable[[], Memory]
    metrics: Metrics
    tellers: Sequence[Teller] = ()
    sending: Sending | None = None
    within: Within | None = None
    around: Callable[[], Sequence[str]] = tuple

    def once(self) -> Round:
        """Look, and tell what must be told. What goes wrong is in the round; the next one makes up for it.

        Raises:
            UsageError: there is nothing that could be looked at: no such context, a check that cannot be loaded.
        """
        began, troubles = now(), list[str]()
        look = look_at(self.gather())
        self.metrics.looked(look)
        try:
            with self.remember() as memory:
                changes = memory.take(look, self.within)
                told = self._tell(memory, troubles)
                alerts = memory.alerts()
                self._send(memory, alerts, troubles)
                untold = sum(len(memory.untold(teller.name)) for teller in self.tellers)
        except MusterError as error:
            return Round(look, troubles=[*troubles, str(error)])
        told += self._done_around(troubles)
        self.metrics.remembered(look, alerts, untold + len(troubles), now() - began)
        return Round(look, True, changes, alerts, told, troubles)

    def run(self, every_s: float, stopping: Event, show: Callable[[Round], None]) -> None:
        """Look every so many seconds until told to stop. A look that takes longer is followed by the next at once.

        Raises:
            UsageError: there is nothing that could be looked at.
        """
        due = now()
        while not stopping.is_set():
            show(self.once())
            due = max(due + every_s, now())
            stopping.wait(due - now())

    def _tell(self, memory: Memory, troubles: list[str]) -> list[str]:
        """Have each teller tell what it has not, in its order: a later change makes no sense before an earlier one."""
        said = list[str]()
        for teller in self.tellers:
            try:
                for change in memory.untold(teller.name):
                    came = teller.tell(change)
                    memory.tell(change, teller.name, came)
                    said += [f"{came}: {change.text}"] if came else []
            except MusterError as error:
                troubles.append(f"{teller.name} could not be told: {error}")
        return said

    def _send(self, memory: Memory, alerts: Sequence[Alert], troubles: list[str]) -> None:
        if self.sending is None:
            return
        since = (utc() - timedelta(seconds=OVER_FOR_S)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            self.sending.send(alerts, memory.left_since(since))
        except MusterError as error:
            troubles.append(f"{self.sending.name} could not be told: {error}")

    def _done_around(self, troubles: list[str]) -> list[str]:
        try:
            return list(self.around())
        except MusterError as error:
            troubles.append(str(error))
            return []
