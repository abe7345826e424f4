"""An outbox, places to send to, and a clock that can be put on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muster.notices import Outbox
from muster.notices.testing import LocalReceiver


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open("store.sqlite", tmp_path, create=True) as opened:
        yield opened


@pytest.fixture
def there() -> Iterator[LocalReceiver]:
    with LocalReceiver() as receiver:
        yield receiver


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Puts the time of day on by so many seconds."""
    ahead = [0.0]

    def put_on(seconds: float) -> None:
        ahead[0] += seconds

    monkeypatch.setattr("muster.base.clock.utc", lambda: datetime.now(UTC) + timedelta(seconds=ahead[0]))
    return put_on
