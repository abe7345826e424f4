"""The reference system for procedures that need all of it: one for the tests of a worker, which follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .deployed import Deployed
from .entitled import entitled
from .reference import Reference

__all__ = ["deployed", "entitled", "reference"]

HERE = Path(__file__).parent
DEPLOYED = pytest.StashKey[Deployed]()
# The one wants a system that nobody has touched; what the other leaves is not put back, but deployed anew.
FIRST, LAST = "test_on_a_healthy_system.py", "test_full_restart.py"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the tests of this folder that need the system run one after the other, in the order that costs least."""
    places = [number for number, item in enumerate(items) if item.path.parent == HERE]
    own = sorted((items[number] for number in places), key=turn)
    for number, item in zip(places, own, strict=True):
        items[number] = item


def turn(item: pytest.Item) -> tuple[bool, bool, bool]:
    return not needs_system(item), item.path.name == LAST, item.path.name != FIRST


def needs_system(item: pytest.Item) -> bool:
    return "deployed" in getattr(item, "fixturenames", ())


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Take the system away where the next test does not need it: its agents and databases are never idle."""
    if DEPLOYED in item.config.stash and not (nextitem and needs_system(nextitem)):
        item.config.stash[DEPLOYED].close()


@pytest.fixture(scope="session")
def deployed(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The system of this worker."""
    pytestconfig.stash[DEPLOYED] = found = Deployed(tmp_path_factory.mktemp("deployed"))
    yield found
    found.close()


@pytest.fixture
def reference(deployed: Deployed, tmp_path: Path) -> Reference:
    """The system, whole and as its manifests say, whatever tests before did to it."""
    return deployed.take(tmp_path)
