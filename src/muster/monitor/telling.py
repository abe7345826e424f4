"""Who is told of a change: the interface, and that of incidents.

A teller is asked again for what it has not told yet, after a failure as after a death: told twice it tells once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from muster.incidents import Book, Incident
from muster.monitor.memory import Change

OPENS = ("P1", "P2")  # what is an incident: service, or a part of it, does not work
_KEY = "change"  # of the data of an entry: which change it tells of


class Teller(Protocol):
    """Somebody who is told of each change, once."""

    @property
    def name(self) -> str:
        """What it is called where it is noted what was told."""

    def tell(self, change: Change) -> str:
        """Tell it, if that was not done already, and return what came of it in one line, empty for nothing.

        Raises:
            MusterError: it cannot be told now.
        """


class Opening(Protocol):
    """What opens a book of incidents; whoever has notices to send with it sets that up there."""

    def __call__(self, address: str, base: Path, *, create: bool) -> Book: ...


class Incidents:
    """An alert of P1 or P2 is an incident; every other one, and that it is over, is noted of those that are open.

    None is ever resolved here: that service is back, people say.
    """

    name = "incidents"

    def __init__(
        self,
        system: str,
        cluster: str,
        address: str,
        base: Path,
        *,
        opening: Opening = Book.open,
        attached: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """`address` and `base` are those of the store (`muster.store.Opened.open`); `attached` is asked for what is
        kept with an incident that is opened, such as the diagnosis of the moment."""
        self._system, self._cluster, self._address, self._base = system, cluster, address, base
        self._opening, self._attached = opening, attached

    def tell(self, change: Change) -> str:
        """Open, grade or note.

        Raises:
            HistoryError: the store cannot be used.
        """
        with self._opening(self._address, self._base, create=True) as book:
            there = book.incidents(system=self._system, cluster=self._cluster, unresolved=True)
            if change.severity not in OPENS:
                noted = [incident.id for incident in there if self._note(book, incident, change)]
                return f"noted of {', '.join(noted)}" if noted else ""
            return self._open(book, change, there)

    def _open(self, book: Book, change: Change, there: list[Incident]) -> str:
        """See to it that there is an incident of that cause, as severe as the alert at least, which tells of it."""
        assert change.severity is not None
        found = next((one for one in there if one.cause == change.incident_cause), None)
        if found is None:
            found, _ = book.begin(
                system=self._system,
                cluster=self._cluster,
                severity=change.severity,
                title=change.title,
                cause=change.incident_cause,
                drill=change.drill,
                detected=change.at,
                data={**self._attached(), "alert": change.key, "detail": change.detail},
            )
        if change.severity < found.severity:
            found = book.grade(found.id, change.severity, f"alert of the monitor: {change.title}")
        return f"incident {found.id}" if self._note(book, found, change) else ""

    def _note(self, book: Book, incident: Incident, change: Change) -> bool:
        """Note the change, unless whoever was cut short had noted it."""
        entries = book.entries(incident.id)
        if any(entry.kind == "alert" and entry.data.get(_KEY) == change.id for entry in entries):
            return False
        data = {_KEY: change.id, "alert": change.key, "severity": change.severity, "detail": change.detail}
        book.note(incident.id, change.text, kind="alert", data=data)
        return True
