"""The drills that the tests of many modules sabotage are held in one session: see `holding.py`."""

from __future__ import annotations

import pytest
from tests.conftest import shared_directory

from .drawing import Held, draw
from .holding import Sabotaged, hold_once

MARKER = "sabotage(sabotage, drill): the drill that a test holds, and how it is sabotaged (tests/sabotage/saboteurs.py)"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    drills = {item: drill for item in items if (drill := held_by(item))}
    for item in drills:
        item.add_marker(pytest.mark.whole_machine)
    wanted = config.option.sabotages
    if wanted is not None:
        drawn = draw(drills.values(), wanted, config.option.sabotage_seed)
        left_out = [item for item, drill in drills.items() if drill not in drawn]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def sabotaged(request: pytest.FixtureRequest, machine: None, tmp_path_factory: pytest.TempPathFactory) -> Sabotaged:
    """What came of the drill that the test's marker names."""
    own = held_by(request.node)
    assert own is not None, "a test that asks for what came of a sabotaged drill names it by the marker `sabotage`"
    session = session_of(request.node)
    held = {held_by(item) for item in request.session.items if session_of(item) == session}
    cases = sorted({(one.drill, one.sabotage) for one in held if one is not None})
    home = shared_directory(tmp_path_factory) / "sabotaged" / session
    return hold_once(home, cases, getattr(request.module, "arrange", None))[f"{own.drill}-{own.sabotage}"]


def session_of(item: pytest.Item) -> str:
    """The session that a test's drill is held in: with those of other modules, as a session costs two clusters and two
    systems, unless its module arranges the project for its own drills or has them `ALONE`."""
    module = getattr(item, "module", None)
    return item.path.stem if hasattr(module, "arrange") or hasattr(module, "ALONE") else "together"


def held_by(item: pytest.Item) -> Held | None:
    """The sabotaged drill that a test is about."""
    marker = item.get_closest_marker("sabotage")
    return Held(item.path.stem, str(marker.kwargs["drill"]), str(marker.args[0])) if marker else None
