"""What releases say over time: how many, how many were rolled back, how soon, and how many incidents that prevented.
Pure.

Rehearsals (on the embedded cluster, or with shortened bakes) and releases in earnest are never added up, and what is
promised of the way back is judged of those in earnest alone.

An incident counts as prevented where a release was rolled back by itself for what was seen of the new version (a
trigger of the analysis was passed, its pods crashed or answered wrongly, a write was lost), before it had all the
traffic, and while no larger a share of all requests failed than the share of traffic that the new version had. A
person's abort or rollback is none, for a person saw it; neither is a release that was rolled back because nothing could
be seen, because a step failed or somebody changed what was shared. Where the share that failed is not known it is none.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence

from muster.incidents.indicators import Indicator
from muster.release.returning import WITHIN_S
from muster.released.facts import KeptRelease, LookFacts

AIM_S = 5.0  # that the median of rollbacks is to stay below
ENDED = ("released", "rolled back", "failed")
BY_ITSELF = ("trigger", "check")
EVIDENCE = ("cluster", "rehearsal")
Looks = Callable[[str], Sequence[LookFacts]]


def release_indicators(releases: Sequence[KeptRelease], looks: Looks) -> list[Indicator]:
    """The indicators of releases; `looks` finds those of one by its id. Of a kind of evidence without a release
    nothing is told."""
    return [
        one
        for evidence in EVIDENCE
        for one in _of([release for release in releases if release.evidence == evidence], evidence, looks)
    ]


def is_prevented(release: KeptRelease, looks: Sequence[LookFacts]) -> bool:
    """Whether its rollback prevented an incident, as it is defined above."""
    if release.state != "rolled back" or release.cause not in BY_ITSELF or not looks:
        return False
    last = {look.phase: look for look in looks if look.hurt is not None}
    if last.keys() != {look.phase for look in looks}:
        return False
    return all(look.share < 1 and (look.hurt or 0.0) <= look.share for look in last.values())


def _of(releases: Sequence[KeptRelease], evidence: str, looks: Looks) -> Iterator[Indicator]:
    if not releases:
        return
    about = " (rehearsal)" if evidence == "rehearsal" else ""
    promised = (AIM_S, WITHIN_S) if evidence == "cluster" else (None, None)
    ended = [one for one in releases if one.state in ENDED]
    back = [one for one in ended if one.state == "rolled back"]
    took = [one.back_s for one in releases if one.back_s is not None]
    prevented = sum(is_prevented(one, looks(one.id)) for one in back)
    share = len(back) / len(ended) if ended else None
    yield _plain("releases", f"that were begun{about}", len(releases), "count", len(releases))
    yield _plain("rolled back", f"of the releases that have ended{about}", share, "ratio", len(ended))
    taken = (statistics.median(took), max(took)) if took else (None, None)
    what = f"from the decision until all traffic was seen on the old version{about}"
    for name, value, target in zip(("median", "worst"), taken, promised, strict=True):
        yield Indicator(f"rollback {name}", what, value, "s", target, "below", len(took))
    what = f"incidents: rolled back by itself while few were hurt{about}"
    yield _plain("prevented", what, prevented, "count", len(back))


def _plain(name: str, what: str, value: float | None, unit: str, of: int) -> Indicator:
    return Indicator(name, what, value, unit, None, "below", of)
