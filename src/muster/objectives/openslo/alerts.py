"""Alert policies of OpenSLO as burn-rate alerts."""

from __future__ import annotations

from dataclasses import dataclass

from muster.objectives.burn_alert import BurnAlert
from muster.objectives.openslo.documents import Location
from muster.objectives.openslo.objects import Objects, Placed
from muster.objectives.openslo.schema import ConditionSpec, PolicySpec, SloSpec, seconds
from muster.objectives.openslo.windows import windows_noted


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An alert that a drill does not look at, with why."""

    name: str
    threshold: float
    why: str


def alerts_of(objects: Objects, slo: Placed, spec: SloSpec) -> tuple[list[BurnAlert], list[LeftOut]]:
    """The burn-rate alerts of a service level, and those that are left out.

    Raises:
        UsageError: a policy or a condition is missing or wrong.
    """
    alerts: list[BurnAlert] = []
    left_out: list[LeftOut] = []
    for place, entry in enumerate(spec.alert_policies):
        where: Location = ("spec", "alertPolicies", place)
        policy = objects.entered("AlertPolicy", entry, entry.alert_policy_ref, slo, where)
        alert = _alert(objects, policy)
        if any(alert.name == known.name for known in alerts):
            raise slo.wrong(where, f"is alert policy '{alert.name}' for the second time")
        if policy.spec(PolicySpec).alert_when_breaching is False:
            left_out.append(LeftOut(alert.name, alert.threshold, "the policy does not alert when it is breached"))
        else:
            alerts.append(alert)
    return alerts, left_out


def severities_of(objects: Objects, slo: Placed, spec: SloSpec) -> dict[str, str]:
    """How severe each alert of a service level is, by its name, as its first condition says (`page`, `P2`).

    Raises:
        UsageError: a policy or a condition is missing or wrong.
    """
    found = {}
    for place, entry in enumerate(spec.alert_policies):
        policy = objects.entered("AlertPolicy", entry, entry.alert_policy_ref, slo, ("spec", "alertPolicies", place))
        first = policy.spec(PolicySpec).conditions[0]
        condition = objects.entered("AlertCondition", first, first.condition_ref, policy, ("spec", "conditions", 0))
        found[policy.name] = condition.spec(ConditionSpec).severity
    return found


def _alert(objects: Objects, policy: Placed) -> BurnAlert:
    """One policy, whose conditions hold together: the long lookback says that much burnt, the short that it goes on."""
    lookbacks: list[float] = []
    thresholds: list[float] = []
    delays: list[float] = []
    for place, entry in enumerate(policy.spec(PolicySpec).conditions):
        where: Location = ("spec", "conditions", place)
        placed = objects.entered("AlertCondition", entry, entry.condition_ref, policy, where)
        condition = placed.spec(ConditionSpec).condition
        thresholds.append(condition.threshold)
        delays.append(seconds(condition.alert_after))
        lookbacks += [seconds(condition.lookback_window), *_short_window(placed, seconds(condition.lookback_window))]
        if condition.threshold != thresholds[0]:
            what = (
                f"has the threshold {condition.threshold:g}, not {thresholds[0]:g} as the first condition of the policy"
            )
            raise policy.wrong(where, f"{what}: conditions of one policy hold together, over several lookbacks")
    return BurnAlert(
        name=policy.name,
        threshold=thresholds[0],
        lookbacks_s=tuple(sorted(set(lookbacks), reverse=True)),
        alert_after_s=max(delays),
        windows=windows_noted(policy, ("during", "after"), default=("after",)),
    )


def _short_window(condition: Placed, lookback_s: float) -> list[float]:
    """The second, shorter lookback of a condition, for which OpenSLO v1 has no place of its own."""
    told = condition.note("short-window")
    if told is None:
        return []
    try:
        short = seconds(told)
    except ValueError as error:
        raise condition.wrong_note("short-window", str(error)) from None
    if not 0 < short < lookback_s:
        raise condition.wrong_note(
            "short-window", f"is {told}; right would be shorter than the condition's lookbackWindow"
        )
    return [short]
