"""An embedded cluster, and a namespace of it for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from muster.kube import Cluster, EmbeddedCluster, connect


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster of this worker's own."""
    with EmbeddedCluster.start() as embedded, connect(embedded.kubeconfig, embedded=True) as cluster:
        yield cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that is opted in to drills."""
    name = f"test-{secrets.token_hex(4)}"
    metadata = {"name": name, "labels": {"muster.dev/drills": "allowed"}}
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield name
    cluster.delete("Namespace", name)
