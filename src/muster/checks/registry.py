"""The checks that there are: muster's own, and those of packages that offer some.

A package offers a check by an entry point of the group `muster.checks` that names a `Check`; a system declares some in
its system.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

from muster.base.errors import UsageError
from muster.checks.check import Check
from muster.checks.cluster.claims import claims
from muster.checks.cluster.nodes import evictions, nodes, usage
from muster.checks.system import database, own, service
from muster.checks.system.declared import declared
from muster.checks.system.levels import levels
from muster.checks.traffic.policies import policies
from muster.checks.traffic.reach import reach
from muster.checks.traffic.services import ingresses, services
from muster.checks.workloads.autoscaling import autoscalers
from muster.checks.workloads.creating import making
from muster.checks.workloads.errors import logs
from muster.checks.workloads.jobs import cron_jobs, jobs
from muster.checks.workloads.leaving import leaving
from muster.checks.workloads.rollouts import budgets, rollouts
from muster.checks.workloads.running import pods

GROUP = "muster.checks"
_CAPACITY, _CLUSTER, _SETTINGS = "workloads and capacity", "cluster and permissions", "configuration and secrets"

_DATABASE, _DRILLS, _ALERTS = "database, replication and backups", "drill evidence", "monitoring and alerting"
_BUDGET = "objectives and error budget"

OWN = (
    Check("faults", "no fault of a drill is in force", _DRILLS, own.faults, ("ConfigMap",)),
    Check("procedures", "no recovery procedure was begun and left", _DRILLS, own.procedures, ("ConfigMap",)),
    Check(
        "pods",
        "pods run and serve; else why not: image, configuration, volume, node, crash, memory, probe",
        _CAPACITY,
        pods,
        ("Pod",),
        ("repair-crashed-pods", "restore-configuration"),
    ),
    Check("making", "pods can be made: quota, limits, account, policy, webhook", _CAPACITY, making, ("ReplicaSet",)),
    Check(
        "rollouts",
        "rollouts come forward within their deadline",
        _CAPACITY,
        rollouts,
        ("Deployment",),
        ("repair-crashed-pods",),
    ),
    Check("jobs", "no Job has failed for good", _CAPACITY, jobs, ("Job",)),
    Check("cron-jobs", "CronJobs can begin their Jobs", _CAPACITY, cron_jobs, ("CronJob",)),
    Check(
        "autoscalers",
        "autoscalers have metrics, a target, and room",
        _CAPACITY,
        autoscalers,
        ("HorizontalPodAutoscaler",),
    ),
    Check(
        "budgets",
        "disruption budgets can be worked out, and let nodes be drained",
        _CAPACITY,
        budgets,
        ("PodDisruptionBudget",),
    ),
    Check("leaving", "what is being deleted goes: finalizers, users, lost nodes", _CLUSTER, leaving, ()),
    Check("nodes", "nodes are ready and short of nothing", _CLUSTER, nodes, ("Node",)),
    Check("evictions", "no pods were driven from their nodes of late", _CAPACITY, evictions, ("Pod",)),
    Check(
        "usage",
        "nodes and containers have memory left, where metrics are served",
        _CAPACITY,
        usage,
        ("metrics of nodes", "metrics of pods"),
    ),
    Check("claims", "claims have volumes", _CLUSTER, claims, ("PersistentVolumeClaim",)),
    Check("services", "Services lead to ready pods, on ports that these have", _CAPACITY, services, ("Service", "Pod")),
    Check("policies", "NetworkPolicies let somebody come to Services", _CAPACITY, policies, ("Service", "Pod")),
    Check("ingresses", "Ingresses lead to Services that exist", _CAPACITY, ingresses, ("Ingress",)),
    Check("front", "the Service by which clients come in is there", _CAPACITY, service.there, ("Service",)),
    Check(
        "service",
        "the service answers the read of system.yaml rightly",
        _CAPACITY,
        service.asked,
        ("service",),
        ("restart-service",),
    ),
    Check(
        "stopped",
        "what clients come in by is not scaled to 0",
        _CAPACITY,
        service.stopped,
        ("service",),
        ("full-restart",),
    ),
    Check(
        "capacity",
        "no instance refuses requests for want of capacity",
        _CAPACITY,
        service.capacity,
        ("status",),
        ("add-capacity",),
    ),
    Check(
        "configuration",
        "the configuration is taken, and is the known good one where something fails",
        _SETTINGS,
        own.configuration,
        ("known good",),
        ("restore-configuration",),
    ),
    Check(
        "replication",
        "the database has one primary, and its standbys follow",
        _DATABASE,
        database.replication,
        ("database",),
        ("promote-standby", "restore-backup", "full-restart"),
    ),
    Check(
        "database-service",
        "the database's Service leads to its primary",
        _DATABASE,
        database.leads,
        ("database",),
        ("repair-database-connection",),
    ),
    Check("database-room", "databases have connections and disk left", _DATABASE, database.room, ("database",)),
    Check("agents", "all agents are there", _CAPACITY, service.agents, ("status",), ("repair-agent-coordination",)),
    Check(
        "workflows",
        "no work stands still in a phase",
        _CAPACITY,
        service.workflows,
        ("workflows",),
        ("reset-workflow-state",),
    ),
    Check("probes", "the further probes of system.yaml are answered as it says", _CAPACITY, service.probes, ()),
    Check("alerts", "no alert fires", _ALERTS, service.alerts, ("monitoring",)),
    Check("levels", "no error budget burns faster than it may", _BUDGET, levels, ("service levels",)),
    Check("certificates", "no certificate expires within 14 days", _SETTINGS, own.expiring, ()),
    Check(
        "reach",
        "programs reach whom they ask, as their logs tell",
        _SETTINGS,
        reach,
        ("Pod",),
        ("repair-database-connection",),
    ),
    Check("logs", "programs log no error and nothing else", _CAPACITY, logs, ("Pod",)),
)


def checks(system: Mapping[str, Any] | None = None) -> list[Check]:
    """Every check, in the order in which they are run; those too that a system declares (what a snapshot tells of it).

    Raises:
        UsageError: two have the same name, or an offered one cannot be loaded.
    """
    found: dict[str, Check] = {}
    for check in (*OWN, *_offered(), *declared(system or {})):
        if check.name in found:
            raise UsageError(f"check '{check.name}' exists twice; rename the one of system.yaml, or of your package")
        found[check.name] = check
    return list(found.values())


def find_checks(names: Sequence[str], system: Mapping[str, Any] | None = None) -> list[Check]:
    """The checks of these names, or all where none is named.

    Raises:
        UsageError: there is none of a name; the message lists those that there are.
    """
    known = {check.name: check for check in checks(system)}
    for name in names:
        if name not in known:
            raise UsageError(f"check '{name}' not known (there are: {', '.join(known)})")
    return [known[name] for name in names] if names else list(known.values())


def _offered() -> list[Check]:
    offered = list[Check]()
    for point in entry_points(group=GROUP):
        try:
            check = point.load()
        except (ImportError, AttributeError) as error:
            raise UsageError(f"check '{point.name}' ({point.value}) cannot be loaded: {error}") from error
        if not isinstance(check, Check):
            raise UsageError(f"check '{point.name}' ({point.value}) is no muster.checks.check.Check")
        offered.append(check)
    return offered
