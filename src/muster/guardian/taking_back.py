"""Undoing what is on record until it is undone, whatever the cluster answers meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from muster.base.clock import now
from muster.base.errors import MusterError
from muster.kube import Cluster
from muster.safety import AuditLog, Record, sift_records
from muster.safety.audit import AuditError
from muster.safety.records import forget, put_back

# A request of a process that was killed is carried out by then, or never.
SETTLE_S = 1.0


@dataclass
class TakingBack:
    """The undoing of the records of some injections in a namespace, tried until it is through.

    The first time that all of them are undone is `undone_at` (CLOCK_MONOTONIC seconds); they are looked at again
    SETTLE_S later, since whoever struck may have been cut in the middle of a request, and then the records go.
    """

    cluster: Cluster
    namespace: str
    ours: Callable[[Record], bool]
    audit: AuditLog
    undone: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    undone_at: float | None = None
    trouble: str = ""  # why it is not through yet
    _records: dict[str, Record] = field(default_factory=dict)

    def attempt(self) -> bool:
        """Try once; whether all is undone and off the record.

        A record that cannot be understood is nobody's to undo: it is named in `trouble`, and keeps nobody.
        """
        try:
            good, bad = sift_records(self.cluster, self.namespace)
            self._records |= {record.injection: record for record in good if self.ours(record)}
            if self.undone_at is not None and now() < self.undone_at + SETTLE_S:
                return False
            again = self.undone_at is not None
            for record in self._records.values():
                self._put_back(record, again=again)
            self.undone_at = self.undone_at or now()
            if self._records and not again:
                return False
            for record in list(self._records.values()):
                forget(self.cluster, record)
                del self._records[record.injection]
        except MusterError as error:
            self.trouble = str(error)
            return False
        self.trouble = "; ".join(map(str, bad))
        return True

    def open(self, injections: Iterable[str]) -> list[str]:
        """What may be in force still, of these injections: whose records were read and undone once is not."""
        if self.undone_at is not None:
            return []
        read = self._records
        return [
            f"fault '{read[one].experiment}'" if one in read else f"the fault of injection {one}" for one in injections
        ]

    def log(self, outcome: str, **said: Any) -> None:
        """Log how it went; what is undone is undone, whether that can be logged or not."""
        try:
            self.audit.record(
                "undo", target=f"{self.cluster.context}/{self.namespace}", outcome=outcome, by="guardian", **said
            )
        except AuditError as error:
            print(error, file=sys.stderr, flush=True)

    def _put_back(self, record: Record, *, again: bool) -> None:
        outcome = put_back(self.cluster, record)
        undone = [text for text in outcome.undone if text not in self.undone]  # a command is run both times
        self.undone += undone
        if not again:
            self.left += outcome.left
        if undone or not again:
            self.log("done", experiment=record.experiment, undone=undone, left=list(outcome.left))
