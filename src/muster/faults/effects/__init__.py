"""What an experiment declares as its effect, and how that is observed.

Observed by another path than the injecting call, never by its response. An experiment declares its effect in its
extension `muster`, for example

    effect: {kind: crash-loop, labels: app=api}

Every kind with its arguments: docs/effects.md. Belongs here: what there is to be seen, from the harness. How long it is
looked for, and what that means, does not: see `muster.faults.watching`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from muster.faults.effects.http import HttpAnswer, SeesHttpAnswer
from muster.faults.effects.objects import (
    Condition,
    FieldValue,
    NoEndpoints,
    ObjectGone,
    ObjectThere,
    ReadyBelow,
    SeesCondition,
    SeesField,
    SeesNoEndpoints,
    SeesObjectGone,
    SeesObjectThere,
    SeesReadyBelow,
)
from muster.faults.effects.observation import Observation, Observer, Scene, Strict
from muster.faults.effects.pods import (
    CrashLoop,
    PodsGone,
    PodsReplaced,
    SeesCrashLoop,
    SeesPodsGone,
    SeesPodsReplaced,
)
from muster.faults.effects.primary import PrimaryGone, SeesPrimaryGone, selected
from muster.faults.effects.queries import (
    PromqlValue,
    SeesPromqlValue,
    SeesSqlValue,
    SqlValue,
    check_promql,
    check_sql,
)
from muster.faults.effects.reported import Reported, Reporting
from muster.kube import Cluster
from muster.system import SystemDefinition


class AllOf(Strict):
    """Every one of several effects."""

    kind: Literal["all"]
    of: Annotated[list[Effect], Field(min_length=1)]


Effect = Annotated[
    PodsReplaced
    | PodsGone
    | CrashLoop
    | PrimaryGone
    | Reported
    | Condition
    | FieldValue
    | ObjectGone
    | ObjectThere
    | ReadyBelow
    | NoEndpoints
    | HttpAnswer
    | SqlValue
    | PromqlValue
    | AllOf,
    Field(discriminator="kind"),
]
AllOf.model_rebuild()


def check_observable(effect: Effect, system: SystemDefinition) -> None:
    """Make sure, before anything starts, that there is somebody to ask for an effect.

    Raises:
        UsageError: there is not.
    """
    for one in _each(effect):
        if isinstance(one, SqlValue):
            check_sql(one, system)
        elif isinstance(one, PromqlValue):
            check_promql(one, system)


def _each(effect: Effect) -> Iterator[Effect]:
    if isinstance(effect, AllOf):
        for one in effect.of:
            yield from _each(one)
    else:
        yield effect


def build_observer(
    effect: Effect, cluster: Cluster, namespace: str, url: str, system: SystemDefinition | None = None
) -> Observer:
    """The observer of a declared effect; takes stock of what there is before the strike. `url` is the service's.

    Raises:
        ClusterError: the cluster, or whoever else is to tell, cannot be asked.
        RefusedError: the effect could not be told from what is there already.
        UsageError: there is nobody to ask.
    """
    return _observer(effect, Scene(cluster, namespace, url, system))


def _observer(effect: Effect, scene: Scene) -> Observer:  # noqa: C901, PLR0911, PLR0912 - one line for each kind
    match effect:
        case PodsReplaced():
            return SeesPodsReplaced(effect, scene)
        case PodsGone():
            return SeesPodsGone(effect, scene)
        case CrashLoop():
            return SeesCrashLoop(effect, scene)
        case PrimaryGone():
            return SeesPrimaryGone(effect, scene)
        case Reported():
            return Reporting(effect, scene.url)
        case Condition():
            return SeesCondition(effect, scene)
        case FieldValue():
            return SeesField(effect, scene)
        case ObjectGone():
            return SeesObjectGone(effect, scene)
        case ObjectThere():
            return SeesObjectThere(effect, scene)
        case ReadyBelow():
            return SeesReadyBelow(effect, scene)
        case NoEndpoints():
            return SeesNoEndpoints(effect, scene)
        case HttpAnswer():
            return SeesHttpAnswer(effect, scene)
        case SqlValue():
            return SeesSqlValue(effect, scene)
        case PromqlValue():
            return SeesPromqlValue(effect, scene)
        case AllOf():
            return _All([_observer(one, scene) for one in effect.of])


class _All:
    def __init__(self, observers: list[Observer]) -> None:
        self._observers = observers

    def look(self) -> Observation:
        seen = [observer.look() for observer in self._observers]
        missing = [one.evidence for one in seen if not one.observed]
        return Observation(not missing, "; ".join(missing or [one.evidence for one in seen]))


__all__ = [
    "AllOf",
    "Condition",
    "CrashLoop",
    "Effect",
    "FieldValue",
    "HttpAnswer",
    "NoEndpoints",
    "ObjectGone",
    "ObjectThere",
    "Observation",
    "Observer",
    "PodsGone",
    "PodsReplaced",
    "PrimaryGone",
    "PromqlValue",
    "ReadyBelow",
    "Reported",
    "Reporting",
    "SqlValue",
    "build_observer",
    "check_observable",
    "selected",
]
