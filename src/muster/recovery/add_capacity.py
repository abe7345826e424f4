"""Clients ask for more than the service admits: give it more replicas, and take them back when that is over.

How much is missing is measured, as a client: the share of requests that are refused cleanly (503 with Retry-After). If
`r` of n replicas' clients are refused, n / (1 - r) replicas would serve them; some headroom comes on top, as chance
puts more on one replica than on another. How many replicas there were is kept on the Deployment as an annotation, for
whoever takes the capacity back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.probes.answers.sampling import Sample, sample
from muster.recovery.held_up import held_up, why_unready
from muster.recovery.workloads import Workload
from muster.safety.rights import Right, rights
from muster.steps import NO_PARAMETERS, Context, Step, StepOutline
from muster.system import SystemDefinition
from muster.system.operations import Capacity
from muster.system.origin import SERVICE_LABEL
from muster.wire.names import REPLICAS_BEFORE_ANNOTATION

SAMPLES = 120
SAMPLE_S = 1.0
# Below this share it is chance, where connections gather on one replica; a service that is short refuses far more.
CHANCE = 0.03
HEADROOM = 1.6
ROUNDS = 3
Object = dict[str, Any]
# After scaling: clients, and what replicas have saved up against bursts, need a moment to spread.
LOOKS = 3


OUTLINE = (
    StepOutline("diagnose", "asks the service many times, and counts what it refuses", acts=False),
    StepOutline("add replicas", "scales the Deployment up, to what would refuse nobody and some more", undo=True),
    StepOutline("verify", "asks again: nobody is refused; else it scales up once more", acts=False),
)


class AddCapacity:
    """Measure what is refused, scale, wait until the new replicas serve, and measure again."""

    name = "add-capacity"
    summary = "clients are refused for want of capacity: add replicas until nothing is refused"
    parameters = NO_PARAMETERS

    def needs(self, _context: Context) -> Iterable[Right]:
        return rights("get patch", "Deployment") | rights("list", "ReplicaSet", "Pod", "EndpointSlice")

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        return OUTLINE if system.operations.capacity is not None else ()

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Scaling(context)
        yield Step("diagnose", work.is_short, work.diagnose, lambda: True, acts=False)
        for again in ("", *(f" ({number})" for number in range(2, ROUNDS + 1))):
            if again and not work.refuses:
                break
            refuses = lambda: work.refuses  # noqa: E731
            yield Step(
                f"add replicas{again}",
                refuses,
                work.scale,
                work.serves,
                within_s=120,
                waits_for=work.missing,
                would=(lambda: "more, should clients be refused still") if again else work.would_scale,
                undo=work.undo,
            )
            yield Step(f"verify{again}", work.has_scaled, work.look_again, lambda: True, acts=False)
        if work.refuses:
            yield Step("conclude", lambda: True, work.give_up, lambda: True, acts=False)


RELEASE_OUTLINE = (StepOutline("scale back", "scales the Deployment down to the replicas that it had before"),)


class ReleaseCapacity:
    """Scale back to what it was before `add-capacity`; where that added nothing, do nothing."""

    name = "release-capacity"
    summary = "the high load is over: take back the replicas that add-capacity added"
    parameters = NO_PARAMETERS

    def needs(self, _context: Context) -> Iterable[Right]:
        return rights("get patch", "Deployment") | rights("list", "ReplicaSet", "Pod")

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        return RELEASE_OUTLINE if system.operations.capacity is not None else ()

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Scaling(context)
        yield Step(
            "scale back",
            work.was_scaled,
            work.release,
            work.is_released,
            within_s=60,
            waits_for=work.too_many,
            would=work.would_release,
        )


class _Scaling:
    """The work of both procedures on the Deployment that system.yaml names."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._capacity = _capacity_of(context)
        self._deployment = Workload(context.cluster, context.namespace, "Deployment", self._capacity.deployment)
        self._sample: Sample | None = None
        self._scaled = False

    # -- diagnose and verify

    @property
    def refuses(self) -> bool:
        """Whether the last sample showed that capacity is missing; after scaling nothing at all may be refused."""
        return self._sample is not None and self._sample.refused_share > (0.0 if self._scaled else CHANCE)

    def is_short(self) -> bool:
        self._look()
        self._check_answered()
        return self.refuses

    def diagnose(self) -> str:
        return f"{self._sample} in {SAMPLE_S:g} s, {self._deployment} has {self._deployment.replicas} replicas"

    def has_scaled(self) -> bool:
        return self._scaled

    def look_again(self) -> str:
        """Look until somebody is answered and nobody refused; if that does not come, there is still not enough."""
        for _ in range(LOOKS):
            seen = self._look()
            if seen.answered and not seen.refused:
                break
        self._check_answered()
        return f"{self._sample} in {SAMPLE_S:g} s"

    def give_up(self) -> str:
        """Raises:
        RefusedError: always, saying what is still refused.
        """
        raise RefusedError(f"{self._sample} still after {ROUNDS} rounds, {self._deployment.replicas} replicas serve")

    def _look(self) -> Sample:
        read = self._context.system.read
        self._sample = sample(self._context.url, read.request, times=SAMPLES, over_s=SAMPLE_S, limit_s=read.limit_s)
        return self._sample

    def _check_answered(self) -> None:
        if self._sample is None or not self._sample.answered:
            raise ClusterError(f"the service at {self._context.url} answers nobody: {self._sample}")

    # -- scale

    def scale(self) -> str:
        """Add what is missing.

        Raises:
            RefusedError: system.yaml allows no more.
        """
        before = self._deployment.read()
        present, target, said = self._wanted(before)
        progress = self._context.progress
        self._scaled = True
        if progress.get("target") == present and not self.serves():  # what was asked for before it was cut
            return f"{self._deployment} was given {present} replicas already"
        progress.keep(target=target)
        annotations = before["metadata"].get("annotations") or {}
        self._set(target, remember=annotations.get(REPLICAS_BEFORE_ANNOTATION, str(present)))
        return said

    def would_scale(self) -> str:
        """What `scale` would do.

        Raises:
            RefusedError: system.yaml allows no more.
        """
        return self._wanted(self._deployment.read())[2]

    def _wanted(self, before: Object) -> tuple[int, int, str]:
        """How many replicas there are, how many there are to be, and both in a phrase.

        Raises:
            RefusedError: system.yaml allows no more.
        """
        present, most = int(before["spec"].get("replicas", 1)), self._capacity.max_replicas
        assert self._sample is not None
        wanted = replicas_needed(present, self._sample.refused_share)
        if present >= most:
            raise RefusedError(
                f"{self._deployment} has {present} replicas and needs about {wanted}; system.yaml allows {most} "
                "(operations.capacity.max_replicas)"
            )
        target = min(wanted, most)
        short = f", {wanted} would be needed" if wanted > most else ""
        return present, target, f"{self._deployment}: {present} replicas to {target}{short}"

    def serves(self) -> bool:
        """Whether all replicas are ready, and the Service sends them clients."""
        if not self._deployment.is_rolled_out():
            return False
        ready = {pod["metadata"]["name"] for pod in self._deployment.ready_pods()}
        return ready <= self._endpoints()

    def missing(self) -> str:
        """What keeps new replicas from serving."""
        if said := held_up(self._deployment):
            return said
        unled = {pod["metadata"]["name"] for pod in self._deployment.ready_pods()} - self._endpoints()
        service = self._context.system.service.name
        return f"Service {service} does not lead to {len(unled)} of the ready pods yet" if unled else ""

    # -- release

    def too_many(self) -> str:
        """What keeps it from having only so many pods as before."""
        return held_up(self._deployment) or why_unready(self._deployment)

    def was_scaled(self) -> bool:
        return self._before() is not None

    def release(self) -> str:
        said = self.would_release()
        self._set(self._before(), remember=None)
        return said

    def would_release(self) -> str:
        """What `release` would do."""
        return f"{self._deployment}: {self._deployment.replicas} replicas back to {self._before()}"

    def undo(self) -> str:
        """Take back what was added, however often."""
        return self.release() if self.was_scaled() else f"{self._deployment} has what it had before"

    def is_released(self) -> bool:
        """Whether only so many pods are left as there were, all ready."""
        return self._deployment.is_rolled_out() and len(self._deployment.pods()) == self._deployment.replicas

    def _before(self) -> int | None:
        annotations = self._deployment.read()["metadata"].get("annotations") or {}
        said = annotations.get(REPLICAS_BEFORE_ANNOTATION)
        if said is None:
            return None
        if not said.isdecimal():
            raise RefusedError(
                f"{self._deployment} has the annotation {REPLICAS_BEFORE_ANNOTATION}: {said!r}; right would be a number"
                " of replicas: scale it by hand, and remove the annotation"
            )
        return int(said)

    def _set(self, replicas: int | None, *, remember: str | None) -> None:
        """Scale and keep, or forget, how many there were, in one change."""
        patch = {
            "metadata": {"annotations": {REPLICAS_BEFORE_ANNOTATION: remember}},
            "spec": {"replicas": replicas},
        }
        self._context.cluster.patch("Deployment", self._capacity.deployment, self._context.namespace, patch)

    def _endpoints(self) -> set[str]:
        """The pods to which the system's Service sends clients."""
        labels = f"{SERVICE_LABEL}={self._context.system.service.name}"
        slices = self._context.cluster.list("EndpointSlice", self._context.namespace, labels=labels)
        return {
            str((endpoint.get("targetRef") or {}).get("name"))
            for part in slices
            for endpoint in part.get("endpoints") or []
            if (endpoint.get("conditions") or {}).get("ready")
        }


def replicas_needed(present: int, refused_share: float) -> int:
    """How many replicas serve all clients where `present` refuse this share of their requests; at least one more."""
    served = max(1 - refused_share, 1 / (present * 10))
    return max(math.ceil(present / served * HEADROOM), present + 1)


def _capacity_of(context: Context) -> Capacity:
    capacity = context.system.operations.capacity
    if capacity is None:
        raise UsageError(f"system '{context.system.name}' declares no 'operations.capacity' in its system.yaml")
    return capacity
