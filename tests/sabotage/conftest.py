"""The drills that the tests of one module sabotage are held in one session: see `holding.py`."""

from __future__ import annotations

import pytest
from tests.conftest import shared_directory

from .holding import Sabotaged, hold_once

MARKER = "sabotage(sabotage, drill): the drill that a test holds, and how it is sabotaged (tests/sabotage/saboteurs.py)"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("sabotage"):
            item.add_marker(pytest.mark.whole_machine)


@pytest.fixture
def sabotaged(request: pytest.FixtureRequest, machine: None, tmp_path_factory: pytest.TempPathFactory) -> Sabotaged:
    """What came of the drill that the test's marker names."""
    module = request.node.getparent(pytest.Module)
    beside = [item for item in request.session.items if item.getparent(pytest.Module) is module]
    markers = [marker for item in beside if (marker := item.get_closest_marker("sabotage"))]
    cases = sorted({(str(marker.kwargs["drill"]), str(marker.args[0])) for marker in markers})
    home = shared_directory(tmp_path_factory) / "sabotaged" / module.path.stem
    own = request.node.get_closest_marker("sabotage")
    held = hold_once(home, cases, getattr(request.module, "arrange", None))
    return held[f"{own.kwargs['drill']}-{own.args[0]}"]
