"""What is meant to be so is no finding: work that is done, rollouts under way, what rests on purpose, what has just begun."""

from __future__ import annotations

import pytest
from tests.diagnosis.building import (
    BEGAN,
    JUST_NOW,
    LONG_AGO,
    NOW,
    Object,
    claim,
    crashed,
    deployment,
    event,
    looked_at,
    made,
    mounting,
    node,
    owned,
    pod,
    ready,
    service,
    tail,
    template,
    told,
    unready,
    unscheduled,
    waiting,
)

from muster.snapshot import LogTail

GOING_ON = {
    "conditions": [
        {"type": "Available", "status": "True", "lastTransitionTime": LONG_AGO},
        {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastTransitionTime": NOW},
    ]
}
ANEW = {
    "conditions": [
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "lastTransitionTime": JUST_NOW},
        {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastTransitionTime": JUST_NOW},
    ]
}  # fmt: skip


def job(name: str = "import", *, owner: str = "", **status: object) -> Object:
    tags = {"labels": {"batch.kubernetes.io/job-name": name}}
    return made(
        "Job",
        name,
        metadata=owned("CronJob", owner, **tags) if owner else tags,
        spec={"template": template(name)},
        status=status,
    )


def ended(code: int, name: str, owner: tuple[str, str], at: str = NOW, **more: object) -> Object:
    """A pod that is through."""
    state = {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error", "finishedAt": at}}
    one = {"name": "main", "ready": False, "restartCount": 0, "state": state}
    return pod({"phase": "Failed" if code else "Succeeded", "containerStatuses": [one]}, name=name, owner=owner, **more)


def second(status: Object, name: str = "web-2-x", **spec: object) -> list[Object]:
    """Deployment web with a pod of revision 1 that serves, and one of revision 2 that is so."""
    first = deployment(replicas=1, status=GOING_ON)
    newer = made(
        "ReplicaSet",
        "web-2",
        metadata=owned(
            "Deployment",
            "web",
            labels={"pod-template-hash": "2"},
            annotations={"deployment.kubernetes.io/revision": "2"},
        ),
        spec={"replicas": 1},
        status={"replicas": 1},
    )
    return [*first, newer, ready(), pod(status, dict(spec), name=name, owner=("ReplicaSet", "web-2")), service()]


FAILED = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": NOW}
COMPLETE = {"type": "Complete", "status": "True", "lastTransitionTime": NOW}
DB = {"replicas": 2, "selector": {"matchLabels": {"app": "db"}}, "template": template("db")}
SET = ("StatefulSet", "db")
PROBED = {"containers": [{"name": "main", "readinessProbe": {"httpGet": {"port": 8080}}}]}
HEADLESS = service("db", clusterIP="None")
REFUSED = event(
    "Pod",
    "web-1-x",
    "Unhealthy",
    'Readiness probe failed: Get "http://10.2.0.3:8080/": dial tcp 10.2.0.3:8080: connect: connection refused',
    container="main",
    count=3,
)
WELL: dict[str, list[Object]] = {
    "nothing at all": [],
    "a workload that serves": [*deployment(), ready(), service()],
    # Work that is done.
    "a Job that is through": [job(conditions=[COMPLETE], succeeded=1), ended(0, "import-a", ("Job", "import"))],
    "a Job that was through at the second try": [job(conditions=[COMPLETE], succeeded=1, failed=1), ended(1, "import-a", ("Job", "import")), ended(0, "import-b", ("Job", "import"))],
    "a Job that is tried again": [job(active=1, failed=1), ended(1, "import-a", ("Job", "import")), pod({"phase": "Running", **unready()}, name="import-b", owner=("Job", "import"))],
    "a Job whose container is restarted for the second time": [job(active=1), pod(crashed(restarts=1), {"restartPolicy": "OnFailure"}, name="import-a", owner=("Job", "import"))],
    "a Job that is suspended": [made("Job", "later", spec={"suspend": True, "template": template("later")}, status={"conditions": [{"type": "Suspended", "status": "True"}]})],
    "a CronJob whose Job failed, and the next was through": [
        made("CronJob", "nightly", spec={"schedule": "0 3 * * *"}),
        job("nightly-1", owner="nightly", conditions=[FAILED]),
        {**(two := job("nightly-2", owner="nightly", conditions=[COMPLETE])), "metadata": {**two["metadata"], "creationTimestamp": NOW}},
    ],
    "a CronJob that is suspended": [made("CronJob", "nightly", spec={"suspend": True, "schedule": "0 3 * * *"}), event("CronJob", "nightly", "MissSchedule", "Missed scheduled time to start a job: Thu, 26 Nov 2026 03:00:00 +0000")],
    "a CronJob that skips a turn since the one before goes on": [made("CronJob", "often", spec={"concurrencyPolicy": "Forbid"}, status={"active": [{"name": "often-1"}]}), event("CronJob", "often", "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid")],
    "a pod of its own that is through": [ended(0, "once", ("", ""))],
    "a pod of its own that failed long ago": [ended(2, "once", ("", ""), at=LONG_AGO)],
    "pods that were driven out long ago": [*deployment(), ready(), service(), pod({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.", "conditions": [{"type": "DisruptionTarget", "status": "True", "lastTransitionTime": LONG_AGO}]}, name="web-1-e")],
    "pods that were shut down with their node": [*deployment(), ready(), service(), pod({"phase": "Failed", "reason": "Terminated", "message": "Pod was terminated in response to imminent node shutdown."}, name="web-1-e")],
    "an old restart": [*deployment(), ready(restarts=4, ended={"exitCode": 137, "reason": "OOMKilled", "finishedAt": LONG_AGO}), service()],
    "one restart of late": [*deployment(), ready(restarts=1, ended={"exitCode": 1, "reason": "Error", "finishedAt": NOW}), service()],
    # Rollouts under way.
    "a rollout whose new pods are not ready yet": [*second(unready(), **PROBED), {**REFUSED, "involvedObject": {**REFUSED["involvedObject"], "name": "web-2-x"}}],
    "a rollout whose new pod is being made": second(waiting("ContainerCreating")),
    "a rollout whose old pod is on its way out": [*second(unready()), pod({"phase": "Running", **unready()}, name="web-1-o", deletionTimestamp=NOW)],
    "a Recreate between two revisions": [*deployment(status=ANEW), service()],
    "a Recreate whose new pods are being made": [*deployment(status=ANEW), pod(waiting("ContainerCreating"), creationTimestamp=JUST_NOW), service()],
    "pods that pull a large image": [*deployment(status=ANEW), pod(waiting("ContainerCreating")), service(), event("Pod", "web-1-x", "Pulling", 'Pulling image "shop/web:1"', type="Normal")],
    "a set that rolls": [
        made("StatefulSet", "db", spec=DB, status={"replicas": 2, "readyReplicas": 1, "currentRevision": "db-a", "updateRevision": "db-b"}),
        ready("db-0", owner=SET), pod({**waiting("ContainerCreating"), "startTime": JUST_NOW}, name="db-1", owner=SET, creationTimestamp=JUST_NOW), HEADLESS,
    ],
    "a set whose only pod is made anew": [
        made("StatefulSet", "db", spec={**DB, "replicas": 1}, status={"replicas": 1}),
        pod({"phase": "Running", **unready(since=JUST_NOW), "startTime": JUST_NOW, "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": JUST_NOW}]}, PROBED, name="db-0", owner=SET, creationTimestamp=JUST_NOW), HEADLESS,
    ],
    "a set whose only pod was deleted a moment ago": [
        made("StatefulSet", "db", spec={**DB, "replicas": 1}, status={"replicas": 0}), HEADLESS,
        event("StatefulSet", "db", "SuccessfulDelete", "delete Pod db-0 in StatefulSet db successful", type="Normal"),
    ],
    "a rollout that is paused for a moment": [*deployment(spec={"paused": True}, status={"conditions": [{"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused", "lastTransitionTime": NOW}]}), ready(), service()],
    # What rests, or is for others.
    "a workload and its Service, scaled to 0": [*deployment(replicas=0), service()],
    "a set scaled to 0": [made("StatefulSet", "db", spec={**DB, "replicas": 0}), HEADLESS],
    "an autoscaler that rests": [*deployment(replicas=0), made("HorizontalPodAutoscaler", "web", spec={"scaleTargetRef": {"kind": "Deployment", "name": "web"}}, status={"conditions": [{"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled", "message": "scaling is disabled since the replica count of the target is zero"}]})],
    "an autoscaler at its least": [*deployment(), ready(), made("HorizontalPodAutoscaler", "web", spec={"minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}, status={"conditions": [{"type": "AbleToScale", "status": "True"}, {"type": "ScalingActive", "status": "True"}, {"type": "ScalingLimited", "status": "True", "reason": "TooFewReplicas", "lastTransitionTime": BEGAN}]})],
    "an autoscaler at its most, and enough": [*deployment(), ready(), made("HorizontalPodAutoscaler", "web", spec={"maxReplicas": 1, "scaleTargetRef": {"kind": "Deployment", "name": "web"}, "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}]}, status={"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 60}}}], "conditions": [{"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "lastTransitionTime": BEGAN}]})],
    "a new autoscaler without metrics yet": [*deployment(), ready(), made("HorizontalPodAutoscaler", "web", spec={"scaleTargetRef": {"kind": "Deployment", "name": "web"}}, status={"conditions": [{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "lastTransitionTime": JUST_NOW, "message": "unable to get metrics for resource cpu: no metrics returned from resource metrics API"}]})],
    "a budget, and nobody who wants anybody gone": [*deployment(), ready(), made("PodDisruptionBudget", "web", spec={"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}, status={"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "conditions": [{"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods"}]})],
    "a quota that is just used up": [*deployment(), ready(), made("ResourceQuota", "small", spec={"hard": {"pods": "1"}}, status={"hard": {"pods": "1"}, "used": {"pods": "1"}})],
    "a node that is drained": [node(spec={"unschedulable": True, "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]}), node("n2"), *deployment(), ready(spec={"nodeName": "n2"}), service()],
    "conditions of a node that are somebody else's": [node(conditions=[{"type": "KernelDeadlock", "status": "True"}, {"type": "FrequentKubeletRestart", "status": "Unknown"}])],
    "a claim that waits for its first consumer": [made("StorageClass", "local", volumeBindingMode="WaitForFirstConsumer"), claim(storageClassName="local"), event("PersistentVolumeClaim", "data", "WaitForFirstConsumer", "waiting for first consumer to be created before binding", type="Normal")],
    "a claim that is bound": [claim(phase="Bound", volumeName="pv-1"), *deployment(), ready(spec=mounting()), service()],
    "a policy that lets some in": [*deployment(), ready(), service(), made("NetworkPolicy", "web", spec={"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "front"}}}]}]})],
    "a policy that shuts all, and one that opens it again": [*deployment(), ready(), service(), made("NetworkPolicy", "none", spec={"podSelector": {}, "policyTypes": ["Ingress"]}), made("NetworkPolicy", "web", spec={"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}]})],
    "a policy that shuts what nobody asks": [*deployment(), ready(), made("NetworkPolicy", "none", spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})],
    # Services of other kinds.
    "a headless Service": [made("StatefulSet", "db", spec={**DB, "replicas": 1}, status={"replicas": 1}), ready("db-0", owner=SET), HEADLESS],
    "a Service with endpoints by hand": [made("Service", "old", spec={"ports": [{"port": 5432}]}), made("EndpointSlice", "old-1", metadata={"labels": {"kubernetes.io/service-name": "old"}}, endpoints=[{"addresses": ["192.0.2.7"]}])],
    "a Service that is another name": [made("Service", "mail", spec={"type": "ExternalName", "externalName": "mail.example.com"})],
    "a target port that no container declares": [*deployment(), ready(spec={"containers": [{"name": "main", "ports": [{"containerPort": 8080}]}]}), service(target=9090)],
    "a target port of containers that declare none": [*deployment(), ready(), service(target=9090)],
    "a target port by its name": [*deployment(), ready(spec={"containers": [{"name": "main", "ports": [{"name": "http", "containerPort": 8080}]}]}), service(target="http")],
    "a Service of a CronJob between two Jobs": [made("CronJob", "nightly", spec={"jobTemplate": {"spec": {"template": template("nightly")}}}), service("nightly")],
    "a Service whose pods are younger than a moment": [*deployment(status=ANEW), pod({"phase": "Running", **unready(since=JUST_NOW), "startTime": JUST_NOW, "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": JUST_NOW}]}, PROBED, creationTimestamp=JUST_NOW), service()],
    "pods without a node yet": [*deployment(status=ANEW), pod({"startTime": None}, {"nodeName": ""}, creationTimestamp=JUST_NOW), service()],
    "a sidecar beside a program that serves": [*deployment(), (s := ready(spec={"initContainers": [{"name": "mesh", "restartPolicy": "Always"}], "containers": [{"name": "main"}]}), s["status"].update(initContainerStatuses=[{"name": "mesh", "ready": True, "started": True, "restartCount": 0, "state": {"running": {"startedAt": BEGAN}}}]), s)[-1], service()],
    "what is being deleted, and goes": [made("ConfigMap", "old", metadata={"deletionTimestamp": NOW, "finalizers": ["example.com/hold"]})],
    "a certificate that holds for long": [made("Secret", "tls", type="kubernetes.io/tls", metadata={"annotations": {"muster.dev/not-after": "2027-11-27T00:00:00Z"}})],
}  # fmt: skip
# The same with logs, which tell that it goes on.
PREPARES = [
    *deployment(status=ANEW),
    pod({"initContainerStatuses": [{"name": "migrate", "ready": False, "restartCount": 0, "state": {"running": {"startedAt": BEGAN}}}], **waiting("PodInitializing")}, {"initContainers": [{"name": "migrate"}]}),
    service(),
]  # fmt: skip
WITH_LOGS: dict[str, tuple[list[Object], list[LogTail]]] = {
    "a container that prepares for minutes": (PREPARES, [tail("web-1-x", "migrating orders", "migrated 40000 of 90000 rows", container="migrate")]),
    "a container that prepares and says nothing": (PREPARES, []),
    "errors among others in a log": ([*deployment(), ready(), service()], [tail("web-1-r", *["INFO served", "ERROR client sent no token"] * 30)]),
    "a word of an error in a log": ([*deployment(), ready(), service()], [tail("web-1-r", *["served"] * 40, "connection refused by db:5432, trying again", "served")]),
    "a database that refuses somebody's password": ([*deployment("db"), ready("db-1-r"), service("db")], [tail("db-1-r", *["database system is ready"] * 9, 'FATAL:  password authentication failed for user "joe"')]),
}  # fmt: skip


@pytest.mark.parametrize("name", WELL)
def test_what_is_meant_to_be_so_is_no_finding(name: str) -> None:
    diagnosis = looked_at(WELL[name])
    assert ([told(cause) for cause in diagnosis.causes], diagnosis.unknown) == ([], ())


@pytest.mark.parametrize("name", WITH_LOGS)
def test_what_goes_on_by_its_log_is_no_finding(name: str) -> None:
    diagnosis = looked_at(*WITH_LOGS[name])
    assert ([told(cause) for cause in diagnosis.causes], diagnosis.unknown) == ([], ())


def test_all_that_is_well_together_is_well() -> None:
    """Each in a namespace of its own, looked at as a whole cluster is."""
    whole = [
        {**item, "metadata": {**item["metadata"], **({"namespace": f"space-{number}"} if "namespace" in item["metadata"] else {})}}
        for number, objects in enumerate(WELL.values())
        for item in objects
        if item["kind"] not in ("Node", "StorageClass")
    ]  # fmt: skip
    for item in whole:
        if item["kind"] == "Event":
            item["involvedObject"] = {**item["involvedObject"], "namespace": item["metadata"]["namespace"]}
    diagnosis = looked_at([*whole, node(), node("n2"), made("StorageClass", "local")], namespace="")
    assert [(str(cause.ref), cause.ref.namespace, cause.finding.reason) for cause in diagnosis.causes] == []


def test_a_pod_that_nobody_has_scheduled_yet_is_not_told_before_the_scheduler_speaks() -> None:
    young = pod({}, {"nodeName": ""}, creationTimestamp=JUST_NOW)
    assert not looked_at([*deployment(status=ANEW), young]).causes
    assert looked_at(
        [*deployment(), pod(unscheduled("0/1 nodes are available: 1 Too many pods."), {"nodeName": ""})]
    ).causes
