"""Ways that lead nowhere: Services, Ingresses, policies, certificates, and what programs say of whom they ask."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tests.diagnosis.building import (
    LONG_AGO,
    NOW,
    Object,
    claim,
    crashed,
    deployment,
    event,
    first,
    followers,
    looked_at,
    made,
    mounting,
    owned,
    pod,
    ready,
    service,
    snapshot,
    tail,
    template,
    told,
    unready,
    unscheduled,
    waiting,
)

from muster.snapshot import LogTail

# A certificate of CN=shop that ended on 20 November 2026, as a Secret has it.
CERTIFICATE = (
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJDakNCc2FBREFnRUNBZ0VCTUFvR0NDcUdTTTQ5QkFNQ01BOHhEVEFMQmdO"
    "VkJBTU1CSE5vYjNBd0hoY04KTWpZeE1UQXhNREF3TURBd1doY05Nall4TVRJd01EQXdNREF3V2pBUE1RMHdDd1lEVlFRRERBUnph"
    "Rzl3TUZrdwpFd1lIS29aSXpqMENBUVlJS29aSXpqMERBUWNEUWdBRXR4QWdoamcxc1JBMXNERW9WM2N2bytQL3pnQlp1Ukl5CjJN"
    "ODBQUEdnUDVQdXh6UnlUM09DNjA2TkUvS0x5TStCQ1FPTlE2Sm9UNEFUbS9vT21YRGpvekFLQmdncWhrak8KUFFRREFnTklBREJG"
    "QWlFQXNXMW43VVUxYVVpcHJLdHU5SE1hSXVlQ0hEdW5lcnZuVExIQ1Qxdm42ODBDSUVqQwpoME0yRi9oWExrdWFERFp6MksyRW5v"
    "WUc3cURsYTNHYTdpWE9LNUhVCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K"
)


class Scene(NamedTuple):
    """What there is, the finding that is expected first, its severity, and what follows from it."""

    objects: list[Object]
    expected: tuple[str, str, str]
    severity: str = "P2"
    follows: list[str] = []  # noqa: RUF012 - a tuple's default, and nobody changes it
    logs: tuple[LogTail, ...] = ()


def listening(*ports: Object) -> Object:
    return {"containers": [{"name": "main", "ports": list(ports)}]}


def ingress(name: str = "web", port: Object | None = None, **spec: object) -> Object:
    backend = {"service": {"name": name, "port": port or {"number": 80}}}
    return made("Ingress", "front", spec={"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}], **spec})


def client(*lines: str, name: str = "api") -> tuple[list[Object], tuple[LogTail, ...]]:
    """Deployment api, whose program says this again and again."""
    return [*deployment(name), ready(f"{name}-1-r", owner=("ReplicaSet", f"{name}-1"))], (
        tail(f"{name}-1-r", *lines * 25),
    )


def asking(
    line: str, expected: tuple[str, str, str], *others: Object, follows: list[str] | None = None, severity: str = "P3"
) -> Scene:
    objects, logs = client(line)
    return Scene([*objects, *others], expected, severity, follows or [], logs)


WEB = [*deployment(), ready()]
HTTP = {"name": "http", "containerPort": 8080}
API = ("Deployment", "api")
DB = [made("StatefulSet", "db", spec={"replicas": 1, "selector": {"matchLabels": {"app": "db"}}, "template": template("db")}, status={"replicas": 1}), ready("db-0", owner=("StatefulSet", "db")), service("db", port=5432)]  # fmt: skip
WAYS = {
    "a selector that matches nothing": Scene(
        [*WEB, service(selector={"app": "webb"})], ("Service", "web", "its selector app=webb matches no pod")
    ),
    "a name of a port that nobody gives": Scene(
        [*deployment(), ready(spec=listening(HTTP)), service(target="htttp")], ("Service", "web", "target port htttp is no port of the pods")
    ),
    "a number of a port that pods say is another": Scene(
        [*deployment(), ready(spec=listening(HTTP)), service(target=9999)],
        ("Service", "web", "target port 9999 is no port of the pods"),
        logs=(tail("web-1-r", "INFO: Uvicorn running on http://0.0.0.0:8080"),),
    ),
    "a number of a port that refuses whoever asks": asking(
        "httpx.ConnectError: connection to web:80 failed: Connection refused",
        ("Service", "web", "target port 9999 is no port of the pods"),
        *deployment(), ready(spec=listening(HTTP)), service(target=9999),
        follows=["Deployment api cannot reach web:80 (target port 9999 of Service web is no port of its pods)"], severity="P2",
    ),
    "a front door that leads to a selector which matches nothing": Scene(
        [*WEB, service(selector={"app": "webb"}, type="LoadBalancer")], ("Service", "web", "its selector app=webb matches no pod"), "P1"
    ),
    "pods that crash, and the way to them": Scene(
        [*deployment(), pod(crashed()), service(), ingress()],
        ("Deployment", "web", "container main exits with 1"), "P1", ["Service web has no ready endpoints"],
    ),
    "another name for what is not there": Scene(
        [*WEB, service(), made("Service", "old", spec={"type": "ExternalName", "externalName": "gone.shop.svc.cluster.local"})],
        ("Service", "old", "stands for gone.shop.svc.cluster.local, which does not exist"),
    ),
    "neither selector nor endpoints": Scene(
        [made("Service", "old", spec={"ports": [{"port": 80}]})], ("Service", "old", "has neither a selector nor endpoints")
    ),
    "a cloud that gives no address": Scene(
        [*WEB, service(type="LoadBalancer"), event("Service", "web", "SyncLoadBalancerFailed", "Error syncing load balancer: failed to ensure load balancer: googleapi: Error 403: QUOTA_EXCEEDED")],
        ("Service", "web", "gets no external address: failed to ensure load balancer: googleapi: Error 403: QUOTA_EXCEEDED"), "P1",
    ),
    "an Ingress to no Service": Scene([*WEB, service(), ingress("wep")], ("Ingress", "front", "leads to Service wep, which does not exist"), "P1"),
    "an Ingress to no port": Scene(
        [*WEB, service(), ingress(port={"name": "https"})], ("Ingress", "front", "leads to port https of Service web, which has it not"), "P1"
    ),
    "an Ingress of no class": Scene(
        [*WEB, service(), ingress(ingressClassName="nginx")], ("Ingress", "front", "ingress class nginx does not exist"), "P1"
    ),
    "a policy that shuts all": Scene(
        [*WEB, service(), made("NetworkPolicy", "none", spec={"podSelector": {}, "policyTypes": ["Ingress"]})],
        ("NetworkPolicy", "none", "lets nobody come to the pods of Service web"), "P2", ["Service web NetworkPolicy none lets nobody come to its pods"],
    ),
    "a policy that opens another port only": Scene(
        [*WEB, service(target=8080), made("NetworkPolicy", "some", spec={"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"ports": [{"port": 9000, "endPort": 9100}]}]})],
        ("NetworkPolicy", "some", "lets nobody come to the pods of Service web"), "P2", ["Service web NetworkPolicy some lets nobody come to its pods"],
    ),
    "a policy that shuts one out": asking(
        "psycopg.OperationalError: connection to server at \"db\", port 5432 failed: timeout expired",
        ("NetworkPolicy", "db", "keeps Deployment api from Service db"),
        *DB, made("NetworkPolicy", "db", spec={"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "other"}}}]}]}),
        follows=["Deployment api cannot reach the database db:5432 (NetworkPolicy db does not let it)"],
    ),
}  # fmt: skip
SAYINGS = {
    "a database that is not there": asking(
        'OperationalError: could not translate host name "db" to address: Name or service not known (db:5432)',
        (*API, "cannot reach the database db:5432 (Service db does not exist)"), *WEB, service(),
    ),
    "a port that its Service has not": asking(
        "dial tcp: connection to db:5433 failed: connection refused",
        (*API, "cannot reach the database db:5433 (Service db has no port 5433, it has 5432)"), *DB,
    ),
    "a password that was changed": asking(
        'FATAL:  connection to server at "db" (10.96.0.9), port 5432 failed: FATAL:  password authentication failed for user "app"',
        (*API, "is refused its password by the database db:5432"), *DB,
    ),
    "a database that has no room for more": asking(
        'connection to server at "db", port 5432 failed: FATAL:  sorry, too many clients already',
        (*API, "gets no connection, all are taken at the database db:5432"), *DB,
    ),
    "a database of that name is not there": asking(
        'connection to server at "db", port 5432 failed: FATAL:  database "orders" does not exist',
        (*API, "does not find its database at the database db:5432"), *DB,
    ),
    "a certificate that has expired": asking(
        'Get "https://pay.example.com:443/charge": tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
        (*API, "does not trust the certificate of pay.example.com:443"),
    ),
    "a disk that is full": asking(
        "OSError: [Errno 28] No space left on device: '/var/lib/shop/orders.db'", (*API, "has no space left on its disk /var/lib/shop/orders.db")
    ),
    "a disk that is read only": asking(
        "OSError: [Errno 30] Read-only file system: '/tmp/cache'", (*API, "cannot write /tmp/cache: the file system is read-only")
    ),
    "one error and nothing else": asking(
        "2026-11-27 19:54:01,123 ERROR order 4711 failed: tax table is empty",
        (*API, "logs one error and hardly anything else: ERROR order 4711 failed: tax table is empty"), severity="P4",
    ),
    "what it may not touch": asking(
        "PermissionError: [Errno 13] Permission denied: '/data/orders'", (*API, "may not use /data/orders: permission denied")
    ),
    "somebody outside who does not answer": asking(
        "requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='pay.example.com', port=443): Max retries exceeded (connect timeout=3)",
        (*API, "cannot reach pay.example.com:443 (no answer)"),
    ),
    "a database that crashes": asking(
        'connection to server at "db" (10.96.0.9), port 5432 failed: Connection refused',
        ("StatefulSet", "db", "container main exits with 1"),
        DB[0], pod(crashed(), name="db-0", owner=("StatefulSet", "db")), DB[2],
        follows=["Service db has no ready endpoints", "Deployment api cannot reach the database db:5432 (refused)"], severity="P2",
    ),
}  # fmt: skip
UNBOUND = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. no new claims to deallocate"
NO_CLASS = [
    made("StatefulSet", "db", spec=DB[0]["spec"], status={"replicas": 1}),
    pod(unscheduled(UNBOUND), {"nodeName": "", **mounting("data-db-0")}, name="db-0", owner=("StatefulSet", "db")),
    service("db", port=5432),
    claim("data-db-0", storageClassName="fast"),
    event("PersistentVolumeClaim", "data-db-0", "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found'),
]
FOLLOWING = [
    "StatefulSet db waits for PersistentVolumeClaim data-db-0, which is not bound",
    "Service db has no endpoints",
]
TOLD = {
    "containers": [
        {
            "name": "main",
            "env": [{"name": "DB", "value": "postgres://db:5432/x"}],
            "readinessProbe": {"httpGet": {"port": 8080}},
        }
    ]
}
LOST = 'connection to server at "db" (10.96.0.9), port 5432 failed: Connection refused'
CHAINS = {
    "a class that is not there, through a database to a program that crashes, and to its front door": Scene(
        [*NO_CLASS, *deployment("api", pod=TOLD), pod(crashed(), TOLD, name="api-1-x", owner=("ReplicaSet", "api-1")), service("api", type="LoadBalancer")],
        ("PersistentVolumeClaim", "data-db-0", "storage class fast does not exist"), "P1",
        [*FOLLOWING, f"Deployment api container main exits with 1: {LOST}", "Service api has no ready endpoints"],
        (tail("api-1-x", LOST, previous=True),),
    ),
    "the same to a program that is not ready, as its configuration names the database": Scene(
        [*NO_CLASS, *deployment(pod=TOLD), pod(unready(), TOLD), service(), event("Pod", "web-1-x", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", container="main")],
        ("PersistentVolumeClaim", "data-db-0", "storage class fast does not exist"), "P2",
        [*FOLLOWING, "Deployment web readiness probe of container main fails (503)", "Service web has no ready endpoints"],
    ),
    "the same to a program that says so in its log": Scene(
        [*NO_CLASS, *deployment("api"), ready("api-1-r", owner=("ReplicaSet", "api-1")), service("api")],
        ("PersistentVolumeClaim", "data-db-0", "storage class fast does not exist"), "P2",
        [*FOLLOWING, "Deployment api cannot reach the database db:5432 (refused)"],
        (tail("api-1-r", *[LOST] * 4),),
    ),
    "a ConfigMap that two need": Scene(
        [made("ConfigMap", "other"), *deployment(), pod(waiting("CreateContainerConfigError", 'configmap "settings" not found')), *deployment("api"), pod(waiting("CreateContainerConfigError", 'configmap "settings" not found'), name="api-1-x", owner=("ReplicaSet", "api-1"))],
        ("ConfigMap", "settings", "is missing, Deployment api and Deployment web need it"), "P2",
        ["Deployment api cannot start: ConfigMap settings is missing", "Deployment web cannot start: ConfigMap settings is missing"],
    ),
}  # fmt: skip
CERTIFICATES = {
    "one that has expired": Scene(
        [made("Secret", "tls", type="kubernetes.io/tls", metadata={"annotations": {"muster.dev/not-after": "2026-11-27T00:00:00Z"}})],
        ("Secret", "tls", "its certificate expired at 2026-11-27T00:00:00Z"), "P3",
    ),
    "one that expires soon": Scene(
        [made("Secret", "tls", type="kubernetes.io/tls", metadata={"annotations": {"muster.dev/not-after": "2026-12-01T19:55:00Z"}})],
        ("Secret", "tls", "its certificate expires in 4 days, at 2026-12-01T19:55:00Z"), "P4",
    ),
}  # fmt: skip
ALL = WAYS | SAYINGS | CHAINS | CERTIFICATES


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


def test_since_when_a_service_leads_nowhere_is_when_somebody_wrote_it() -> None:
    """Not when it was made."""
    wrong = service(selector={"app": "webb"})
    wrong["metadata"]["managedFields"] = [
        {"manager": "kubectl", "time": LONG_AGO, "fieldsV1": {"f:spec": {}}},
        {"manager": "kubectl-edit", "time": NOW, "fieldsV1": {"f:spec": {"f:selector": {}}}},
    ]
    (cause,) = looked_at([*WEB, wrong]).causes
    assert cause.finding.since == NOW
    assert cause.evidence[-1] == f"Service web was changed at {NOW} by kubectl-edit (spec.selector)"


def test_a_rollout_that_no_kubernetes_has_keeps_its_service() -> None:
    """Its ReplicaSets have the labels, and its own kind is none that was asked for."""
    _, replicas = deployment(replicas=0)
    replicas["metadata"] |= owned("Rollout", "web")
    assert not looked_at([replicas, service()]).causes


def test_a_certificate_in_a_list_is_looked_at_and_none_of_its_values_is_kept() -> None:
    item = made("Secret", "tls", type="kubernetes.io/tls", data={"tls.crt": CERTIFICATE, "tls.key": "c2VjcmV0"})
    kept = snapshot([item])
    assert "c2VjcmV0" not in str(kept.objects)
    assert first(looked_at([item])) == ("Secret", "tls", "its certificate expired at 2026-11-20T00:00:00Z")
