"""What a gate is held on, built by hand: a shop that is as it should be, and what is changed of it."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from muster.gate.subject import Found, Objects, Proven, Subject
from muster.history.facts import DrillFacts, ObjectiveFacts
from muster.snapshot import Snapshot
from muster.system import SystemDefinition
from muster.system.version import ContainerImage, SystemVersion

from .made import NOW

Object = dict[str, Any]
DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "c" * 64
IMAGE = f"registry.example/shop@{DIGEST}"
SYSTEM: dict[str, Any] = {
    "schema": "muster/system/v1",
    "name": "shop",
    "namespace": "shop",
    "service": {"name": "shop", "port": 80},
    "read": {"request": {"path": "/"}},
    "database": {"service": "db", "instances": ["db-a"], "selector_key": "instance", "topology": "db-topology"},
}


def system(**acceptance: Any) -> SystemDefinition:
    return SystemDefinition.model_validate({**SYSTEM, "release": {"acceptance": acceptance}})


def version(digest: str | None = DIGEST, image: str = IMAGE) -> SystemVersion:
    found = ContainerImage("Deployment/shop", "shop", image, digest, "" if digest else "nobody knows it")
    return SystemVersion("shop", (found,), {"ConfigMap/rules": "sha256:" + "b" * 64})


def made(kind: str, name: str, **content: Any) -> Object:
    metadata = {"name": name, "namespace": "shop", **content.pop("metadata", {})}
    return {"kind": kind, "metadata": metadata, **content}


def workload(name: str = "shop", *, kind: str = "Deployment", container: Object | None = None, **spec: Any) -> Object:
    own = {"name": name, "image": IMAGE, **(container or {})}
    template = {"automountServiceAccountToken": False, "containers": [own], **spec}
    return made(kind, name, spec={"template": {"spec": template}})


def pod(name: str, **labels: str) -> Object:
    return made("Pod", name, metadata={"labels": labels, "ownerReferences": [{"kind": "StatefulSet", "name": name}]})


def secret(name: str, **values: str) -> Object:
    return made("Secret", name, data={key: base64.b64encode(value.encode()).decode() for key, value in values.items()})


def objects(*items: Object, unseen: dict[str, str] | None = None) -> Objects:
    by_kind = dict[str, list[Object]]()
    for item in items:
        by_kind.setdefault(item["kind"], []).append(item)
    return Objects(by_kind, unseen or {})


def subject(**changed: Any) -> Subject:
    plain = Subject(
        system=system(),
        release="5.2",
        brought="5.2",
        wanted=version(),
        running=version(),
        snapshot=Snapshot("2026-03-01T12:00:00Z", "shop"),
        objects=objects(),
        proven=Proven(),
        record=None,
        cluster="staging",
        evidence="cluster",
        now=NOW,
    )
    return replace(plain, **changed)


def drill(number: int, name: str = "db_failure", **changed: Any) -> DrillFacts:
    """A drill that was met, `number` hours before NOW."""
    told: dict[str, Any] = dict.fromkeys(DrillFacts._fields)
    told |= {
        "id": number,
        "run": f"run-{number}",
        "at": f"2026-02-{28 - number // 24:02}T{23 - number % 24:02}:00:00.000Z",
    }
    told |= {
        "system": "shop",
        "cluster": "staging",
        "evidence": "cluster",
        "name": name,
        "verdict": "met",
        "why": "in time",
    }
    told |= {"muster_version": "1.0", "rto_value_s": 2.0, "severity": "P1", "version": "this"}
    return DrillFacts(**{**told, **changed})


def latency(number: int, value: float) -> ObjectiveFacts:
    return ObjectiveFacts(number, "latency_p95", "before", 1.0, value, 1000, None)


def said(found: Found | None) -> tuple[str, str]:
    assert found is not None
    return found.outcome, found.why
