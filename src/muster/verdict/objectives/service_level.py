"""What a drill says of a service level that holds over weeks: what it cost of the error budget, and burn-rate alerts.

A month's availability is never judged by one drill. What one drill can say of it:

- What it cost: the bad requests from the injection until the load stopped, as a share of those that the period allows,
  had it the drill's own rate throughout. That is information, unless the objective says how much a drill may cost.
- Whether an alert on the burn rate would have fired, from the injection on: information, unless the alert is to be
  judged `during` a drill. A lookback longer than was watched leaves that open in part
  (`muster.verdict.objectives.burn`).
- Whether the budget goes on burning as fast as that alert minds once service is good again (`after`): judged. It takes
  fewer samples than the objective itself, as it asks for less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from muster.objectives import BurnAlert, Objective
from muster.objectives.objective import samples_for
from muster.verdict.entry import SloEntry
from muster.verdict.objectives.burn import Burn, goes_on, would_fire
from muster.verdict.reading.occurrences import Occurrences
from muster.verdict.verdicts import Verdict

Span = tuple[float, float]
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Spans:
    """The windows of a drill in CLOCK_MONOTONIC seconds; None where there was no such time. `drill` lasts from the
    injection until the load stopped."""

    before: Span | None
    during: Span | None
    after: Span | None
    drill: Span | None

    def named(self, window: str) -> Span | None:
        """One of them by its name."""
        return {"before": self.before, "during": self.during, "after": self.after}.get(window, self.drill)

    @property
    def watched_since(self) -> float | None:
        """From when on the load was looked at: from the steady state, or else from the injection."""
        first = self.before or self.drill
        return None if first is None else first[0]


def cost_entries(
    objective: Objective, windows: Spans, seen: Occurrences, *, over: bool, required: bool
) -> list[SloEntry]:
    """The share of the period's error budget that the drill cost; nothing where there is no such budget.

    `over` says whether the disruption has an end: one that goes on may cost more.
    """
    if objective.period_s is None or not objective.allowed:
        return []
    most = objective.budget_share
    entry = SloEntry(
        name=objective.entry_of("budget"),
        measure="budget_share",
        window="drill",
        target=1.0 if most is None else most,
        at_most=True,
    )
    share, span = None, windows.drill
    budget_s = objective.allowed * objective.period_s
    if span is not None:
        bad, entry.samples = seen.ratio(*span)
        # So many that one failure more does not decide.
        needed = (span[1] - span[0]) / (budget_s * entry.target) if budget_s * entry.target else math.inf
        entry.samples_needed = max(1, math.ceil(needed)) if math.isfinite(needed) else None
        if bad is not None:
            out_s = bad * (span[1] - span[0])
            share = out_s / budget_s
            entry.value = _rounded(share)
            of = f"{lasting(budget_s)} in {lasting(objective.period_s)}"
            entry.why = f"as much as {lasting(out_s)} of full outage, of {of}"
    if most is not None and required:
        _judge_cost(entry, share, over=over)
    return [entry]


def _judge_cost(entry: SloEntry, share: float | None, *, over: bool) -> None:
    if share is not None and share > entry.target:
        entry.verdict = Verdict.MISSED
    elif share is None or entry.samples_needed is None or entry.samples < entry.samples_needed:
        needed = "no number is enough" if entry.samples_needed is None else f"{entry.samples_needed} needed"
        entry.verdict, entry.why = Verdict.UNKNOWN, f"{entry.samples} samples, {needed}"
    else:
        entry.verdict = Verdict.MET if over else Verdict.UNKNOWN
        entry.why = entry.why if over else "service was not seen good again"


def burn_entries(objective: Objective, windows: Spans, seen: Occurrences, *, required: bool) -> Iterator[SloEntry]:
    """Two entries for each burn-rate alert: would it have fired, and does the budget go on burning like that."""
    for alert in objective.burn_alerts:
        yield _fired(objective, alert, windows, seen, judged=required and "during" in alert.windows)
        yield _went_on(objective, alert, windows, seen, judged=required and "after" in alert.windows)


def _entry(objective: Objective, alert: BurnAlert, window: str) -> SloEntry:
    return SloEntry(
        name=objective.entry_of(alert.name), measure="burn_rate", window=window, target=alert.threshold, at_most=True
    )


def _fired(objective: Objective, alert: BurnAlert, windows: Spans, seen: Occurrences, *, judged: bool) -> SloEntry:
    entry = _entry(objective, alert, "drill")
    span, since = windows.drill, windows.watched_since
    entry.samples_needed = whole_number(samples_for(alert.threshold * (objective.allowed or 0)))
    if span is None or since is None or span[1] <= span[0]:
        entry.verdict, entry.why = (Verdict.UNKNOWN if judged else None), "there was no time to look at"
        return entry
    entry.samples = int(seen.between(since, span[1])[0])
    burn = would_fire(seen, alert, *span, since=since, allowed=objective.allowed or 0)
    _put(entry, burn)
    entry.verdict = burn.verdict if judged else None
    longest = max(alert.lookbacks_s)
    if burn.fired is not None:
        entry.why = f"the alert would have fired {burn.fired - span[0]:.0f} s after the injection"
    elif burn.verdict is Verdict.MET:
        entry.why = "the alert would not have fired"
    else:
        entry.why = (
            f"whether the alert would have fired is open: {span[1] - since:.0f} s of {lasting(longest)} were watched"
        )
    return entry


def _went_on(objective: Objective, alert: BurnAlert, windows: Spans, seen: Occurrences, *, judged: bool) -> SloEntry:
    entry = _entry(objective, alert, "after")
    needed = samples_for(alert.threshold * (objective.allowed or 0))
    entry.samples_needed = whole_number(needed)
    span = windows.after
    if span is None or span[1] <= span[0]:
        entry.verdict, entry.why = (Verdict.UNKNOWN if judged else None), "there was no time after the disruption"
        return entry
    entry.samples = int(seen.between(*span)[0])
    burn = goes_on(seen, alert, *span, allowed=objective.allowed or 0, needed=needed)
    _put(entry, burn)
    entry.verdict = burn.verdict if judged else None
    if burn.low is None:
        shortest = min(span[1] - span[0], *alert.lookbacks_s)
        entry.why = f"{entry.samples} samples, {needed:.0f} needed in {lasting(shortest)}"
    elif burn.verdict is Verdict.UNKNOWN:
        entry.why = f"it burns at the end, but not for {lasting(alert.alert_after_s)} yet"
    return entry


def _put(entry: SloEntry, burn: Burn) -> None:
    if burn.low is None or burn.high is None:
        return
    entry.value = _rounded(burn.low)
    if burn.high > burn.low:
        entry.low, entry.high = entry.value, _rounded(burn.high)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def whole_number(samples: float) -> int | None:
    """A number of samples as an entry tells it: null where no number is enough."""
    return None if math.isinf(samples) else int(samples)


def lasting(seconds: float) -> str:
    """A length of time in words, to three digits or whole units: '0.42 s', '20 min 10 s', '28 d'."""
    if seconds < _MINUTE:
        return f"{seconds:.3g} s"
    whole, parts = round(seconds), []
    for unit, size in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
