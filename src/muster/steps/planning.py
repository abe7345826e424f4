"""What a procedure would do as things are now, without doing any of it.

It looks as the procedure itself would until there is something to do. What comes after that depends on what was done,
so for the steps from there on only what they say they would do is told, and the looks between them are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from muster.base.errors import MusterError
from muster.steps.engine import check_arguments
from muster.steps.on_record import OnRecord
from muster.steps.procedure import Context, Procedure, Step
from muster.steps.progress import Progress


@dataclass(frozen=True)
class PlannedStep:
    """A step of a plan.

    `state`: `looks` (it did, and `detail` is what it saw), `skipped`, `would` (the first to act), `then` (would act
    after that, if it is needed by then), `refused` (the procedure would end here, `detail` says why).
    """

    name: str
    state: str
    detail: str


def plan(procedure: Procedure, context: Context) -> list[PlannedStep]:
    """The steps that running the procedure now would take. The cluster is asked and nothing on it is changed.

    Raises:
        UsageError: an argument that the procedure does not know.
        RefusedError: it would not be begun, as another one was cut.
        ClusterError: the cluster cannot be asked.
    """
    check_arguments(procedure, context)
    cluster = context.cluster.looking()
    kept = OnRecord(cluster, context.namespace, procedure.name, context.arguments).progress
    progress = Progress(kept.values, resumed=kept.resumed, failed=kept.failed)
    looking = replace(context, cluster=cluster, timeline=None, progress=progress, only_looks=True)
    return list(_planned(procedure, looking))


def _planned(procedure: Procedure, context: Context) -> Iterator[PlannedStep]:
    acts = False
    try:
        for step in procedure.steps(context):
            if acts:
                yield from _later(step)
                continue
            found = _first(step)
            acts = found.state == "would"
            yield found
            if found.state == "refused":
                return
    except MusterError as error:
        yield PlannedStep("steps", "refused", str(error))


def _first(step: Step) -> PlannedStep:
    try:
        if not step.check():
            return PlannedStep(step.name, "skipped", "nothing to do")
        if not step.acts:
            return PlannedStep(step.name, "looks", step.do())
        return PlannedStep(step.name, "would", step.would() if step.would else "")
    except MusterError as error:
        return PlannedStep(step.name, "refused", str(error))


def _later(step: Step) -> Iterator[PlannedStep]:
    if not step.acts:
        return
    try:
        said = step.would() if step.would else "if it is needed by then"
    except MusterError as error:
        said = f"cannot be told yet: {error}"
    if said:
        yield PlannedStep(step.name, "then", said)
