"""Service levels: whether their error budgets burn faster than they may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from muster.checks.check import Finding, Harm, Unknown
from muster.checks.seen import Seen
from muster.checks.system.service import answer, own_service
from muster.snapshot import Ref

# Both windows burn at least so fast: the long one says that much was burnt, the short one that it goes on
# (Google SRE workbook, "Alerting on SLOs", table 5-8).
RULES = ((14.4, "1h", "5m", "P1"), (6.0, "6h", "30m", "P2"), (1.0, "3d", "6h", "P3"))


def levels(seen: Seen) -> Iterator[Finding | Unknown]:
    """Service levels by the first rule, the most severe, that their burn rates fulfil."""
    for name, said in sorted(answer(seen, "service levels").items()):
        rates: Mapping[str, float] = said["burn"]
        hit = next((rule for rule in RULES if all(rates.get(window, 0.0) >= rule[0] for window in rule[1:3])), None)
        if hit is not None:
            yield _burning(seen, name, said, hit)
        elif said["why"]:
            window, why = next(iter(said["why"].items()))
            yield Unknown(f"service level {name}", f"its burn rate over {window} is not known: {why}")


def _burning(seen: Seen, name: str, said: Mapping[str, Any], rule: tuple[float, str, str, str]) -> Finding:
    _, long, short, severity = rule
    rate, period = said["burn"][long], said.get("period_s")
    whole = f"; the budget of {period / 86400:g} days lasts {_span(period / rate)}" if period else ""
    shown = ", ".join(f"{value:g} over {window}" for window, value in said["burn"].items())
    return Finding(
        Ref("ServiceLevel", own_service(seen).namespace, name),
        f"burns its error budget {rate:g} times as fast as it may ({long} and {short}){whole}",
        Harm.PART,
        evidence=(f"target {said['target']:.6g}; burn rates: {shown}",),
        relies_on=(own_service(seen),),
        open_cause=True,
        severity=severity,
    )


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86400:.0f} days"
