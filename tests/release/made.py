"""Objects that releases are made of, made for a test."""

from __future__ import annotations

import copy
from typing import Any

from tests.release.fake import FakeCluster

from muster.release.contents import Rolled
from muster.release.traffic import Shared

Object = dict[str, Any]


def service(name: str = "web", **selector: str) -> Object:
    spec = {"selector": selector or {"app": "web"}, "ports": [{"name": "http", "port": 8080, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def deployment(name: str = "web", replicas: int = 3, labels: dict[str, str] | None = None, **pod: Any) -> Object:
    labels = labels or {"app": name}
    template = {
        "metadata": {"labels": dict(labels)},
        "spec": {"containers": [{"name": name, "image": "shop:1"}], **pod},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {"replicas": replicas, "selector": {"matchLabels": dict(labels)}, "template": template},
    }


def rolled(live: Object, *, copied: frozenset[str] = frozenset(), image: str = "shop:2", serves: bool = True) -> Rolled:
    """A Deployment that is to run from another image."""
    wanted = copy.deepcopy(live)
    for container in wanted["spec"]["template"]["spec"]["containers"]:
        container["image"] = image
    return Rolled(live, wanted, serves, copied)


def shared(fake: FakeCluster, *, replicas: int = 3, **kept: Any) -> Shared:
    return Shared(
        cluster=fake.cluster,
        namespace="shop",
        release="r1",
        service="web",
        port=8080,
        beside="web-canary",
        serving="web",
        replicas=replicas,
        kept=kept,
    )


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether a Service's or a Deployment's selector takes pods with these labels."""
    return bool(selector) and selector.items() <= labels.items()
