"""Workloads whose pods are refused, and Jobs, rollouts, autoscalers, budgets and deletions that do not come forward."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tests.diagnosis.building import (
    BEGAN,
    LONG_AGO,
    NOW,
    Object,
    crashed,
    deployment,
    event,
    first,
    followers,
    looked_at,
    made,
    node,
    owned,
    pod,
    ready,
    service,
    tail,
    template,
    told,
)

from muster.snapshot import LogTail


class Scene(NamedTuple):
    """What there is, the finding that is expected first, its severity, and what follows from it."""

    objects: list[Object]
    expected: tuple[str, str, str]
    severity: str = "P2"
    follows: list[str] = []  # noqa: RUF012 - a tuple's default, and nobody changes it
    logs: tuple[LogTail, ...] = ()


def refused(message: str, *others: Object, there: bool = False) -> list[Object]:
    """Deployment web that wants three pods, and is refused them."""
    deployed, replicas = deployment(replicas=3)
    replicas["status"] = {
        "replicas": 1 if there else 0,
        "conditions": [
            {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": message,
                "lastTransitionTime": BEGAN,
            }
        ],
    }
    return [deployed, replicas, *([ready()] if there else []), service(), *others]


NO_ENDPOINTS = "Service web has no endpoints"
HOOK = made("ValidatingWebhookConfiguration", "guard", webhooks=[{"name": "pods.guard.shop"}])
MAKING = {
    "a quota that is used up": Scene(
        refused('pods "web-1-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1', there=True),
        ("ResourceQuota", "small", "is used up (pods: 1 of 1), Deployment web cannot make its pods"),
        "P3", ["Deployment web its pods exceed the quota small"],
    ),
    "a quota that is too small": Scene(
        refused('pods "web-1-x" is forbidden: exceeded quota: small, requested: limits.memory=1Gi, used: limits.memory=0, limited: limits.memory=512Mi'),
        ("ResourceQuota", "small", "has too little left (limits.memory: 0 of 512Mi, 1Gi wanted), Deployment web cannot make its pods"),
        "P2", ["Deployment web its pods exceed the quota small", NO_ENDPOINTS],
    ),
    "a quota that wants requests": Scene(
        refused('pods "web-1-x" is forbidden: failed quota: small: must specify limits.memory for: main; requests.cpu for: main'),
        ("Deployment", "web", "sets no limits.memory, which quota small demands"), "P2", [NO_ENDPOINTS],
    ),
    "more than a LimitRange allows": Scene(
        refused('pods "web-1-x" is forbidden: [maximum memory usage per Container is 128Mi, but limit is 1Gi, maximum cpu usage per Container is 1, but limit is 2]', made("LimitRange", "small")),
        ("Deployment", "web", "asks for more memory (1Gi) than LimitRange small allows a container (128Mi)"), "P2", [NO_ENDPOINTS],
    ),
    "less than a LimitRange wants": Scene(
        refused('pods "web-1-x" is forbidden: minimum cpu usage per Container is 100m, but request is 10m'),
        ("Deployment", "web", "asks for less cpu (10m) than the LimitRange of the namespace allows a container (100m)"), "P2", [NO_ENDPOINTS],
    ),
    "nothing, where a LimitRange wants something": Scene(
        refused('pods "web-1-x" is forbidden: maximum memory usage per Container is 128Mi. No limit is specified'),
        ("Deployment", "web", "its pods cannot be made: maximum memory usage per Container is 128Mi. No limit is specified"), "P2", [NO_ENDPOINTS],
    ),
    "an account that is missing": Scene(
        refused('pods "web-1-" is forbidden: error looking up service account shop/runner: serviceaccount "runner" not found'),
        ("ServiceAccount", "runner", "is missing, Deployment web needs it"), "P2", ["Deployment web its pods cannot be made: ServiceAccount runner is missing", NO_ENDPOINTS],
    ),
    "pods that a standard refuses": Scene(
        refused('pods "web-1-x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)'),
        ("Deployment", "web", 'its pods violate PodSecurity restricted:latest: allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)'), "P2", [NO_ENDPOINTS],
    ),
    "a webhook that says no": Scene(
        refused('admission webhook "pods.guard.shop" denied the request: image comes from an unknown registry', HOOK),
        ("Deployment", "web", "admission webhook pods.guard.shop refuses its pods: image comes from an unknown registry"), "P2", [NO_ENDPOINTS],
    ),
    "a webhook that does not answer": Scene(
        refused('Internal error occurred: failed calling webhook "pods.guard.shop": failed to call webhook: Post "https://guard.shop.svc:443/pods?timeout=10s": no endpoints available for service "guard"', HOOK),
        ("ValidatingWebhookConfiguration", "guard", "its webhook pods.guard.shop does not answer, so Deployment web gets no pods"), "P2",
        ["Deployment web admission webhook pods.guard.shop does not answer, so its pods cannot be made", NO_ENDPOINTS],
    ),
    "a policy of the cluster": Scene(
        refused("pods \"web-1-x\" is forbidden: ValidatingAdmissionPolicy 'small-only' with binding 'shop' denied request: too many replicas"),
        ("Deployment", "web", "admission policy small-only refuses its pods: too many replicas"), "P2", [NO_ENDPOINTS],
    ),
    "a priority that is none": Scene(
        refused('pods "web-1-" is forbidden: no PriorityClass with name urgent was found'),
        ("PriorityClass", "urgent", "is missing, Deployment web needs it"), "P2", ["Deployment web its pods cannot be made: PriorityClass urgent is missing", NO_ENDPOINTS],
    ),
    "a runtime that is none": Scene(
        refused('pods "web-1-x" is forbidden: pod rejected: RuntimeClass "gvisor" not found'),
        ("RuntimeClass", "gvisor", "is missing, Deployment web needs it"), "P2", ["Deployment web its pods cannot be made: RuntimeClass gvisor is missing", NO_ENDPOINTS],
    ),
    "a request above its own limit": Scene(
        refused('Pod "web-1-x" is invalid: spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 500m'),
        ("Deployment", "web", 'its pods cannot be made: spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 500m'), "P2", [NO_ENDPOINTS],
    ),
    "a set that is refused its claim": Scene(
        [
            made("StatefulSet", "db", spec={"replicas": 1, "selector": {"matchLabels": {"app": "db"}}, "template": template("db")}, status={"replicas": 0}),
            event("StatefulSet", "db", "FailedCreate", 'create Claim data-db-0 for Pod db-0 in StatefulSet db failed error: persistentvolumeclaims "data-db-0" is forbidden: exceeded quota: small, requested: requests.storage=10Gi, used: requests.storage=5Gi, limited: requests.storage=8Gi'),
        ],
        ("ResourceQuota", "small", "has too little left (requests.storage: 5Gi of 8Gi, 10Gi wanted), StatefulSet db cannot make its pods"),
        "P2", ["StatefulSet db its pods exceed the quota small"],
    ),
    "a Job that is refused its pods": Scene(
        [
            made("Job", "import", spec={"template": template("import")}, status={"conditions": []}),
            event("Job", "import", "FailedCreate", 'Error creating: pods "import-" is forbidden: error looking up service account shop/runner: serviceaccount "runner" not found'),
        ],
        ("ServiceAccount", "runner", "is missing, Job import needs it"),
        "P3", ["Job import its pods cannot be made: ServiceAccount runner is missing"],
    ),
}  # fmt: skip


def failed(reason: str, message: str, **more: object) -> Object:
    return {
        "conditions": [
            {"type": "Failed", "status": "True", "reason": reason, "message": message, "lastTransitionTime": NOW}
        ],
        **more,
    }


def tried(code: int, name: str, owner: str = "import") -> Object:
    state = {"terminated": {"exitCode": code, "reason": "Error", "finishedAt": NOW}}
    return pod(
        {"phase": "Failed", "containerStatuses": [{"name": "main", "restartCount": 0, "state": state}]},
        name=name,
        owner=("Job", owner),
    )


def job(status: Object, name: str = "import", **more: object) -> Object:
    return made("Job", name, spec={"template": template(name), **more}, status=status)


STALLED = {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": 'ReplicaSet "web-1" has timed out progressing.', "lastTransitionTime": NOW}]}  # fmt: skip


def scaler(*conditions: Object, **spec: object) -> Object:
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3}
    status = {"conditions": [{"lastTransitionTime": BEGAN, **one} for one in conditions]}
    if "current" in spec:
        status["currentMetrics"] = spec.pop("current")
    return made("HorizontalPodAutoscaler", "web", spec={**target, **spec}, status=status)


def inactive(reason: str, message: str) -> Object:
    return {"type": "ScalingActive", "status": "False", "reason": reason, "message": message}


CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}
WELL = [*deployment(), ready()]
GONE = {"deletionTimestamp": BEGAN}
OTHERS = {
    "a Job that was tried as often as it may be": Scene(
        [job(failed("BackoffLimitExceeded", "Job has reached the specified backoff limit", failed=2)), tried(1, "import-a"), tried(1, "import-b")],
        ("Job", "import", "failed after 2 tries: no such file: prices.csv"), "P3",
        logs=(tail("import-a", "no such file: prices.csv"), tail("import-b", "no such file: prices.csv")),
    ),
    "a Job that says nothing": Scene(
        [job(failed("BackoffLimitExceeded", "Job has reached the specified backoff limit", failed=1)), tried(7, "import-a")],
        ("Job", "import", "failed after 1 try: exit code 7"), "P3",
    ),
    "a Job that took too long": Scene(
        [job(failed("DeadlineExceeded", "Job was active longer than specified deadline"), activeDeadlineSeconds=60)],
        ("Job", "import", "was not done within its deadline of 60 s"), "P3",
    ),
    "a Job that its own policy gave up": Scene(
        [job(failed("PodFailurePolicy", "Container main for pod shop/import-a failed with exit code 42 matching FailJob rule at index 0", failed=1)), tried(42, "import-a")],
        ("Job", "import", "failed by its pod failure policy after 1 try: exit code 42"), "P3",
    ),
    "the latest Job of a CronJob failed": Scene(
        [
            made("CronJob", "nightly", spec={}),
            {**(late := job(failed("BackoffLimitExceeded", "Job has reached the specified backoff limit", failed=1), "nightly-2")), "metadata": {**late["metadata"], **owned("CronJob", "nightly"), "creationTimestamp": NOW}},
            {**(early := job({"conditions": [{"type": "Complete", "status": "True"}]}, "nightly-1")), "metadata": {**early["metadata"], **owned("CronJob", "nightly")}},
        ],
        ("CronJob", "nightly", "its latest Job failed after 1 try"), "P3",
    ),
    "a CronJob that missed too many": Scene(
        [made("CronJob", "nightly", spec={}), event("CronJob", "nightly", "TooManyMissedTimes", "too many missed start times: 101. Set or decrease .spec.startingDeadlineSeconds or check clock skew")],
        ("CronJob", "nightly", "cannot begin its Jobs: too many missed start times: 101. Set or decrease .spec.startingDeadlineSeconds or check clock skew"), "P3",
    ),
    "a CronJob in a zone that is none": Scene(
        [made("CronJob", "nightly", spec={}), event("CronJob", "nightly", "UnknownTimeZone", "invalid timeZone: \"Mars/Base\": unknown time zone Mars/Base")],
        ("CronJob", "nightly", 'cannot begin its Jobs: invalid timeZone: "Mars/Base": unknown time zone Mars/Base'), "P3",
    ),
    "a rollout past its deadline, of which no pod says why": Scene(
        [*deployment(status={**STALLED, "availableReplicas": 1}, spec={"progressDeadlineSeconds": 60, "replicas": 2}), ready()],
        ("Deployment", "web", "rollout is stuck: no progress within 60 s; 1 of 2 pods serve"), "P3",
    ),
    "a rollout past its deadline, of which a pod says why": Scene(
        [*deployment(status=STALLED), pod(crashed()), service()],
        ("Deployment", "web", "container main exits with 1"), "P2", ["Service web has no ready endpoints"],
    ),
    "a rollout that was paused an hour ago, half way": Scene(
        [*deployment(replicas=3, spec={"paused": True}, status={"replicas": 3, "updatedReplicas": 1, "conditions": [{"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused", "message": "Deployment is paused", "lastTransitionTime": LONG_AGO}]}), ready()],
        ("Deployment", "web", "its rollout is paused half way: 1 of 3 pods are of the new revision"), "P4",
    ),
    "an autoscaler of nobody": Scene(
        [made("HorizontalPodAutoscaler", "web", spec={"scaleTargetRef": {"kind": "Deployment", "name": "gone"}}, status={"conditions": [{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "message": 'the HPA controller was unable to get the target\'s current scale: deployments.apps "gone" not found', "lastTransitionTime": BEGAN}]}), *WELL],
        ("HorizontalPodAutoscaler", "web", "its target Deployment gone does not exist"), "P3",
    ),
    "an autoscaler of pods without requests": Scene(
        [scaler(inactive("FailedGetResourceMetric", "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container main of Pod web-1-r")), *WELL],
        ("HorizontalPodAutoscaler", "web", "does not scale: container main of Deployment web requests no cpu"), "P3",
    ),
    "an autoscaler without metrics": Scene(
        [scaler(inactive("FailedGetResourceMetric", "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)")), *WELL],
        ("HorizontalPodAutoscaler", "web", "gets no metrics, so it does not scale"), "P3",
    ),
    "two autoscalers of the same pods": Scene(
        [scaler(inactive("AmbiguousSelector", "pods by selector app=web are controlled by multiple HPAs: [shop/web shop/web2]")), *WELL],
        ("HorizontalPodAutoscaler", "web", "does not scale: pods by selector app=web are controlled by multiple HPAs: [shop/web shop/web2]"), "P3",
    ),
    "an autoscaler at its most, and not enough": Scene(
        [scaler({"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "the desired replica count is more than the maximum replica count"}, metrics=[CPU], current=[{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 140}}}]), *WELL],
        ("HorizontalPodAutoscaler", "web", "is at its most of 3 replicas, and more are wanted (cpu at 140 % of 80 %)"), "P3",
    ),
    "an autoscaler that gets no metrics since its pods crash": Scene(
        [scaler(inactive("FailedGetResourceMetric", "did not receive metrics for targeted pods (pods might be unready)")), *deployment(), pod(crashed())],
        ("Deployment", "web", "container main exits with 1"), "P2", ["HorizontalPodAutoscaler web gets no metrics, so it does not scale"],
    ),
    "a budget that keeps a node from being drained": Scene(
        [*WELL, node(spec={"unschedulable": True}), made("PodDisruptionBudget", "web", spec={"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}, status={"disruptionsAllowed": 0})],
        ("PodDisruptionBudget", "web", "lets no pod be evicted, so node n1 cannot be drained"), "P4",
    ),
    "a budget that nobody can work out": Scene(
        [*WELL, made("PodDisruptionBudget", "web", spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}}, status={"conditions": [{"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": "found no controllers for pod \"web-1-r\"", "lastTransitionTime": BEGAN}]})],
        ("PodDisruptionBudget", "web", 'cannot be worked out: found no controllers for pod "web-1-r"'), "P4",
    ),
    "a finalizer that keeps a ConfigMap": Scene(
        [made("ConfigMap", "kept", metadata={**GONE, "finalizers": ["example.com/hold"]})],
        ("ConfigMap", "kept", "is being deleted, and finalizer example.com/hold keeps it"), "P4",
    ),
    "a finalizer that keeps a pod": Scene(
        [*WELL, pod({"phase": "Running"}, name="web-1-o", finalizers=["example.com/hold"], **GONE)],
        ("Pod", "web-1-o", "is being deleted, and finalizer example.com/hold keeps it"), "P4",
    ),
    "a Service of a cloud that is gone": Scene(
        [made("Service", "front", metadata={**GONE, "finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}, spec={"type": "LoadBalancer"})],
        ("Service", "front", "is being deleted, and finalizer service.kubernetes.io/load-balancer-cleanup keeps it"), "P4",
    ),
    "a claim that a pod keeps": Scene(
        [*deployment(), ready(spec={"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}), made("PersistentVolumeClaim", "data", metadata={**GONE, "finalizers": ["kubernetes.io/pvc-protection"]}, spec={}, status={"phase": "Bound"})],
        ("PersistentVolumeClaim", "data", "is being deleted, and pod web-1-r keeps it in use"), "P4",
    ),
    "a pod that does not end on a node that is lost": Scene(
        [*deployment(), ready(spec={"nodeName": "n2"}), pod({"phase": "Running"}, name="web-1-o", **GONE), node(ready="Unknown", said="Kubelet stopped posting node status."), node("n2")],
        ("Node", "n1", "is not ready: Kubelet stopped posting node status."), "P2", ["Pod web-1-o is being deleted and does not end on node n1"],
    ),
    "a namespace that does not go": Scene(
        [
            made("Namespace", "shop", metadata=GONE, status={"phase": "Terminating", "conditions": [{"type": "NamespaceFinalizersRemaining", "status": "True", "message": "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"}]}),
            made("ConfigMap", "kept", metadata={**GONE, "finalizers": ["example.com/hold"]}),
        ],
        ("ConfigMap", "kept", "is being deleted, and finalizer example.com/hold keeps it"), "P4",
        ["Namespace shop is being deleted and does not go: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"],
    ),
}  # fmt: skip
ALL = MAKING | OTHERS


@pytest.mark.parametrize("name", ALL)
def test_the_cause_stands_first_with_what_follows_from_it(name: str) -> None:
    scene = ALL[name]
    diagnosis = looked_at(scene.objects, scene.logs)
    assert first(diagnosis) == scene.expected
    assert (diagnosis.causes[0].severity, followers(diagnosis), diagnosis.unknown) == (
        scene.severity,
        scene.follows,
        (),
    )
    assert len(diagnosis.causes) == 1 + len(scene.follows), [told(cause) for cause in diagnosis.causes]
