"""What tests of the prober share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from muster.base.timeline import Timeline


@pytest.fixture
def timeline(tmp_path: Path) -> Path:
    """A timeline with its first line."""
    path = tmp_path / "timeline.jsonl"
    Timeline.start(path, run="run", drill="drill").close()
    return path


@pytest.fixture(params=["asyncio", "uvloop"])
def either_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Once with each of the event loops that the prober may run on."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy() if request.param == "uvloop" else None)
    yield
    asyncio.set_event_loop_policy(None)
