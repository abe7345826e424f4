"""`muster gate RELEASE` on a cluster: evidence is gathered, judged and signed; what people answer is kept."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from tests.gate.made import write_keys

from muster.base.clock import utc
from muster.base.waiting import wait_for
from muster.cli.main import commands
from muster.kube import Cluster
from muster.schemas import DIRECTORY
from muster.system.manifests import read_manifests

SHOP = """
schema: muster/system/v1
name: shop
namespace: {namespace}
service: {{name: shop, port: 8080}}
read: {{request: {{path: /items.json}}}}
release:
  acceptance:
    for: rehearsal
    manual: {{user-access: Do users get in?}}
"""
MANIFESTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: stock}
data: {items.json: '{"items": []}'}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      automountServiceAccountToken: false
      containers:
        - name: shop
          image: python:3.11-slim
          command: [python3, -m, http.server, --bind, $(POD_IP), --directory, /srv, "8080"]
          env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
          readinessProbe: {httpGet: {path: /items.json, port: 8080}, periodSeconds: 1}
          volumeMounts: [{name: stock, mountPath: /srv}]
      volumes: [{name: stock, configMap: {name: stock}}]
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 8080}]}
"""


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose shop runs in a namespace of its own, with keys and no history."""
    home = tmp_path / "systems" / "shop"
    (home / "manifests").mkdir(parents=True)
    (home / "system.yaml").write_text(SHOP.format(namespace=namespace))
    (home / "manifests" / "shop.yaml").write_text(MANIFESTS)
    (tmp_path / "pyproject.toml").touch()
    write_keys(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("MUSTER_KUBE_CONTEXT", cluster.context)
    monkeypatch.setenv("MUSTER_GATE_KEY", "gate.key")
    monkeypatch.delenv("MUSTER_HISTORY", raising=False)
    for item in read_manifests(home / "manifests"):
        cluster.create(item, namespace)
    wait_for(lambda: _ready(cluster, namespace), within=60, reason="the shop to serve", every=0.2)
    return tmp_path


def _ready(cluster: Cluster, namespace: str) -> bool:
    status = cluster.get("Deployment", "shop", namespace).get("status") or {}
    return bool(status.get("readyReplicas") == 1)


def gate(*said: str) -> Result:
    return CliRunner().invoke(commands, ["gate", *said], catch_exceptions=False)


def told(name: str, *said: str) -> Any:
    content = json.loads(gate(*said, "--json").output)
    Draft202012Validator(json.loads((DIRECTORY / name).read_text())).validate(content)
    return content


RELEASE = "systems/shop/manifests"


def test_a_release_is_judged_signed_and_let_in_once_all_is_answered_or_waived(project: Path) -> None:
    plan = told("gate-plan-v1.json", RELEASE, "--plan")
    assert (plan["asks"], (project / "reports").exists()) == (["user-access"], False)
    first = told("gate-v1.json", RELEASE)
    outcomes = {item["name"]: (item["outcome"], item["why"], item["evidence"]) for item in first["items"]}
    assert outcomes["version"][0] == "met", outcomes
    assert outcomes["permissions"][0] == "met", outcomes
    assert outcomes["images"][2] == "rehearsal", "a kubeconfig of one's own makes no cluster of the embedded one"
    assert outcomes["manual user-access"] == ("unknown", "nobody has answered: Do users get in?", "person")
    assert (first["verdict"], first["file"]) == ("unknown", "reports/acceptance.json")

    answered = told("gate-answer-v1.json", "answer", "user-access", "yes", "--by", "support", "--why", "tried it")
    assert answered["version"] == first["version"]["id"]
    left = {item["name"] for item in first["items"] if item["outcome"] != "met"} - {"manual user-access"}
    waivers = [{"what": name, "who": "release management", "why": "a test", "until": _soon()} for name in sorted(left)]
    (project / "systems/shop/waivers.yaml").write_text(
        yaml.safe_dump({"schema": "muster/waivers/v1", "waivers": waivers})
    )
    done = gate(RELEASE)
    assert done.exit_code == 0, done.output
    assert max(map(len, done.output.splitlines())) <= 80
    assert done.output.startswith("met: ")

    digest = first["version"]["images"][0]["digest"]
    file = ("verify", "reports/acceptance.json", "--key", "gate.pub")
    assert gate(*file, "--for", "rehearsal", "--image", f"python:3.11-slim={digest}").exit_code == 0
    assert gate(*file, "--for", "rehearsal", "--image", f"python:3.11-slim={'0' * 64}").exit_code == 1
    assert "refused: it opens a gate for rehearsal" in gate(*file).output

    production = gate(RELEASE, "--for", "production")
    assert production.exit_code == 2, "evidence of a rehearsal opens nothing in production"
    assert "a rehearsal proves nothing of production" in " ".join(production.output.split())


def _soon() -> str:
    return f"{utc() + timedelta(days=2):%Y-%m-%d}"
