"""One drill at a time in a namespace: a Lease that its holder renews, and that runs out when the holder dies."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from muster.base.background import Background
from muster.base.clock import SYSTEM_CLOCK, utc, utc_iso
from muster.base.errors import ClusterError, RefusedError
from muster.kube import ApiError, Cluster
from muster.wire.names import MANAGED_BY_LABEL, MANAGED_BY_VALUE

NAME = "muster-drill"
DURATION_S = 15
RENEW_EVERY_S = 3.0


class DrillLock:
    """The namespace's lease. A context manager: entering takes it, leaving gives it back."""

    def __init__(self, cluster: Cluster, namespace: str, holder: str) -> None:
        """`holder` says who has it: people read it when they are refused."""
        self._cluster, self._namespace, self._holder = cluster, namespace, holder
        self._renewing = Background(self._keep, name="drill lock")

    def __enter__(self) -> Self:
        """Take the lease.

        Raises:
            RefusedError: another drill has it.
            ClusterError: the cluster does not answer.
        """
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
            release(self._cluster, self._namespace, self._holder)

    def _take_over(self) -> None:
        """Take a lease that has run out.

        Whether it has is told by two clocks, which may disagree; so it must also not have been renewed while we look.
        """
        found = self._cluster.get("Lease", NAME, self._namespace)
        if not _has_run_out(found):
            raise self._refusal(found)
        SYSTEM_CLOCK.sleep(1.5 * RENEW_EVERY_S)
        lease = self._lease()
        lease["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
        try:
            self._cluster.replace(lease, self._namespace)
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
            raise self._refusal(found) from error

    def _refusal(self, found: dict[str, Any]) -> RefusedError:
        holder = found["spec"].get("holderIdentity", "somebody")
        return RefusedError(
            f"refused: another drill is at work in namespace '{self._namespace}': {holder}, "
            f"since {found['spec'].get('acquireTime', 'some time')}; should it be dead, its Lease {NAME} runs out "
            f"after {found['spec'].get('leaseDurationSeconds', DURATION_S)} s"
        )

    def _lease(self) -> dict[str, Any]:
        now = utc_iso(timespec="microseconds")
        spec = {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": DURATION_S,
            "acquireTime": now,
            "renewTime": now,
        }
        metadata = {"name": NAME, "labels": {MANAGED_BY_LABEL: MANAGED_BY_VALUE}}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}

    def _keep(self) -> None:
        while not self._renewing.pause(RENEW_EVERY_S):
            # A cluster that does not answer now may do so in time for the next renewal.
            with contextlib.suppress(ClusterError):
                patch = {"spec": {"renewTime": utc_iso(timespec="microseconds")}}
                self._cluster.patch("Lease", NAME, self._namespace, patch)


def holder(cluster: Cluster, namespace: str) -> str | None:
    """Who has the lease, if it has not run out.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = cluster.find("Lease", NAME, namespace)
    return None if found is None or _has_run_out(found) else str(found["spec"].get("holderIdentity", "somebody"))


def release(cluster: Cluster, namespace: str, holder: str) -> None:
    """Give back the lease of a holder, if it is still its.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = cluster.find("Lease", NAME, namespace)
    if found is not None and found["spec"].get("holderIdentity") == holder:
        cluster.delete("Lease", NAME, namespace)


def _has_run_out(lease: dict[str, Any]) -> bool:
    spec = lease["spec"]
    renewed = datetime.fromisoformat(spec["renewTime"])
    return utc() - renewed > timedelta(seconds=float(spec.get("leaseDurationSeconds", DURATION_S)))
