"""A small service that is configured by a ConfigMap, for the tests of restoring it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muster.base.clock import utc
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.kube.client import STRATEGIC_MERGE_PATCH
from muster.probes.answers.instances import ask_instances
from muster.probes.http.address import service_url
from muster.recovery import find_procedure
from muster.recovery.configuration import Kept, configurations_of, keep_configuration
from muster.recovery.workloads import Workload
from muster.safety import AuditLog
from muster.steps import Context, Outcome, run
from muster.system import Request, read_system
from muster.system.pods import is_ready

GOOD = "greeting: hello\nspeed: 1\n"
BROKEN = GOOD.replace("speed: 1", "speed: [")
WRONG = GOOD.replace("speed: 1", "speed: 2")
# Does not start with settings that it cannot read; says which it has; takes others over if it is told to follow them.
SERVE = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

def load():
    text = Path("/etc/shop/settings.yaml").read_text()
    if "[" in text:
        raise SystemExit("settings.yaml cannot be read")
    return text

current = load()
assert "BAD" not in os.environ

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global current
        error = None
        if os.environ["FOLLOW"] == "yes":
            try:
                current = load()
            except SystemExit as broken:
                error = str(broken)
        body = json.dumps({"settings": {"version": current, "error": error}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer.request_queue_size = 64
ThreadingHTTPServer((os.environ["IP"], 8080), Handler).serve_forever()
"""
SYSTEM = """
schema: muster/system/v1
name: shop
namespace: {namespace}
service: {{name: web, port: 8080}}
read: {{request: {{path: /}}}}
ledger:
  create: {{method: POST, path: /, body: {{id: "{{id}}", content: "{{content}}"}}, status: [201]}}
  read: {{path: "/{{id}}"}}
  content: content
operations:
  status: {{path: /}}
  configuration:
    - {{config_map: settings, used_by: [web], version: {version}, error: settings.error}}
"""


@dataclass
class Shop:
    """The service, deployed: Deployment `web` of two pods, its Service, and ConfigMap `settings`."""

    context: Context

    @classmethod
    def deploy(cls, cluster: Cluster, namespace: str, directory: Path, *, follow: bool, tells: bool = True) -> Shop:
        """Instances `follow` the ConfigMap or only read it at their start; they `tell` which they have, or do not."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
        cluster.create({**body, "data": {"settings.yaml": GOOD}}, namespace)
        cluster.create(_deployment(follow=follow), namespace)
        spec = {"selector": {"app": "web"}, "ports": [{"port": 8080, "targetPort": 8080}]}
        cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}, namespace)
        version = "settings.version" if tells else "null"
        (directory / "system.yaml").write_text(SYSTEM.format(namespace=namespace, version=version))
        (directory / "manifests").mkdir()
        (directory / "manifests/web.yaml").write_text(json.dumps(_deployment(follow=follow)))
        system = read_system(directory)
        audit = AuditLog(directory / "audit.jsonl")
        url = service_url(cluster, system)
        shop = cls(Context(cluster, system, namespace, None, audit, url))
        wait_for(shop.web.is_rolled_out, within=60, reason="the shop to be up")
        wait_for(shop.answers, within=60, reason="the shop to answer at its address")
        return shop

    def answers(self) -> bool:
        """Whether the service's address leads to instances."""
        return not ask_instances(self.context.url, Request(path="/")).failed

    @property
    def cluster(self) -> Cluster:
        return self.context.cluster

    @property
    def web(self) -> Workload:
        return Workload(self.cluster, self.context.namespace, "Deployment", "web")

    def keep(self) -> Kept:
        context = self.context
        (configuration,) = configurations_of(context.system)
        return keep_configuration(
            context.cluster, context.system, configuration, context.url, why="it ran", audit=context.audit
        )

    def restore(self, **arguments: str) -> Outcome:
        context = self.context
        given = Context(context.cluster, context.system, context.namespace, None, context.audit, context.url, arguments)
        return run(find_procedure("restore-configuration"), given)

    def set(self, text: str) -> None:
        """Change the settings."""
        patch = {"data": {"settings.yaml": text}}
        self.cluster.patch("ConfigMap", "settings", self.context.namespace, patch)

    def content(self) -> Any:
        return self.cluster.get("ConfigMap", "settings", self.context.namespace)["data"]

    def set_env(self, name: str, value: str) -> None:
        container = {"name": "web", "env": [{"name": name, "value": value}]}
        patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
        self.cluster.patch("Deployment", "web", self.context.namespace, patch, content_type=STRATEGIC_MERGE_PATCH)

    def kill(self) -> None:
        """Kill every pod without grace."""
        for pod in self.web.pods():
            self.cluster.delete("Pod", pod["metadata"]["name"], self.context.namespace, grace_s=0)

    def restart(self) -> None:
        """Have every pod made anew with what the settings are, in another second than they were changed in."""
        changed = utc()
        wait_for(lambda: utc().replace(microsecond=0) > changed, within=20, reason="the next second")
        before = self.uids()
        self.kill()
        wait_for(lambda: self.ready() == 2 and not self.uids() & before, within=60, reason="pods made anew")
        wait_for(self.answers, within=60, reason="the shop to answer again")

    def uids(self) -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.web.pods()}

    def ready(self) -> int:
        return sum(map(is_ready, self.web.pods()))

    def wait_crashing(self, pods: int = 2) -> None:
        wait_for(lambda: len(self.web.troubles()) >= pods, within=60, reason=f"{pods} pods to crash")


def _deployment(*, follow: bool) -> dict[str, Any]:
    labels = {"app": "web"}
    container = {
        "name": "web",
        "image": "python:3.11-slim",
        "command": ["python", "-c", SERVE],
        "env": [
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "FOLLOW", "value": "yes" if follow else "no"},
        ],
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/shop"}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    volumes = [{"name": "settings", "configMap": {"name": "settings"}}]
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 0},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
