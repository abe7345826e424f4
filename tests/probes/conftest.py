"""What tests of the prober share."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.base.timeline import Timeline


@pytest.fixture
def timeline(tmp_path: Path) -> Path:
    """A timeline with its first line."""
    path = tmp_path / "timeline.jsonl"
    Timeline.start(path, run="run", drill="drill").close()
    return path
