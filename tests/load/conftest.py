"""What tests of loads share."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.base.timeline import Timeline


@pytest.fixture
def timeline(tmp_path: Path) -> Path:
    """A timeline that a load can append to."""
    path = tmp_path / "timeline.jsonl"
    Timeline.start(path, run="run", drill="drill").close()
    return path
