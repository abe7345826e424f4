"""Releases for machines, as JSON (schemas `muster/releases/v1` and `muster/kept-release/v1`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from muster.released.facts import EventFacts, KeptRelease, LookFacts


def as_json(releases: Sequence[KeptRelease]) -> dict[str, Any]:
    """Releases, without what happened to each."""
    return {"schema": "muster/releases/v1", "releases": [asdict(one) for one in releases]}


def whole_json(release: KeptRelease, events: Sequence[EventFacts], looks: Sequence[LookFacts]) -> dict[str, Any]:
    """One release, with all that is on record of it."""
    told = {"events": [asdict(one) for one in events], "looks": [asdict(one) for one in looks]}
    return {"schema": "muster/kept-release/v1", **asdict(release), **told}
