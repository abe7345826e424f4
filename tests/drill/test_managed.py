"""The system of a session is deployed anew where a drill left it spoilt or scaled, and only then."""

from __future__ import annotations

import secrets
from pathlib import Path

import yaml

from muster.drill import ManagedSystem
from muster.kube import Cluster
from muster.system import SystemDefinition, read_system

ROOT = Path(__file__).resolve().parents[2]


def small_system(directory: Path) -> SystemDefinition:
    """A system of one Deployment that asks for no more than to run."""
    content = yaml.safe_load((ROOT / "systems/enhancer/system.yaml").read_text())
    kept = {key: content[key] for key in ("schema", "name", "service", "read", "ledger")}
    (directory / "system.yaml").write_text(yaml.safe_dump({**kept, "namespace": f"small-{secrets.token_hex(4)}"}))
    container = {"name": "api", "image": "python:3.11-slim", "command": ["sleep", "1000"]}
    labels = {"app": "api"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": spec}
    (directory / "manifests").mkdir()
    (directory / "manifests" / "api.yaml").write_text(yaml.safe_dump(deployment))
    return read_system(directory)


def test_a_system_is_made_anew_where_a_drill_left_it_spoilt_or_scaled(cluster: Cluster, tmp_path: Path) -> None:
    system = small_system(tmp_path)
    managed = ManagedSystem(cluster, system)

    def made() -> str:
        managed.prepare()
        found = cluster.get("Deployment", "api", system.namespace)
        assert found["spec"]["replicas"] == 2
        return str(found["metadata"]["uid"])

    try:
        first = made()
        assert made() == first, "a system that is as it was is not touched"
        cluster.scale("Deployment", "api", system.namespace, 3)
        scaled = made()
        assert scaled != first, "capacity that nobody took back"
        managed.spoilt()
        assert made() != scaled
    finally:
        cluster.delete("Namespace", system.namespace)
