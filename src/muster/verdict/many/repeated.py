"""A drill that was held several times over: how many succeeded, how long they took, and what that proves.

A success is a drill that is met. One that is unknown is none: nobody saw it succeed. It is no proof of a failure
either, so a claim is missed only where it would be even if each of them had been met.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from muster.verdict.conclusion.words import seconds
from muster.verdict.entry import DrillVerdict
from muster.verdict.many.evidence import (
    CLAIM,
    P95,
    spread_of,
    success_bound,
    success_limit,
    successes_wanted,
    values_wanted,
)
from muster.verdict.verdicts import Verdict


class Outcome(NamedTuple):
    """What one repetition came to; seconds."""

    verdict: Verdict
    rto_s: float | None = None
    rto_high_s: float | None = None

    @classmethod
    def of(cls, entry: DrillVerdict) -> Outcome:
        return cls(entry.verdict, entry.rto.value_s, entry.rto.high_s)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="allow")


class SuccessEntry(_Entry):
    """The rate of success: as it was, and its lower bound with a confidence of 95 %.

    `needed` is how many more repetitions met in a row would prove that the rate is above `claim`. `verdict` is null
    where nobody asked for the claim.
    """

    value: float
    low_95: float
    claim: float
    proved: bool
    needed: int
    verdict: Verdict | None = None


class RtoSpread(_Entry):
    """How the measured RTOs are spread, by nearest rank; of drills that came to met or missed only.

    `p95_high_s` is an upper bound of the P95 of all such recoveries, with a confidence of 95 % whatever their
    distribution; where there is none, `p95_high_why` says what it needs.
    """

    n: int
    unmeasured: int
    min_s: float | None
    median_s: float | None
    p90_s: float | None
    p95_s: float | None
    max_s: float | None
    p95_high_s: float | None
    p95_high_why: str | None


class RepeatEntry(_Entry):
    """All repetitions of a drill that came to an entry; `total` were asked for.

    `reset` says whether the system was deployed anew before each.
    """

    name: str
    total: int
    runs: int
    met: int
    missed: int
    unknown: int
    reset: bool
    success: SuccessEntry
    rto: RtoSpread


def repeats_of(drills: Iterable[DrillVerdict], *, claim: float | None, reset: bool) -> list[RepeatEntry]:
    """An entry for each drill that was repeated, in their order; `claim` where one was asked for."""
    groups: dict[str, list[DrillVerdict]] = {}
    for drill in drills:
        if drill.repetition is not None:
            groups.setdefault(drill.repetition.of, []).append(drill)
    return [
        repeat_of(name, [Outcome.of(drill) for drill in group], total=_total(group), claim=claim, reset=reset)
        for name, group in groups.items()
    ]


def _total(group: Sequence[DrillVerdict]) -> int:
    return max(drill.repetition.total for drill in group if drill.repetition is not None)


def repeat_of(
    name: str, outcomes: Sequence[Outcome], *, total: int, claim: float | None = None, reset: bool
) -> RepeatEntry:
    """What the repetitions of a drill, one at least, come to."""
    verdicts = [outcome.verdict for outcome in outcomes]
    met, missed, unknown = (verdicts.count(verdict) for verdict in (Verdict.MET, Verdict.MISSED, Verdict.UNKNOWN))
    return RepeatEntry(
        name=name,
        total=total,
        runs=len(outcomes),
        met=met,
        missed=missed,
        unknown=unknown,
        reset=reset,
        success=_success(met, missed, len(outcomes), claim),
        rto=_rto(outcomes),
    )


def _success(met: int, missed: int, runs: int, asked: float | None) -> SuccessEntry:
    claim = CLAIM if asked is None else asked
    low = success_bound(met, runs)
    verdict = None
    if asked is not None:
        verdict = Verdict.MET if low > claim else Verdict.UNKNOWN
        if success_limit(runs - missed, runs) < claim:
            verdict = Verdict.MISSED
    return SuccessEntry(
        value=met / runs,
        low_95=low,
        claim=claim,
        proved=low > claim,
        needed=successes_wanted(met, runs, claim),
        verdict=verdict,
    )


def _rto(outcomes: Sequence[Outcome]) -> RtoSpread:
    values = [
        (outcome.rto_s, outcome.rto_high_s)
        for outcome in outcomes
        if outcome.rto_s is not None and outcome.verdict is not Verdict.UNKNOWN
    ]
    spread = spread_of(values, len(outcomes) - len(values))
    return RtoSpread(
        n=spread.measured,
        unmeasured=spread.unmeasured,
        min_s=spread.min,
        median_s=spread.median,
        p90_s=spread.p90,
        p95_s=spread.p95,
        max_s=spread.max,
        p95_high_s=spread.p95_high,
        p95_high_why=None if spread.p95_high is not None else _why_unbounded(len(outcomes)),
    )


def _why_unbounded(runs: int) -> str:
    needed = values_wanted(P95)
    return f"needs {needed}" if runs < needed else "too many have no figure"


def percent(ratio: float) -> str:
    """A ratio in percent, cut off and not rounded: never more than there is evidence for."""
    return f"{int(ratio * 1000 + 1e-9) / 10:g} %"


def evidence_lines(entry: RepeatEntry) -> list[str]:
    """Two lines for a tired person: how many recovered and what that proves, and how long they took."""
    return [success_line(entry), rto_line(entry)]


def success_line(entry: RepeatEntry) -> str:
    """`db_failure: 10 of 10 met; with 95 % confidence at least 74.1 % recover; to claim more than 95 %: ...`."""
    success = entry.success
    others = "".join(f", {count} {name}" for name in ("missed", "unknown") if (count := getattr(entry, name)))
    claim = percent(success.claim)
    if success.proved:
        shown = f"so more than {claim} do"
    elif entry.met == entry.runs:
        shown = f"to claim more than {claim}: {values_wanted(success.claim)} in a row, {success.needed} more"
    else:
        shown = f"to claim more than {claim}: {success.needed} more met in a row"
    asked = f" (asked for: {entry.total})" if entry.runs < entry.total else ""
    said = f"{entry.name}: {entry.met} of {entry.runs} met{others}{asked}"
    if not entry.met:
        return f"{said}; none of them shows a recovery; {shown}"
    return f"{said}; with 95 % confidence at least {percent(success.low_95)} recover; {shown}"


def rto_line(entry: RepeatEntry) -> str:
    """`RTO of 10: 0.85 to 1.21 s, median 0.90 s, P90 1.10 s, P95 1.21 s; upper bound of the P95 needs 59`."""
    rto = entry.rto
    without = f", {rto.unmeasured} without a figure" if rto.unmeasured else ""
    reset = "" if entry.reset else "; the system was not reset between them"
    values = (rto.min_s, rto.max_s, rto.median_s, rto.p90_s, rto.p95_s)
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return f"no RTO was measured{without}{reset}"
    low, high, median, p90, p95 = map(seconds, known)
    spread = f"RTO of {rto.n}: {low} to {high} s, median {median} s, P90 {p90} s, P95 {p95} s{without}"
    if rto.p95_high_s is None:
        return f"{spread}; an upper bound of the P95: {rto.p95_high_why}{reset}"
    return (
        f"{spread}; with 95 % confidence the P95 of all such recoveries is at most {seconds(rto.p95_high_s)} s{reset}"
    )
