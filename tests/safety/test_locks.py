"""One drill at a time in a namespace, and none for ever."""

from __future__ import annotations

import pytest

from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.safety import DrillLock, locks


def lease(cluster: Cluster, namespace: str) -> dict[str, str]:
    spec: dict[str, str] = cluster.get("Lease", locks.NAME, namespace)["spec"]
    return spec


def test_a_second_drill_is_refused_while_the_first_is_at_work(cluster: Cluster, namespace: str) -> None:
    with DrillLock(cluster, namespace, "first (sam)"):
        with pytest.raises(RefusedError, match=r"another drill is at work .*: first \(sam\)"):
            DrillLock(cluster, namespace, "second").__enter__()
        assert lease(cluster, namespace)["holderIdentity"] == "first (sam)"
    with DrillLock(cluster, namespace, "second"):
        assert lease(cluster, namespace)["holderIdentity"] == "second"
    assert cluster.find("Lease", locks.NAME, namespace) is None


def test_a_lock_is_renewed_while_it_is_held(cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "RENEW_EVERY_S", 0.05)
    with DrillLock(cluster, namespace, "first"):
        taken = lease(cluster, namespace)
        wait_for(
            lambda: lease(cluster, namespace)["renewTime"] > taken["renewTime"],
            within=30,
            reason="the lock to be renewed",
        )
        assert lease(cluster, namespace)["acquireTime"] == taken["acquireTime"]


def test_a_lock_that_ran_out_is_taken_over(cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "RENEW_EVERY_S", 0.05)
    leave_behind(cluster, namespace)
    with DrillLock(cluster, namespace, "second"):
        assert lease(cluster, namespace)["holderIdentity"] == "second"


def test_a_lock_that_is_renewed_after_all_is_not_taken_over(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other machine's clock is behind ours: its lease looks as if it had run out."""
    leave_behind(cluster, namespace)

    def renew(_seconds: float) -> None:
        patch = {"spec": {"renewTime": "2020-01-01T00:00:03.000000Z"}}
        cluster.patch("Lease", locks.NAME, namespace, patch)

    monkeypatch.setattr(locks.SYSTEM_CLOCK, "sleep", renew)
    with pytest.raises(RefusedError, match="another drill is at work"):
        DrillLock(cluster, namespace, "second").__enter__()
    assert lease(cluster, namespace)["holderIdentity"] == "dead"


def test_only_the_holder_gives_it_back(cluster: Cluster, namespace: str) -> None:
    with DrillLock(cluster, namespace, "first"):
        locks.release(cluster, namespace, "second")
        assert lease(cluster, namespace)["holderIdentity"] == "first"


def leave_behind(cluster: Cluster, namespace: str) -> None:
    """The lease of a drill that died long ago."""
    old = "2020-01-01T00:00:00.000000Z"
    spec = {"holderIdentity": "dead", "leaseDurationSeconds": 15, "acquireTime": old, "renewTime": old}
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": locks.NAME}, "spec": spec}
    cluster.create(body, namespace)
