"""One drill, and one recovery procedure, at a time in a namespace: a Lease each that its holder renews, and that runs
out when the holder dies.

Only who holds it renews it, so a holder that was taken for dead learns of it and stops (`Lock.lost`); whoever strikes
for a drill asks whether the drill holds it still (`check_held`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, ClassVar, Self

from muster.base.background import Background
from muster.base.clock import SYSTEM_CLOCK, utc, utc_iso
from muster.base.errors import ClusterError, RefusedError
from muster.kube import ApiError, Cluster
from muster.kube.client import JSON_PATCH
from muster.wire.names import MANAGED_BY_LABEL, MANAGED_BY_VALUE, RUN_LABEL

NAME = "muster-drill"
PROCEDURE_NAME = "muster-procedure"
DURATION_S = 5
RENEW_EVERY_S = 1.0


@dataclass(frozen=True)
class Tenure:
    """Who holds a namespace, as its Lease says."""

    holder: str
    run: str  # empty where it is not said
    since: str  # ISO 8601
    renewed: str  # ISO 8601
    duration_s: float
    version: str

    @classmethod
    def from_lease(cls, lease: dict[str, Any]) -> Tenure:
        """Read a Lease; what it does not say is told as unknown, or taken for long ago."""
        metadata, spec = lease["metadata"], lease.get("spec") or {}
        return cls(
            holder=str(spec.get("holderIdentity") or "somebody"),
            run=str((metadata.get("labels") or {}).get(RUN_LABEL, "")),
            since=str(spec.get("acquireTime") or "some time"),
            renewed=str(spec.get("renewTime") or "1970-01-01T00:00:00Z"),
            duration_s=float(spec.get("leaseDurationSeconds") or DURATION_S),
            version=str(metadata.get("resourceVersion", "")),
        )

    @property
    def has_run_out(self) -> bool:
        """Whether it was not renewed for as long as it lasts, as far as this machine's clock and the holder's agree."""
        return utc() - datetime.fromisoformat(self.renewed) > timedelta(seconds=self.duration_s)


class Lock:
    """A lease of the namespace. A context manager: entering takes it, leaving gives it back."""

    name: ClassVar[str]
    what: ClassVar[str]  # who has it, for people

    def __init__(self, cluster: Cluster, namespace: str, holder: str, *, run: str = "") -> None:
        """`holder` says who has it: people read it when they are refused. `run` is the run that it is taken for."""
        self.holder = holder
        self.lost = ""  # why it is not ours any more
        self._cluster, self._namespace, self._run = cluster, namespace, run
        self._acquired = ""
        self._renewing = Background(self._keep, name=f"{self.what} lock")

    def __enter__(self) -> Self:
        """Take the lease.

        Raises:
            RefusedError: another one has it.
            ClusterError: the cluster does not answer.
        """
        self._acquired = utc_iso(timespec="microseconds")
        try:
            self._cluster.create(self._lease(), self._namespace)
        except ApiError as error:
            if error.code != 409:
                raise
            self._take_over()
        self._renewing.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._renewing.stop()
        with contextlib.suppress(ClusterError):  # then it runs out
            release(self._cluster, self._namespace, self.holder, self.name)

    def _take_over(self) -> None:
        """Take a lease that has run out.

        Whether it has is told by two clocks, which may disagree; so it must also not have been renewed while we look.
        """
        found = self._run_out()
        lease = self._lease()
        lease["metadata"]["resourceVersion"] = found.version
        try:
            self._cluster.replace(lease, self._namespace)
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
            raise self._refusal(found) from error

    def _run_out(self) -> Tenure:
        """The lease that another holds, once it is seen that nobody renews it any more.

        Raises:
            RefusedError: it has not run out.
        """
        found = find_tenure(self._cluster, self._namespace, self.name)
        if found is None or not found.has_run_out:
            raise self._refusal(found)
        SYSTEM_CLOCK.sleep(1.5 * RENEW_EVERY_S)
        return found

    def _refusal(self, found: Tenure | None) -> RefusedError:
        if found is None:
            return RefusedError(
                f"refused: another {self.what} has just ended in namespace '{self._namespace}'; try again"
            )
        return RefusedError(
            f"refused: another {self.what} is at work in namespace '{self._namespace}' of context "
            f"'{self._cluster.context}': {found.holder}, since {found.since}; should it be dead, its Lease {self.name} "
            f"runs out {found.duration_s:g} s after it was last renewed, at {found.renewed}"
        )

    def _lease(self) -> dict[str, Any]:
        spec = {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": DURATION_S,
            "acquireTime": self._acquired,
            "renewTime": utc_iso(timespec="microseconds"),
        }
        labels = {MANAGED_BY_LABEL: MANAGED_BY_VALUE, **({RUN_LABEL: self._run} if self._run else {})}
        metadata: dict[str, Any] = {"name": self.name, "labels": labels}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}

    def _keep(self) -> None:
        while not self.lost and not self._renewing.pause(RENEW_EVERY_S):
            # A cluster that does not answer now may do so in time for the next renewal.
            with contextlib.suppress(ClusterError):
                self.lost = self._renew()

    def _renew(self) -> str:
        """Renew it; returns why it is lost, if it is."""
        try:
            renew(self._cluster, self._namespace, self.holder, self.name)
        except ApiError:
            found = find_tenure(self._cluster, self._namespace, self.name)
            if found is None or found.holder != self.holder:
                return self._told_lost(found)
        return ""

    def _told_lost(self, found: Tenure | None) -> str:
        taken = "was taken away" if found is None else f"was taken over by {found.holder}"
        return f"this {self.what} was taken for dead: its Lease {self.name} in namespace '{self._namespace}' {taken}"


class DrillLock(Lock):
    """Held by a drill, from before it deploys or loads anything; a second one is refused at once."""

    name, what = NAME, "drill"


class ProcedureLock(Lock):
    """Held by a recovery procedure while it runs. One whose holder died is waited for: somebody must go on with it."""

    name, what = PROCEDURE_NAME, "recovery procedure"

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        holder: str,
        *,
        run: str = "",
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`told` is called with what is waited for, where it is."""
        super().__init__(cluster, namespace, holder, run=run)
        self._told = told

    def _run_out(self) -> Tenure:
        found = first = find_tenure(self._cluster, self._namespace, self.name)
        self._tell_of(first)
        while found is not None and not found.has_run_out and found == first:
            SYSTEM_CLOCK.sleep(1.5 * RENEW_EVERY_S)
            found = find_tenure(self._cluster, self._namespace, self.name)
        if found is None or found != first:  # it is renewed
            raise self._refusal(found)
        return super()._run_out()

    def _tell_of(self, found: Tenure | None) -> None:
        if found is not None and not found.has_run_out:
            self._told(f"whether {found.holder}, since {found.since}, is at work still: up to {found.duration_s:g} s")


def find_tenure(cluster: Cluster, namespace: str, name: str = NAME) -> Tenure | None:
    """Who has the lease, run out or not; None where there is none.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = cluster.find("Lease", name, namespace)
    return None if found is None else Tenure.from_lease(found)


def holder(cluster: Cluster, namespace: str) -> str | None:
    """Who has the lease, if it has not run out.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = find_tenure(cluster, namespace)
    return None if found is None or found.has_run_out else found.holder


def check_held(cluster: Cluster, namespace: str, holder: str) -> None:
    """Let pass whoever acts for the holder of the lease.

    Raises:
        RefusedError: it is another's, or nobody's.
        ClusterError: the cluster does not answer.
    """
    found = find_tenure(cluster, namespace)
    if found is None or found.holder != holder:
        now = "nobody has it" if found is None else f"{found.holder} has it since {found.since}"
        raise RefusedError(f"refused: '{holder}' lost the Lease {NAME} in namespace '{namespace}': {now}")


def renew(cluster: Cluster, namespace: str, holder: str, name: str = NAME) -> None:
    """Renew the lease of a holder. A patch, as an update would make a Lease that is gone anew.

    Raises:
        ApiError: it is another's, or nobody's.
        ClusterError: the cluster does not answer.
    """
    patch = [
        {"op": "test", "path": "/spec/holderIdentity", "value": holder},
        {"op": "replace", "path": "/spec/renewTime", "value": utc_iso(timespec="microseconds")},
    ]
    cluster.patch("Lease", name, namespace, patch, content_type=JSON_PATCH)


def release(cluster: Cluster, namespace: str, holder: str, name: str = NAME) -> None:
    """Give back the lease of a holder, if it is still its.

    Raises:
        ClusterError: the cluster does not answer.
    """
    while (found := find_tenure(cluster, namespace, name)) is not None and found.holder == holder:
        try:
            cluster.delete("Lease", name, namespace, version=found.version)
        except ApiError as error:
            if error.code != 409:  # it was renewed in between
                raise


def release_of_run(cluster: Cluster, namespace: str, run: str, name: str) -> None:
    """Give back a lease that was taken for a run, whoever of it holds it: nobody of the run is there any more.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = find_tenure(cluster, namespace, name)
    if found is not None and found.run == run:
        release(cluster, namespace, found.holder, name)
