"""Makes a test item of each repetition of a drill (`--repeat N`)."""

from __future__ import annotations

import pytest

from muster.plugin.run import RUN

PARAMETER = "repetition"


@pytest.fixture
def repetition(request: pytest.FixtureRequest) -> str | None:
    """Which repetition of its drill a test is (`--repeat`): `3-of-59`; None where each drill is held once."""
    told: str | None = getattr(request, "param", None)
    return told


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each repetition of a drill; last of all, so that they follow each other."""
    total = metafunc.config.stash[RUN].options.repeat
    if total is None or metafunc.definition.get_closest_marker("drill") is None:
        return
    if PARAMETER not in metafunc.fixturenames:
        metafunc.fixturenames.append(PARAMETER)
    names = [f"{number}-of-{total}" for number in range(1, total + 1)]
    metafunc.parametrize(PARAMETER, names, ids=names, indirect=True)
