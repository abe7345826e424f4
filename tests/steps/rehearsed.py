"""A procedure made of given steps, and as much of a cluster as the engine needs to run it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, cast

from muster.base.clock import VirtualClock
from muster.base.errors import ClusterError
from muster.base.timeline import Timeline, read_timeline
from muster.kube import ApiError, Cluster
from muster.safety import AuditLog, ProcedureRecord, begun_procedures
from muster.steps import Context, Outcome, PlannedStep, Step, StepOutcome, plan, run, take_back
from muster.system import SystemDefinition

CONFLICT = 409


class Rehearsal:
    """A procedure made of the steps that it is given."""

    name = "rehearse"
    summary = "for tests"
    parameters: ClassVar[dict[str, str]] = {"pace": "how fast"}

    def __init__(self, *steps: Step) -> None:
        self._steps = steps

    def steps(self, _context: Context) -> Iterable[Step]:
        return self._steps


class Objects:
    """A cluster's objects of a namespace, by kind and name, with versions that a replacement must know."""

    context, embedded = "bench", False

    def __init__(self, traces: list[str]) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.traces = traces
        self.refuses = ""
        self._versions = itertools.count(1)

    def unobserved(self) -> Objects:
        return self

    def looking(self) -> Objects:
        return self

    def list(self, kind: str, _namespace: str, *, labels: str) -> list[dict[str, Any]]:
        return [one for (k, _), one in self.items.items() if k == kind and labels in one["metadata"]["labels"]]

    def find(self, kind: str, name: str, _namespace: str) -> dict[str, Any] | None:
        return self.items.get((kind, name))

    def create(self, item: dict[str, Any], namespace: str) -> dict[str, Any]:
        if self.refuses and item["kind"] == "ConfigMap":
            raise ClusterError(self.refuses)
        if (item["kind"], item["metadata"]["name"]) in self.items:
            raise ApiError("exists", code=CONFLICT, reason="AlreadyExists")
        return self._put(item, namespace)

    def replace(self, item: dict[str, Any], namespace: str) -> dict[str, Any]:
        there = self.items.get((item["kind"], item["metadata"]["name"]))
        if there is None or item["metadata"]["resourceVersion"] != there["metadata"]["resourceVersion"]:
            raise ApiError("changed", code=CONFLICT, reason="Conflict")
        return self._put(item, namespace)

    def _put(self, item: dict[str, Any], namespace: str) -> dict[str, Any]:
        item["metadata"] |= {"namespace": namespace, "resourceVersion": str(next(self._versions))}
        self.items[item["kind"], item["metadata"]["name"]] = item
        if item["kind"] == "ConfigMap":
            self.traces.append("recorded")
        return item

    def patch(self, kind: str, name: str, _namespace: str, _patch: Any, *, content_type: str) -> None:
        """Take it for done, as renewing a Lease is."""

    def delete(self, kind: str, name: str, _namespace: str, *, version: str = "") -> None:  # noqa: ARG002 - as a cluster
        del self.items[kind, name]
        if kind == "ConfigMap":
            self.traces.append("closed")

    def begun(self) -> list[ProcedureRecord]:
        return begun_procedures(cast("Cluster", self), "shop")


class Bench:
    """Where steps leave their traces: `traces` of what was done, `noted` of that and of the record."""

    def __init__(self, directory: Path) -> None:
        self.traces: list[str] = []
        self.noted: list[str] = []
        self.cluster = Objects(self.noted)
        self.path = directory / "timeline.jsonl"
        self.audit = AuditLog(directory / "audit.jsonl")
        self.arguments: dict[str, str] = {}

    def step(self, name: str, *, needed: bool = True, works: bool = True, raises: str = "", **more: Any) -> Step:
        error = more.pop("error", ClusterError)

        def do() -> str:
            self.traces.append(name)
            self.noted.append(name)
            if raises:
                raise error(raises)
            return f"did {name}"

        return Step(name, lambda: needed, do, lambda: works, **more)

    def began(self, step: Step) -> None:
        self.traces.append(f"began {step.name}")

    def waits(self, step: Step, what: str) -> None:
        self.traces.append(f"{step.name} waits: {what}")

    def ended(self, outcome: StepOutcome) -> None:
        self.traces.append(f"{outcome.state} {outcome.name}")

    def context(self, timeline: Timeline | None = None) -> Context:
        cluster, system = cast("Cluster", self.cluster), cast("SystemDefinition", None)
        return Context(cluster, system, "shop", timeline, self.audit, arguments=self.arguments)

    def run(self, *steps: Step, watched: bool = False) -> Outcome:
        return self.hold(Rehearsal(*steps), watched=watched)

    def hold(self, procedure: Any, *, watched: bool = False) -> Outcome:
        with Timeline.start(self.path, run="test", drill="test") as timeline:
            context = self.context(timeline)
            return run(procedure, context, clock=VirtualClock(), observer=self if watched else None)

    def plan(self, *steps: Step) -> list[PlannedStep]:
        return plan(Rehearsal(*steps), self.context())

    def take_back(self, procedure: Any) -> Outcome:
        return take_back(procedure, self.context(), clock=VirtualClock())

    def events(self) -> list[tuple[str, Any, Any]]:
        events = read_timeline(self.path)[1:]
        return [(event["kind"], event.get("step"), event.get("state", event.get("ok"))) for event in events]
