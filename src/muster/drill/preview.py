"""What a drill would do, told before it does anything: of its marker, its experiment, and what stands in the namespace.

Nothing here writes, and nothing asks a cluster but to read: see `muster.faults.touched` for what a fault touches.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from muster.faults.experiments import Experiment
from muster.faults.fitness import Content
from muster.faults.injection import STRIKE_WITHIN_S
from muster.objectives import Declaration
from muster.safety.limits import Strike, reach
from muster.safety.limits.radius import ClusterState
from muster.safety.rights import Right
from muster.system import SystemDefinition


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class TouchPreview(_Part):
    """An object (`Kind/name`; `*` is all, or one without a name yet) that an activity changes, and how it is undone."""

    object: str
    activity: str
    act: str
    undone: str


class Part(_Part):
    """At most so many of all."""

    hit: int
    of: int


class LoadPreview(_Part):
    """The load that a drill sends, in requests/s. `rates` are those that its body names, as far as they stand there."""

    profile: str | None
    rates: list[float]
    raised_to: float | None
    probes: float
    ceiling: float


class DrillPreview(_Part):
    """One drill. Times are in s: `strike_s` is how long its fault may take to strike, `recovery_s` how long it then
    waits for good service. `refused` says why it would not be held; it would be where that is empty."""

    name: str
    nodeid: str
    severity: str
    fault: str
    title: str
    touches: list[TouchPreview]
    pods: Part
    workloads: Part
    load: LoadPreview
    strike_s: float
    recovery_s: float
    rights: list[str]
    missing: list[str]
    refused: list[str]


class Preview(_Part):
    """The drills that were asked for. `context` is null where no cluster was read, but the system's manifests."""

    schema_: Literal["muster/preview/v1"] = Field(alias="schema", default="muster/preview/v1")
    system: str
    namespace: str
    context: str | None
    drills: list[DrillPreview]

    @property
    def exit_code(self) -> int:
        """0 where every drill would be held, 1 where one would be refused."""
        return 1 if any(drill.refused for drill in self.drills) else 0


def drill_preview(
    declared: Declaration,
    experiment: Experiment,
    content: Content,
    system: SystemDefinition,
    *,
    body: Callable[..., object],
    strikes: Iterable[Strike],
    state: ClusterState,
    rights: Iterable[Right],
    missing: Iterable[Right],
    refused: list[str],
) -> DrillPreview:
    """Put together what is known of one drill; `body` is its test function."""
    strikes = list(strikes)
    touches = [
        TouchPreview(object=touch.object, activity=strike.activity, act=touch.act, undone=touch.undone)
        for strike in strikes
        for touch in strike.touches
    ]
    found = reach(strikes, state)
    load = LoadPreview(
        profile=declared.load,
        rates=rates_of(body),
        raised_to=raised_to(content),
        probes=system.base_requests_per_s,
        ceiling=system.max_requests_per_s,
    )
    return DrillPreview(
        name=declared.name,
        nodeid=declared.nodeid,
        severity=declared.severity,
        fault=declared.fault,
        title=experiment.title,
        touches=touches,
        pods=Part(hit=found.pods, of=found.of_pods),
        workloads=Part(hit=found.workloads, of=found.of_workloads),
        load=load,
        strike_s=STRIKE_WITHIN_S + experiment.longest_s,
        recovery_s=declared.rto_budget_s or declared.rto_target_s or 0.0,
        rights=[str(right) for right in sorted(rights)],
        missing=[str(right) for right in sorted(missing)],
        refused=refused,
    )


def rates_of(body: Callable[..., object]) -> list[float]:
    """The rates, in requests/s, of the loads that a drill's body begins, as far as its text or its module says them."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(body)))
    except (OSError, SyntaxError, TypeError):
        return []
    known = getattr(inspect.unwrap(body), "__globals__", {})
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    said = [
        _number(keyword.value, known)
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "load"
        for keyword in call.keywords
        if keyword.arg == "rate"
    ]
    return [rate for rate in said if rate is not None]


def _number(node: ast.expr, known: dict[str, Any]) -> float | None:
    value = node.value if isinstance(node, ast.Constant) else known.get(node.id) if isinstance(node, ast.Name) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def raised_to(content: Content) -> float | None:
    """The rate, in requests/s, that an experiment raises the load to; None where it raises none."""
    for activity in content.method:
        if activity.provider.is_own("raise_load") and isinstance(activity.provider.arguments, dict):
            rate = activity.provider.arguments.get("rate")
            return float(rate) if isinstance(rate, int | float) else None
    return None
