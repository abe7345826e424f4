"""Autoscalers that do not scale."""

from __future__ import annotations

import re
from collections.abc import Iterator

from muster.base.quantities import amount
from muster.checks.check import Finding, Harm
from muster.checks.pods.trouble import one_line
from muster.checks.seen import Seen, condition
from muster.snapshot import Object, Ref, ref_of

PATIENCE_S = 30.0  # metrics of a new pod come late
_NO_REQUEST = re.compile(r"missing request for (\S+)(?: in container (\S+))?")


def autoscalers(seen: Seen) -> Iterator[Finding]:
    """Autoscalers without metrics, without a target, or at their most while more is wanted."""
    for item in seen.of("HorizontalPodAutoscaler"):
        if finding := _of(seen, item):
            yield finding


def _of(seen: Seen, item: Object) -> Finding | None:
    ref, spec = ref_of(item), item.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    aim = Ref(str(target.get("kind")), ref.namespace, str(target.get("name")))
    able, active, limited = (condition(item, kind) for kind in ("AbleToScale", "ScalingActive", "ScalingLimited"))
    if able.get("status") == "False" and able.get("reason") in ("FailedGetScale", "FailedUpdateScale"):
        missing = (seen.knows(aim.kind) and seen.find(aim) is None) or "not found" in str(able.get("message"))
        reason = f"its target {aim} does not exist" if missing else f"cannot scale {aim}"
        return Finding(ref, reason, Harm.NONE, _since(able), (one_line(str(able.get("message"))),), (aim,))
    if not able and seen.knows(aim.kind) and seen.find(aim) is None and seen.made(item) > PATIENCE_S:
        return Finding(ref, f"its target {aim} does not exist", Harm.NONE)
    if (
        active.get("status") == "False"
        and active.get("reason") != "ScalingDisabled"
        and seen.age(_since(active)) > PATIENCE_S
    ):
        said = one_line(str(active.get("message") or ""))
        if found := _NO_REQUEST.search(said):
            where = f"container {found[2]} of {aim}" if found[2] else str(aim)
            return Finding(ref, f"does not scale: {where} requests no {found[1]}", Harm.NONE, _since(active), (said,))
        if "Selector" in str(active.get("reason")):
            return Finding(ref, f"does not scale: {one_line(said, 120)}", Harm.NONE, _since(active), (said,))
        return Finding(ref, "gets no metrics, so it does not scale", Harm.NONE, _since(active), (said,), (aim,))
    if limited.get("status") == "True" and limited.get("reason") == "TooManyReplicas" and (over := _over(item)):
        most = spec.get("maxReplicas")
        return Finding(
            ref,
            f"is at its most of {most} replicas, and more are wanted ({over})",
            Harm.PART,
            _since(limited),
            (one_line(str(limited.get("message"))),),
        )
    return None


def _since(said: object) -> str:
    return str(said.get("lastTransitionTime") or "") if isinstance(said, dict) else ""


def _over(item: Object) -> str:
    """What is measured above its target by more than the tolerance of 10 %; empty where nothing is."""
    targets = {_key(one): _level(one, "target") for one in (item.get("spec") or {}).get("metrics") or []}
    for one in (item.get("status") or {}).get("currentMetrics") or []:
        target, present = targets.get(_key(one)), _level(one, "current")
        if target and present and present > 1.1 * target:
            kind, name = _key(one)
            unit = " %" if "averageUtilization" in str(one) else ""
            return f"{name or kind} at {present:g}{unit} of {target:g}{unit}"
    return ""


def _key(metric: Object) -> tuple[str, str]:
    kind = str(metric.get("type") or "")
    inner = metric.get(kind[:1].lower() + kind[1:]) or {}
    return kind, str(inner.get("name") or (inner.get("metric") or {}).get("name") or "")


def _level(metric: Object, which: str) -> float:
    kind = str(metric.get("type") or "")
    said = (metric.get(kind[:1].lower() + kind[1:]) or {}).get(which) or {}
    for key in ("averageUtilization", "averageValue", "value"):
        if said.get(key):
            return amount(said[key])
    return 0.0
