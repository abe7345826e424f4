"""For each test a small service of its own to be struck."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muster.base.timeline import Event, Timeline, read_timeline
from muster.base.waiting import wait_for
from muster.faults import Experiment, Injection, read_experiment
from muster.kube import Cluster
from muster.safety.fields import parse_path, read_field
from muster.system.pods import is_ready

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = ROOT / "experiments"
RATE = parse_path("spec.template.spec.containers[name=api].env[name=ENHANCER_ADMISSION_RATE].value")
# As the reference system's API does: it will not start with a rate that is no number.
SERVE = 'case "$ENHANCER_ADMISSION_RATE" in *[!0-9]*) exit 2;; esac; trap "exit 0" TERM; sleep 1000 & wait'


@dataclass
class Target:
    """A namespace with a Deployment `api`, and where an injection into it writes."""

    cluster: Cluster
    kubeconfig: Path
    namespace: str
    directory: Path
    timeline: Timeline

    def injection(self, experiment: Experiment | Path) -> Injection:
        found = experiment if isinstance(experiment, Experiment) else read_experiment(experiment)
        return Injection(
            found, self.cluster, self.kubeconfig, self.namespace, self.timeline, self.directory, "http://127.0.0.1:9"
        )

    def rate(self) -> Any:
        """What the fault `pod-crash` changes."""
        return read_field(self.cluster.get("Deployment", "api", self.namespace), RATE)

    def pods(self) -> dict[str, str]:
        """Names of the API's pods by uid."""
        pods = self.cluster.list("Pod", self.namespace, labels="app=api")
        return {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in pods}

    def events(self, kind: str) -> list[Event]:
        return [event for event in read_timeline(self.timeline.path) if event["kind"] == kind]


@pytest.fixture
def target(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Target]:
    container = {"name": "api", "image": "python:3.11-slim", "command": ["sh", "-c", SERVE]}
    template = {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [container]}}
    spec = {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "api"}},
        "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "template": template,
    }
    cluster.create(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": spec}, namespace
    )
    wait_for(
        lambda: sum(is_ready(pod) for pod in cluster.list("Pod", namespace)) == 3, within=120, reason="the API to be up"
    )
    with Timeline.start(tmp_path / "timeline.jsonl", run="test", drill="test") as timeline:
        yield Target(cluster, cluster.kubeconfig, namespace, tmp_path / "work", timeline)
