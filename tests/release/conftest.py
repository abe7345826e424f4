"""Releases are made here as `python -m torture releases` makes them: torture/ is found from the project's root."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from torture.releasing import Stage

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)


@pytest.fixture
def stage(place: Stage) -> Iterator[Stage]:
    """The shop as it was deployed, with no release under way."""
    place.put_back()
    yield place
    if (left := place.release) is not None and not left.is_over:
        place.muster("rollback", "-f", "-r", "the test is over")
