"""A snapshot of a cluster that answers holds all that is asked of it."""

from __future__ import annotations

from muster.diagnosis import diagnose
from muster.kube import Cluster
from muster.snapshot.gather import gather


def test_a_namespace_without_trouble_has_no_finding(cluster: Cluster, namespace: str) -> None:
    snapshot = gather(lambda: cluster, namespace=namespace, within=20)
    diagnosis = diagnose(snapshot)
    assert (diagnosis.causes, diagnosis.unknown) == ((), ())
    assert {"Pod", "Service", "ConfigMap", "Node"} <= snapshot.listed
