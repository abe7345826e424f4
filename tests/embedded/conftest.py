"""A real embedded cluster for each test process, and a namespace of its own for each test."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster.base.waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

from embedded_support import Running, running_cluster


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make torture` asks for many; what `make test` runs is enough to notice a fault of a common kind."""
    parser.addoption("--fuzz", type=int, default=3000, metavar="N", help="send so many generated requests to the API")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One cluster for the tests of this process."""
    with running_cluster(tmp_path_factory.mktemp("cluster") / "state", f"test-{os.getpid()}") as running:
        yield running


_numbers = itertools.count()


@pytest.fixture
def namespace(cluster: Running) -> Iterator[str]:
    """A new, furnished namespace; what is left in it goes with it."""
    name = f"test-{next(_numbers)}"
    assert cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})[0] == 201
    wait_for(
        lambda: cluster.call("GET", f"/api/v1/namespaces/{name}/configmaps/kube-root-ca.crt")[0] == 200,
        within=10,
        reason="the namespace to be furnished",
    )
    yield name
    cluster.call("DELETE", f"/api/v1/namespaces/{name}")
