"""Looks at a namespace throughout a trial: who is primary, and which faults are on record."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import psycopg

from torture.reading import Field, Reader, ReadingError, fields_of

RECORDS_EVERY_S, PRIMARIES_EVERY_S = 0.2, 0.5
INSTANCES = ("db-a", "db-b")
USER, SECRET = "replicator", "db-credentials"
ASK = "select pg_is_in_recovery()"


class Sampler:
    """A context manager: within its block it looks again and again.

    `fields` are what faults changed, as their records said, by object and path; `split` tells each time at which both
    databases said that they are primary; `on_record` is whether a fault was on record at the last look; `looks` and
    `asked` count.
    """

    def __init__(self, reader: Reader) -> None:
        self.fields: dict[tuple[str, Any], Field] = {}
        self.split: list[str] = []
        self.on_record = False
        self.looks = self.asked = 0
        # A client of its own for each thread.
        self._of_records, self._of_pods = (Reader(reader.kubeconfig, reader.namespace) for _ in range(2))
        self._password = reader.secret(SECRET, USER)
        self._ending = threading.Event()
        looks = ((self._records, RECORDS_EVERY_S), (self._primaries, PRIMARIES_EVERY_S))
        self._threads = [threading.Thread(target=self._keep, args=look) for look in looks]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _keep(self, look: Callable[[], None], every_s: float) -> None:
        while not self._ending.wait(every_s):
            with contextlib.suppress(ReadingError):
                look()

    def _records(self) -> None:
        found = self._of_records.faults()
        self.on_record = bool(found)
        self.fields |= {(one.object, one.path): one for record in found for one in fields_of(record)}
        self.looks += 1

    def _primaries(self) -> None:
        where = self._addresses()
        said = {name: self._is_primary(address) for name, address in where.items()}
        self.asked += 1
        if sum(said.values()) < len(INSTANCES):
            return
        first = next(iter(where))  # asked once more, since it may have been demoted in between
        if self._is_primary(where[first]):
            self.split.append(f"{' and '.join(sorted(said))} both say that they are primary")

    def _addresses(self) -> dict[str, str]:
        found = {}
        for pod in self._of_pods.pods(labelSelector="app=db"):
            address, name = (pod.get("status") or {}).get("podIP"), pod["metadata"]["labels"].get("instance")
            if address and name in INSTANCES and pod["status"].get("phase") == "Running":
                found[name] = address
        return found

    def _is_primary(self, address: str) -> bool:
        """Whether the database there says so; one that does not answer is none."""
        try:
            with psycopg.connect(
                host=address, user=USER, password=self._password, dbname="postgres", connect_timeout=1, autocommit=True
            ) as connection:
                row = connection.execute(ASK).fetchone()
        except psycopg.Error:
            return False
        return row is not None and row[0] is False
