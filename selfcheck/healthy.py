"""A healthy system that is at work and changed all the while: a diagnosis finds nothing in it.

What is done to it is what people and controllers do every day: rollouts, scaling, a changed setting, a pod that is
evicted, a node that is drained, Jobs that are done at once, late, or at the third try. Nothing waits until it is
through, so that most of it is under way when the next look is taken.
"""

from __future__ import annotations

import itertools
import math
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from muster.base.clock import SYSTEM_CLOCK, now, utc_iso
from muster.base.timeline import Timeline
from muster.diagnosis import diagnose
from muster.drill import ManagedSystem
from muster.kube import Cluster, EmbeddedCluster, connect
from muster.load.profiles import find_profile
from muster.load.run import LoadRun
from muster.probes.http.address import service_url
from muster.recovery.configuration import keep_configuration
from muster.safety import AuditLog
from muster.snapshot import Snapshot, save_snapshot
from muster.snapshot.gather import gather
from muster.system import SystemDefinition, read_system
from selfcheck.instrument import ROOT

RATE = 40.0  # requests/s
WARM_S = 3.0
MOST_PAUSE_S = 3.0  # between a change and the look at it
KEPT = ROOT / "reports/selfcheck"
SETTINGS = "enhancer-settings"
# What a Job's container does, and the exit codes of its tries.
JOBS = {
    "done": "true",
    "done late": "sleep 4",
    "retried": "n=$(wc -c < /state/tries 2>/dev/null || echo 0); printf x >> /state/tries; test $n -ge 2",
}
_names = itertools.count()


@dataclass(frozen=True, slots=True)
class Run:
    """One look at a healthy system, and what was found that is not there."""

    number: int
    change: str
    seconds: float
    found: tuple[str, ...]
    unknown: tuple[str, ...]


class Everyday:
    """What is done to a system day by day. Chance, of which there is one to a seed, says what and how much."""

    def __init__(self, cluster: Cluster, namespace: str, chance: random.Random) -> None:
        self._cluster, self._namespace, self._chance = cluster, namespace, chance
        self.changes: dict[str, Callable[[], object]] = {
            "nothing": lambda: None,
            "the API is restarted": lambda: self._restart("api"),
            "the agents are restarted": lambda: self._restart("agents"),
            "the API is scaled": lambda: self._scale("api", 2, 5),
            "the agents are scaled": lambda: self._scale("agents", 3, 6),
            "a workload is scaled to 0": self._idle,
            "a setting is changed": self._configure,
            "a pod is evicted": self._evict,
            "a node is drained, or gone": self._drain,
            **{f"a Job is {what}": lambda what=what: self._job(what) for what in JOBS},  # type: ignore[misc]
        }

    def change(self) -> str:
        """Change something, and say what."""
        name = self._chance.choice(list(self.changes))
        self.changes[name]()
        return name

    def pause(self) -> None:
        """Let some of it come about."""
        SYSTEM_CLOCK.sleep(self._chance.uniform(0, MOST_PAUSE_S))

    def _restart(self, name: str) -> None:
        annotations = {"kubectl.kubernetes.io/restartedAt": utc_iso()}
        patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        self._cluster.patch("Deployment", name, self._namespace, patch)

    def _scale(self, name: str, least: int, most: int) -> None:
        self._cluster.scale("Deployment", name, self._namespace, self._chance.randint(least, most))

    def _idle(self) -> None:
        if self._cluster.find("Deployment", "idle", self._namespace) is None:
            self._cluster.create(_idle_workload(), self._namespace)
        else:
            replicas = self._cluster.get("Deployment", "idle", self._namespace)["spec"]["replicas"]
            self._cluster.scale("Deployment", "idle", self._namespace, 0 if replicas else 1)

    def _configure(self) -> None:
        content = self._cluster.get("ConfigMap", SETTINGS, self._namespace)["data"]["settings.yaml"]
        wanted = f"phase_duration_s: {self._chance.choice((0.005, 0.006, 0.007))}"
        lines = [wanted if line.startswith("phase_duration_s:") else line for line in content.splitlines()]
        patch = {"data": {"settings.yaml": "\n".join(lines) + "\n"}}
        self._cluster.patch("ConfigMap", SETTINGS, self._namespace, patch)

    def _evict(self) -> None:
        pods = self._cluster.list("Pod", self._namespace, labels="app in (api, agents)")
        self._cluster.delete("Pod", self._chance.choice(pods)["metadata"]["name"], self._namespace)

    def _drain(self) -> None:
        """A node that is drained for its maintenance, or comes back from it as another."""
        if not self._cluster.delete("Node", "drained"):
            self._cluster.create(_drained_node())

    def _job(self, what: str) -> None:
        self._cluster.create(_job(what), self._namespace)


@contextmanager
def at_work(directory: Path) -> Iterator[tuple[Cluster, SystemDefinition]]:
    """The reference system on a cluster of its own, under a light load, its configuration kept as known good."""
    system = read_system(ROOT / "systems/enhancer")
    images = directory / "images.yaml"
    images.write_text(yaml.safe_dump(system.image_table()))
    with EmbeddedCluster.start(images=images) as embedded, connect(embedded.kubeconfig, embedded=True) as cluster:
        ManagedSystem(cluster, system).prepare()
        url, timeline = service_url(cluster, system), directory / "load.jsonl"
        Timeline.start(timeline, run="selfcheck", drill="healthy").close()
        with LoadRun.start(
            find_profile(ROOT / "loadtests", "steady"),
            rate=RATE,
            url=url,
            timeline=timeline,
            directory=directory,
            ceiling=math.inf,
        ):
            SYSTEM_CLOCK.sleep(WARM_S)
            audit = AuditLog(directory / "audit.jsonl")
            for one in system.operations.configuration:
                keep_configuration(cluster, system, one, url, why="it is healthy", audit=audit)
            yield cluster, system


def healthy(count: int, seed: int) -> list[Run]:
    """Look `count` times at a system that is well and changed all the while; what was found all the same is printed,
    and what was looked at then is kept."""
    with (
        tempfile.TemporaryDirectory(prefix="muster-selfcheck-") as scratch,
        at_work(Path(scratch)) as (cluster, system),
    ):
        everyday = Everyday(cluster, system.namespace, random.Random(seed))
        runs = []
        for number in range(count):
            change = everyday.change()
            everyday.pause()
            run, snapshot = _look(number, change, cluster, system)
            runs.append(run)
            if run.unknown:
                print(f"healthy {number} ({change}), not seen: {'; '.join(run.unknown)[:300]}")
            if run.found:
                KEPT.mkdir(parents=True, exist_ok=True)
                save_snapshot(snapshot, KEPT / f"healthy-{number}.json")
                print(f"healthy {number} ({change}): {'; '.join(run.found)}; see {KEPT}/healthy-{number}.json")
    return runs


def _look(number: int, change: str, cluster: Cluster, system: SystemDefinition) -> tuple[Run, Snapshot]:
    began = now()
    snapshot = gather(lambda: cluster, system, namespace=system.namespace)
    found = diagnose(snapshot)
    told = tuple(f"{one.severity} {one.ref}: {one.finding.reason}" for one in found.causes)
    return Run(number, change, now() - began, told, tuple(f"{one.what}: {one.why}" for one in found.unknown)), snapshot


def _drained_node() -> dict[str, Any]:
    said = {
        "Ready": "True",
        "MaintenanceUnderWay": "True",
        "KernelDeadlock": "False",
    }  # two that are not Kubernetes' own
    conditions = [{"type": kind, "status": state, "reason": "Selfcheck"} for kind, state in said.items()]
    status = {"conditions": conditions, "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "drained"},
        "spec": {"unschedulable": True},
        "status": status,
    }


def _idle_workload() -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "idle"}}, "spec": {"containers": [_container("sleep 3600")]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "idle"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "idle"}, "spec": spec}


def _job(what: str) -> dict[str, Any]:
    container = _container(JOBS[what]) | {"volumeMounts": [{"name": "state", "mountPath": "/state"}]}
    pod = {"restartPolicy": "OnFailure", "containers": [container], "volumes": [{"name": "state", "emptyDir": {}}]}
    name = f"{what.replace(' ', '-')}-{next(_names)}"
    spec = {"backoffLimit": 6, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def _container(command: str) -> dict[str, Any]:
    return {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
