"""A guardian for a cluster: what takes back the faults of sessions whose machine is gone as well.

It sees only the API: a session is taken for gone when its Lease has not been renewed for as long as it lasts, by this
process's own clock, so that clocks which disagree make no difference.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from muster.base.clock import now, utc_iso
from muster.base.errors import ClusterError, MusterError
from muster.guardian.taking_back import TakingBack
from muster.kube import ApiError, Cluster
from muster.safety import AuditLog, Record, RecordError
from muster.safety.locks import DURATION_S, Tenure, find_tenure, release
from muster.wire.names import FAULT_RECORD_LABEL, MANAGED_BY_LABEL, MANAGED_BY_VALUE

NAME = "muster-guard"
HOME = "muster"  # the namespace that it lives in, unless it is told another
LOOK_EVERY_S = 0.5
LOST_AFTER_S = 30.0  # without having been renewed, the guardian is told not to be there
ANNOUNCE_EVERY_S = LOST_AFTER_S / 3


@dataclass
class Seen:
    """What was seen of the drill of a namespace, and since when nothing of it has changed."""

    sign: str
    since: float = field(default_factory=now)


class Post:
    """The guardian's loop over a cluster, or over some of its namespaces."""

    def __init__(
        self, cluster: Cluster, namespaces: Sequence[str], home: str, audit: AuditLog, say: Callable[[str], object]
    ) -> None:
        """`namespaces` are guarded, or all where there are none; `home` is the one in which it says that it is there;
        `say` is told what it does, a line each."""
        self._cluster, self._namespaces, self._home = cluster, tuple(namespaces), home
        self._audit, self._say = audit, say
        self._seen: dict[str, Seen] = {}
        self._taking: dict[str, TakingBack] = {}
        self._ending = threading.Event()
        self._announced: float | None = None
        self._trouble = ""

    def keep(self) -> None:
        """Watch until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ending.set())
        scope = ", ".join(self._namespaces) or "every namespace"
        self._say(f"guarding {scope} of context '{self._cluster.context}'")
        while not self._ending.is_set():
            self._tell_trouble("; ".join(dict.fromkeys(self._turn())))
            self._ending.wait(LOOK_EVERY_S)
        with contextlib.suppress(ClusterError):  # then it runs out
            self._leave()

    def _turn(self) -> Iterator[str]:
        """Look, and say that a guardian is there; yields what of it could not be done. Neither waits for the other:
        where it may not say so, or there is no namespace to say so in, faults are taken back all the same."""
        for act in (self._announce, self.look):
            try:
                act()
            except ClusterError as error:
                yield str(error)

    def look(self) -> None:
        """Look once at every fault that is on record, and take back what nobody answers for any more.

        Raises:
            ClusterError: the cluster does not answer.
        """
        here: dict[str, list[Record]] = {}
        for namespace in self._namespaces or (None,):
            for item in self._cluster.list("ConfigMap", namespace, labels=FAULT_RECORD_LABEL):
                with contextlib.suppress(RecordError):
                    record = Record.from_config_map(item)
                    here.setdefault(record.namespace, []).append(record)
        for gone in self._seen.keys() - here.keys():
            del self._seen[gone]
        for namespace, records in here.items():
            if namespace not in self._taking and (why := self._reason(namespace, records)):
                self._begin(namespace, why)
        for namespace, taking in list(self._taking.items()):
            if taking.attempt():
                del self._taking[namespace]
                self._say(f"{namespace}: {'; '.join(taking.undone) or 'nothing was left to undo'}")

    def _reason(self, namespace: str, records: Sequence[Record]) -> str:
        """Why the faults of a namespace are to be taken back, if they are."""
        if overdue := [record for record in records if record.is_overdue]:
            return f"fault '{overdue[0].experiment}' has lasted as long as it may, until {overdue[0].deadline}"
        tenure = find_tenure(self._cluster, namespace)
        lasts = tenure.duration_s if tenure else float(DURATION_S)
        sign = f"{tenure.holder} {tenure.renewed}" if tenure else "nobody"
        seen = self._seen.get(namespace)
        if seen is None or seen.sign != sign:
            seen = self._seen[namespace] = Seen(sign)
        if now() - seen.since <= lasts:
            return ""
        return _told(tenure, records[0], lasts)

    def _begin(self, namespace: str, why: str) -> None:
        self._say(f"{namespace}: {why}; undoing it")
        tenure = find_tenure(self._cluster, namespace)
        if tenure is not None:
            # Whoever holds it and lives after all learns by this that it is to stop.
            release(self._cluster, namespace, tenure.holder)
        self._taking[namespace] = TakingBack(self._cluster, namespace, lambda _: True, self._audit)

    def _announce(self) -> None:
        """Say that a guardian is there, where that was not said lately."""
        if self._announced is not None and now() - self._announced < ANNOUNCE_EVERY_S:
            return
        spec = {
            "holderIdentity": socket.gethostname(),
            "leaseDurationSeconds": int(LOST_AFTER_S),
            "renewTime": utc_iso(timespec="microseconds"),
        }
        metadata = {"name": NAME, "labels": {MANAGED_BY_LABEL: MANAGED_BY_VALUE}}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        try:
            self._cluster.create(lease, self._home)
        except ApiError as error:
            if error.code != 409:
                raise
            self._cluster.patch("Lease", NAME, self._home, {"spec": spec})
        self._announced = now()

    def _leave(self) -> None:
        """Say that it is there no more, unless another one has come in its place."""
        found = self._cluster.find("Lease", NAME, self._home)
        if found is not None and (tenure := Tenure.from_lease(found)).holder == socket.gethostname():
            self._cluster.delete("Lease", NAME, self._home, version=tenure.version)

    def _tell_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._say(f"muster guard: {trouble}" if trouble else "the cluster answers again")
        self._trouble = trouble


def _told(tenure: Tenure | None, record: Record, lasts: float) -> str:
    if tenure is None:
        return f"nobody answers for fault '{record.experiment}' of run {record.run}"
    return f"{tenure.holder} has given no sign for {lasts:g} s"


def who_guards(cluster: Cluster, home: str) -> str:
    """Who guards the cluster, as far as whoever asks may see it; the empty text where nobody does."""
    try:
        found = cluster.find("Lease", NAME, home)
    except MusterError:
        return ""
    if found is None:
        return ""
    tenure = Tenure.from_lease(found)
    return "" if tenure.has_run_out else tenure.holder
