"""What incidents say over time: how soon they are seen, taken up and over, how often they come. Pure.

Means are over incidents in earnest, drills are told apart. MTTD: from the beginning to the detection; MTTA: from the
opening to the acknowledgement; MTTR: from the beginning until service is restored; MTBF: the time in which service was
not down by the number of times that it went down (mean operating time between failures, IEC 60050-192); availability:
the share of the time in which it was not down. Service counts as down during an incident of severity P1 or P2; where
none is on record that proves nothing, and the last two are unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from muster.incidents.incident import Incident, moment, span
from muster.objectives.severity import SEVERITIES, severity_targets
from muster.verdict.many.evidence import success_bound

MTTD_S, MTTA_S, MTBF_S = 300.0, 600.0, 720 * 3600.0
SHORTEST_S = 24 * 3600.0  # of a record, before a share of it says anything
AVAILABILITY, RECOVERED = 0.9995, 0.95
DOWN = ("P1", "P2")


@dataclass(frozen=True)
class Indicator:
    """A figure against its target; `value` is None where there was nothing to compute it of.

    `unit` is `s`, `ratio` or `count`; `better` says which way the target lies (`below`, `above`); `bound` is how sure
    it is: the value that it exceeds with 95 % confidence, where that can be told; `of` counts what it was computed of.
    """

    name: str
    what: str
    value: float | None
    unit: str
    target: float | None
    better: str
    of: int
    bound: float | None = None

    def in_unit(self, value: float) -> str:
        """A value of this indicator for people."""
        if self.unit == "count":
            return f"{value:.0f}"
        return f"{value:.3%}" if self.unit == "ratio" else span(value)

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or `unknown` where there is no value, no target, or too little to be sure of."""
        if self.value is None or self.target is None:
            return "unknown"
        sure = self.value if self.bound is None else self.bound
        good = self.value < self.target if self.better == "below" else sure >= self.target
        if good:
            return "met"
        missed = self.value >= self.target if self.better == "below" else self.value < self.target
        return "missed" if missed else "unknown"


def indicators(
    incidents: Iterable[Incident], drills: Sequence[str], since: datetime, until: datetime
) -> list[Indicator]:
    """The indicators of a system over a time; `drills` are the verdicts of its drills in it.

    Incidents that were opened outside of the time are left out; one that lasts still is down until its end.
    """
    earnest = [one for one in incidents if one.drill is None and since <= moment(one.opened) < until]
    down = [one for one in earnest if one.severity in DOWN]
    period_s = (until - since).total_seconds()
    down_s = _covered(down, since, until)
    found = [
        _mean("MTTD", "from the beginning to the detection", _between(_told(earnest), "began", "detected"), MTTD_S),
        _mean("MTTA", "from the opening to the acknowledgement", _between(earnest, "opened", "acknowledged"), MTTA_S),
    ]
    promised = earnest[-1].promises if earnest else {}
    for severity in SEVERITIES:
        targets = severity_targets(severity, promised)
        lasted = _between([one for one in earnest if one.severity == severity], "began", "resolved")
        if targets.mttr_s is not None or lasted:
            found.append(_mean(f"MTTR {severity}", "from the beginning until it is over", lasted, targets.mttr_s))
    # A record that is younger than the target cannot show that it is kept, nor that it is not.
    between = (period_s - down_s) / len(down) if down and period_s >= MTBF_S else None
    found.append(
        Indicator("MTBF", "in service between two failures (P1, P2)", between, "s", MTBF_S, "above", len(down))
    )
    share = 1 - down_s / period_s if down and period_s >= SHORTEST_S else None
    found.append(Indicator("availability", "time not down (P1, P2)", share, "ratio", AVAILABILITY, "above", len(down)))
    return [*found, _recovered(drills)]


def watched_since(since: datetime, incidents: Iterable[Incident], drills: Iterable[str]) -> datetime:
    """From when on anything is on record, at the earliest `since`: what nobody wrote down was not without trouble.

    `drills` are the times of all drills (ISO 8601).
    """
    first = min([*(moment(one.began) for one in incidents), *(moment(at) for at in drills)], default=since)
    return max(since, first)


def _mean(name: str, what: str, values: Sequence[float], target: float | None) -> Indicator:
    value = sum(values) / len(values) if values else None
    return Indicator(name, what, value, "s", target, "below", len(values))


def _recovered(verdicts: Sequence[str]) -> Indicator:
    """Of drills, as what is rehearsed is what is run in earnest; unknown ones are no trials."""
    met, missed = verdicts.count("met"), verdicts.count("missed")
    tried = met + missed
    value, bound = (met / tried, success_bound(met, tried)) if tried else (None, None)
    return Indicator("recovery success", "drills that were met", value, "ratio", RECOVERED, "above", tried, bound)


def _told(incidents: Iterable[Incident]) -> list[Incident]:
    """Those of which it is told when they began: of the others it would seem that they were seen at once."""
    return [one for one in incidents if one.began != one.detected]


def _between(incidents: Iterable[Incident], since: str, until: str) -> list[float]:
    return [seconds for one in incidents if (seconds := one.seconds(since, until)) is not None]


def _covered(incidents: Iterable[Incident], since: datetime, until: datetime) -> float:
    """Seconds of the time in which at least one of them lasted."""
    spans = sorted(
        (max(moment(one.began), since), min(moment(one.resolved) if one.resolved else until, until))
        for one in incidents
    )
    covered, reached = timedelta(), since
    for first, last in spans:
        covered += max(last - max(first, reached), timedelta())
        reached = max(reached, last)
    return covered.total_seconds()
