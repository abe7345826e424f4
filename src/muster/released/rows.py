"""From a release's record, and what was seen of it, to rows of the tables, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from muster.base.clock import utc_iso
from muster.released.facts import EventFacts, KeptRelease, LookFacts, SideFacts

if TYPE_CHECKING:
    from muster.analysis import Decision, Latency, Look, Side
    from muster.release.record import Release
    from muster.release.returning import Returned

SIDES = ("stable", "canary")
FIGURES = ("requests", "failed", "p95_s")
SAME = ("id", "system", "namespace", "evidence", "release", "state", "why", "cause", "host", "epoch")
PLAIN = ("at", "phase", "at_s", "share", "decision", "why")
JSON = ("images", "roles", "database", "returned")
LONGEST = 255  # of names, as the tables have them
MANY = 0.95


def release_row(release: Release, cluster: str, returned: Returned | None) -> dict[str, Any]:
    """A release as it is now; `cluster` is what the store calls the cluster."""
    phase, share = _place(release)
    return {
        **{name: getattr(release, name) for name in SAME},
        "phase": phase,
        "cluster": cluster,
        **{name: getattr(release, name)[:LONGEST] for name in ("version", "stable", "by")},
        "images": json.dumps(release.images),
        "began": release.began,
        "ended": release.ended or None,
        "share": share,
        "way": release.share.way,
        "time_scale": release.time_scale,
        "roles": json.dumps(release.roles, ensure_ascii=False),
        "database": None if release.database is None else release.database.model_dump_json(),
        "backup": release.backup or None,
        "returned": None if returned is None else json.dumps(returned.to_json(), ensure_ascii=False),
        "told": utc_iso(),
    }


def _place(release: Release) -> tuple[str, float]:
    """The phase that it is in and its share of traffic; of one that is taken back, where it was when it had traffic."""
    if release.state not in ("rolling back", "rolled back"):
        return release.phase, release.share.possible
    places = [(one.phase, one.share) for one in release.events if one.phase not in ("", "end")]
    had = [place for place in places if place[1] > 0]
    return next(iter((had or places)[-1:]), (release.phase, release.share.possible))


def release_of(row: Mapping[str, Any]) -> KeptRelease:
    """A release as it was kept."""
    return KeptRelease(**{**row, **{name: json.loads(row[name]) if row[name] else None for name in JSON}})


def event_rows(release: Release) -> list[dict[str, Any]]:
    """What happened to a release, as far as its record knows it still."""
    return [{"release_id": release.id, **one.model_dump()} for one in release.events]


def event_of(row: Mapping[str, Any]) -> EventFacts:
    """Something that happened to a release."""
    return EventFacts(**row)


def look_facts(decision: Decision, look: Look) -> LookFacts:
    """What is kept of a look, and of what was decided after it."""
    return LookFacts(
        at=look.utc or utc_iso(),
        phase=look.phase,
        at_s=round(look.at_s, 3),
        share=look.share,
        decision=str(decision.action),
        why=decision.why,
        stable=_side(look.stable),
        canary=_side(look.canary),
        triggers=tuple(
            {"name": one.trigger, "verdict": str(one.verdict), "why": one.reason} for one in decision.judgements
        ),
    )


def look_row(release_id: str, look: LookFacts) -> dict[str, Any]:
    """A look as the table has it."""
    sides = {f"{side}_{name}": getattr(getattr(look, side), name) for side in SIDES for name in FIGURES}
    plain = {name: getattr(look, name) for name in PLAIN}
    return {"release_id": release_id, **plain, **sides, "triggers": json.dumps(look.triggers, ensure_ascii=False)}


def look_of(row: Mapping[str, Any]) -> LookFacts:
    """A look as it was kept."""
    stable, canary = (SideFacts(*(row[f"{side}_{name}"] for name in FIGURES)) for side in SIDES)
    plain = {name: row[name] for name in PLAIN}
    return LookFacts(**plain, stable=stable, canary=canary, triggers=tuple(json.loads(row["triggers"])))


def _side(side: Side) -> SideFacts:
    return SideFacts(side.requests, side.failed, None if side.latency is None else p95(side.latency))


def p95(latency: Latency) -> float | None:
    """How many seconds 95 % of requests took at the most, by the straight line between the bounds of the bucket that it
    falls into; the largest bound where it lies beyond that. None where there was no request, or the counts make no
    sense."""
    wanted = latency.count * MANY
    below, least = 0.0, 0.0
    if not wanted > 0:
        return None
    for bound, within in zip(latency.bounds_s, latency.at_most, strict=False):
        if within >= wanted:
            part = (wanted - below) / (within - below)
            return round(least + (bound - least) * part, 6)
        below, least = within, bound
    return latency.bounds_s[-1] if latency.bounds_s else None
