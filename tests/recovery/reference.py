"""The deployed reference system, for procedures that need all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.probes.answers.instances import ask_once
from muster.probes.http.address import service_url
from muster.probes.http.exchange import Answer
from muster.recovery import find_procedure
from muster.safety import AuditLog
from muster.steps import Context, Outcome, run
from muster.system import SystemDefinition
from muster.system.definition import Request
from muster.system.state import SystemState

ROOT = Path(__file__).resolve().parents[2]
WORKLOADS = {"db-a": "StatefulSet", "db-b": "StatefulSet", "api": "Deployment", "agents": "Deployment"}


class Reference:
    """The deployed system, and what a test does with it as a client and as an operator."""

    def __init__(self, cluster: Cluster, system: SystemDefinition, directory: Path) -> None:
        self.cluster, self.namespace = cluster, system.namespace
        self.state = SystemState(cluster, system)
        audit = AuditLog(directory / "audit.jsonl")
        self.context = Context(cluster, system, system.namespace, None, audit, service_url(cluster, system))

    def recover(self, procedure: str, **arguments: str) -> Outcome:
        return run(find_procedure(procedure), replace(self.context, arguments=arguments))

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        return ask_once(self.context.url, Request(method=method, path=path, body=body, status=[200, 201]), limit_s=5)

    def create(self, identity: str) -> None:
        answer = self.ask("POST", "/workflows", {"id": identity, "title": "kept"})
        assert answer.status == 201, answer

    def workflow(self, identity: str) -> Any:
        answer = self.ask("GET", f"/workflows/{identity}")
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def wait_done(self, *identities: str) -> None:
        for identity in identities:
            wait_for(lambda i=identity: self.workflow(i)["state"] == "done", within=60, reason=f"{identity} to be done")

    def stuck(self) -> list[str]:
        answer = self.ask("GET", "/workflows?state=stuck&limit=100")
        return [each["id"] for each in json.loads(answer.body)["workflows"]] if answer.status == 200 else []

    def claim_in_vain(self, identity: str) -> None:
        """Create a workflow whose next phase is claimed, under a long lease, by a worker that does not do it."""
        holder = "select holder from agents where holder is not null limit 1"
        claim = f"update queue set due = now() + interval '1 hour', worker = ({holder}) where workflow = '{identity}'"
        content = '{"payload": null, "title": "kept"}'
        insert = (
            f"begin; insert into workflows (id, content, digest) values ('{identity}', '{content}', '');"
            f" insert into queue (workflow) values ('{identity}'); {claim}; commit"
        )
        assert self.state.query(self.state.primaries()[0], insert) is not None
        wait_for(lambda: identity in self.stuck(), within=60, reason=f"{identity} to be stuck")

    def configure(self, name: str, value: str) -> None:
        """Change one of the enhancer's settings, of which each instance is told."""
        found = self.cluster.get("ConfigMap", "enhancer-settings", self.namespace)["data"]["settings.yaml"]
        lines = [f"{name}: {value}" if line.startswith(f"{name}:") else line for line in found.splitlines()]
        patch = {"data": {"settings.yaml": "\n".join(lines) + "\n"}}
        self.cluster.patch("ConfigMap", "enhancer-settings", self.namespace, patch)

    def lose(self, *names: str) -> None:
        """Scale workloads to 0 and kill what runs of them."""
        for name in names:
            self.cluster.scale(WORKLOADS[name], name, self.namespace, 0)
        app = "app in (api, agents, db)"
        wait_for(lambda: not self._kill(app, names), within=60, reason=f"{', '.join(names)} to be gone")

    def _kill(self, labels: str, names: tuple[str, ...]) -> list[str]:
        pods = [pod["metadata"]["name"] for pod in self.cluster.list("Pod", self.namespace, labels=labels)]
        doomed = [pod for pod in pods if pod.startswith(tuple(f"{name}-" for name in names))]
        for pod in doomed:
            self.cluster.delete("Pod", pod, self.namespace, grace_s=0)
        return doomed

    def uids(self, labels: str) -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.cluster.list("Pod", self.namespace, labels=labels)}

    def wait_whole(self) -> None:
        def trouble() -> str:
            said = "; ".join(self.state.unready()) or self.state.replication_trouble()
            return said or self.ask("GET", "/workflows").why  # clients are led to ready pods a moment later

        wait_for(lambda: not trouble(), within=120, every=0.2, reason="the system to be whole", latest=trouble)


def states(outcome: Outcome) -> dict[str, str]:
    return {step.name: step.state for step in outcome.steps}
