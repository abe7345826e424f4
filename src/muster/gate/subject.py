"""What a gate is held for: a release, where it runs, and what is on record of it. Gathered once; looks only read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from muster.base.errors import ClusterError
from muster.gate.answers import Answer, Baseline
from muster.gate.statement import Evidence, Outcome
from muster.history.facts import DrillFacts, ObjectiveFacts
from muster.history.plan import Planned
from muster.kube import ApiError, Cluster
from muster.release.record import Release
from muster.snapshot import Snapshot
from muster.system import SystemDefinition
from muster.system.version import SystemVersion
from muster.wire.names import EMBEDDED_IMAGE

Object = dict[str, Any]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service", "ServiceAccount", "ConfigMap")
# What may be kept from whoever holds the gate, and is not served by each cluster.
BESIDE = ("Secret", "NetworkPolicy", "Role", "RoleBinding")
CLUSTER_WIDE = ("ClusterRole", "ClusterRoleBinding")
NOT_SERVED = "this cluster serves none"


@dataclass(frozen=True)
class Found:
    """What a look found: `why` is what it comes to, in one line, and `lines` show it. `at` and `source` stand where
    they are others than those of the whole gate, `evidence` where it is another kind than the cluster's."""

    outcome: Outcome
    why: str
    lines: tuple[str, ...] = ()
    at: str = ""
    source: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Objects:
    """Objects as the API gives them, by kind; of a kind that could not be had, `unseen` says why."""

    by_kind: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[Object]:
        """The objects of some kinds, in their order; none of one that could not be had."""
        return [item for kind in kinds for item in self.by_kind.get(kind, ())]


@dataclass(frozen=True)
class Proven:
    """What is on record: drills oldest first, objectives by the drill's id, versions by key, answers and the baseline.
    `plan` are the project's drills, or why nobody knows them."""

    plan: Mapping[str, Planned] | str = field(default_factory=dict)
    drills: Sequence[DrillFacts] = ()
    objectives: Mapping[int, Sequence[ObjectiveFacts]] = field(default_factory=dict)
    versions: Mapping[str, SystemVersion] = field(default_factory=dict)
    answers: Sequence[Answer] = ()
    baseline: Baseline | None = None


@dataclass(frozen=True)
class Subject:
    """Everything that looks see. `release` is what it is called, `brought` what `muster deploy` would call it.

    `wanted` is the version that the gate is about, `running` what the cluster runs, or why that is not known.
    `evidence` is what is proven on this cluster: `cluster`, or `rehearsal`.
    """

    system: SystemDefinition
    release: str
    brought: str
    wanted: SystemVersion
    running: SystemVersion | str
    snapshot: Snapshot
    objects: Objects
    proven: Proven
    record: Release | None
    cluster: str
    evidence: Evidence
    now: datetime


def objects_of(cluster: Cluster, namespace: str) -> Objects:
    """The objects that looks need: of the namespace, and who may do what in the whole cluster."""
    found, unseen = dict[str, Sequence[Object]](), dict[str, str]()
    for kind in (*KINDS, *BESIDE, *CLUSTER_WIDE):
        try:
            found[kind] = _listed(cluster, kind, namespace)
        except ApiError as error:
            unseen[kind] = NOT_SERVED if error.code == 404 else str(error)
        except ClusterError as error:
            unseen[kind] = str(error)
    return Objects(found, unseen)


def _listed(cluster: Cluster, kind: str, namespace: str) -> Sequence[Object]:
    if kind not in CLUSTER_WIDE:
        return cluster.list(kind, namespace)
    items: Iterable[Object] = cluster.request("GET", f"{RBAC}/{kind.lower()}s").json().get("items") or []
    return [{"kind": kind, **item} for item in items]


def is_embedded(objects: Objects) -> bool:
    """Whether these are of an embedded cluster, whoever's kubeconfig led there: its pods say so."""
    pods = objects.of("Pod")
    statuses = [one for pod in pods for one in (pod.get("status") or {}).get("containerStatuses") or []]
    return any(str(one.get("imageID") or "").startswith(EMBEDDED_IMAGE) for one in statuses)


def template_of(workload: Object) -> Object:
    """The spec of a workload's pods."""
    spec = workload.get("spec") or {}
    if workload["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    if workload["kind"] == "Pod":
        return spec
    return (spec.get("template") or {}).get("spec") or {}


def workloads_of(objects: Objects) -> list[Object]:
    """What people would change: workloads that no other manages, and bare pods."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Pod")
    return [one for one in objects.of(*kinds) if not one["metadata"].get("ownerReferences")]


def name_of(item: Object) -> str:
    """`Deployment/api`."""
    return f"{item['kind']}/{item['metadata']['name']}"
