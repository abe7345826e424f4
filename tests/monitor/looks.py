"""Looks at a shop whose service answers, or does not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muster.monitor.look import Look, Sighting
from muster.monitor.memory import Memory
from muster.snapshot import Missing, Snapshot

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYSTEM = {"name": "shop", "namespace": "shop", "service": {"name": "web", "port": 80}}


def at(number: int) -> str:
    """When the look of that number was made."""
    return (BEGAN + timedelta(seconds=15 * number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def snapshot(number: int, *, fails: int = 0, missing: Iterable[str] = ()) -> Snapshot:
    """What is seen where `fails` of three requests fail, and some parts are missing."""
    gone = tuple(Missing(what, "the cluster does not answer") for what in missing)
    said = {"asked": 3, "troubles": ["error: 500"] * fails, "slowest_s": 0.1, "hides": False, "url": "http://web"}
    answers = {} if "service" in missing else {"service": said}
    return Snapshot(at(number), "shop", system=SYSTEM, answers=answers, missing=gone)


def look(number: int, *, blind: Iterable[str] = (), drill: str | None = None, **wrong: str) -> Look:
    """A look that sees objects to be wrong, each as severe as said; `blind` are checks that saw nothing."""
    seen = {
        name: Sighting(severity, f"{name} is wrong", "", cause=f"Pod/{name}", check="pods")
        for name, severity in wrong.items()
    }
    return Look(at(number), seen, {"pods": "fine"}, drill=drill, _blind=frozenset(blind))


def memory(folder: Path) -> Memory:
    """The memory of the shop's monitor, in a store below a folder."""
    return Memory.open(str(folder / "history.sqlite"), folder, create=True).of("shop", "staging")
