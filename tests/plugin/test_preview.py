"""`pytest drills --plan` tells what drills would do, and does nothing: no cluster sees more of it than reading."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
import yaml
from tests.schemas.test_schemas import troubles

from muster.drill.preview import rates_of
from muster.kube import ApiError, Cluster

if TYPE_CHECKING:
    from tests.conftest import DrillProject, Session

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
DRILLS = (
    *("agent_coordination", "agent_failure", "config_corruption", "database_unreachable", "db_failure", "detection"),
    *("full_outage", "high_load", "password_rotated", "pod_crash", "service_hang", "workflow_reset"),
)


def planned(session: Session) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(session.output)
    assert troubles("preview-v1.json", [said]) == []
    return said


def test_all_drills_are_planned_of_the_manifests_alone(drill_project: DrillProject) -> None:
    session = drill_project.pytest("drills", "--plan")
    assert session.code == 0, session.output
    lines = session.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("plan: enhancer in namespace 'enhancer' of the embedded cluster, read from the")
    for drill in DRILLS:
        assert any(line.startswith(f"{drill} (P") for line in lines), drill
    assert "             undone: made anew by StatefulSet/db-a" in lines
    assert "steady, 150 requests/s; raised to 450 requests/s" in session.output
    assert "  limits   struck within 90 s, service good again within 30 s" in lines
    assert lines[-1] == "26 drills planned, none would be refused"
    assert not (drill_project.root / "reports").exists(), "a plan is no run"
    assert not (drill_project.root / ".muster").exists()


def test_what_would_be_refused_is_said_with_its_reason(drill_project: DrillProject) -> None:
    drill_project.write("safety.yaml", "schema: muster/safety/v1\nat_most: {pods: 50%}\n")
    session = drill_project.pytest("drills", "--plan", "--json")
    assert session.code == 1, session.output
    drills = {drill["name"]: drill for drill in planned(session)["drills"]}
    assert [name for name, drill in drills.items() if drill["refused"]] == ["full_outage"]
    why = (
        "refused: fault 'full-outage' may hit 9 of 9 pods in namespace 'enhancer', more than safety.yaml allows "
        "(at_most.pods: 50%, which is 4); right would be one that hits fewer"
    )
    assert drills["full_outage"]["refused"] == [why]
    assert drills["full_outage"]["pods"] == {"hit": 9, "of": 9}
    assert drills["pod_crash"]["load"]["rates"] == [170.0]
    told = drill_project.pytest("drills", "--plan", "-k", "outage")
    assert told.code == 1
    assert "  REFUSED  fault 'full-outage' may hit 9 of 9 pods" in told.output
    assert told.output.splitlines()[-1] == "1 of 1 drill would be refused"
    drill_project.write("safety.yaml", "schema: muster/safety/v1\nstop_when: [{alert: {severity: critical}}]\n")
    unseen = drill_project.pytest("drills", "--plan", "-k", "pod_crash")
    assert unseen.code == 1
    assert "REFUSED  stop condition 'alerts with severity=critical' is asked of the" in unseen.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json"], "right would be --plan --json"),
        (["--plan", "--kube-context", "nowhere"], "nowhere"),
    ],
)
def test_wrong_use_is_pytests_own_error(drill_project: DrillProject, arguments: list[str], said: str) -> None:
    session = drill_project.pytest("drills", *arguments)
    assert (session.code, said in session.output) == (4, True), session.output


def test_safety_settings_that_are_wrong_are_told_with_their_line(drill_project: DrillProject) -> None:
    drill_project.write("safety.yaml", "schema: muster/safety/v1\nprotectd: {}\n")
    session = drill_project.pytest("drills", "--plan")
    assert session.code == 4
    assert (
        "safety.yaml, line 2: 'protectd' is not a key that is known here; did you mean 'protected'?" in session.output
    )


class Recorded:
    """What went to an API server through a proxy: method and path of each request."""

    def __init__(self, url: str) -> None:
        self.url, self.asked = url, list[tuple[str, str]]()

    def writing(self) -> list[tuple[str, str]]:
        """What was more than reading, or asking for one's rights."""
        return [one for one in self.asked if one[0] != "GET" and one != ("POST", REVIEWS)]


@contextmanager
def recording(cluster: Cluster) -> Iterator[Recorded]:
    """A proxy on loopback before a cluster's API server, which needs no credential of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            path, _, query = self.path.partition("?")
            recorded.asked.append((self.command, path))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            pairs = dict(parse_qsl(query))
            try:
                answer = cluster.request(self.command, path, query=pairs, body=json.loads(body) if body else None)
                status, data = answer.status_code, answer.content
            except ApiError as error:
                status, data = error.code, json.dumps({"kind": "Status", "message": str(error)}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815 - the names are the base class's

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recorded = Recorded(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield recorded
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pointed_at(project: DrillProject, url: str, namespace: str) -> dict[str, str]:
    """Have the project's system live in a namespace, and a context lead to a server; the environment that tells it."""
    config = {
        "contexts": [{"name": "there", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {}}],
    }
    path = project.root / "systems/enhancer/system.yaml"
    path.write_text(path.read_text().replace("namespace: enhancer", f"namespace: {namespace}"))
    return {"KUBECONFIG": str(project.write("kubeconfig", yaml.safe_dump(config)))}


def workload(cluster: Cluster, namespace: str, name: str, replicas: int) -> None:
    container = {"name": name, "image": "python:3.11-slim", "command": ["sleep", "1000"]}
    labels = {"app": name}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    metadata = {"name": name, "annotations": {"muster.dev/keep-one-ready": "true"}}
    cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}, namespace)


def test_a_plan_against_a_cluster_reads_its_objects_and_writes_nothing(
    cluster: Cluster, namespace: str, drill_project: DrillProject
) -> None:
    workload(cluster, namespace, "api", 2)
    with recording(cluster) as recorded:
        environment = pointed_at(drill_project, recorded.url, namespace)
        session = drill_project.pytest("drills", "--plan", "--json", "--kube-context", "there", **environment)
    said = planned(session)
    assert (said["context"], said["namespace"]) == ("there", namespace)
    assert len(said["drills"]) == 26
    assert recorded.writing() == []
    assert ("GET", f"/api/v1/namespaces/{namespace}/pods") in recorded.asked
    assert ("GET", f"/api/v1/namespaces/{namespace}/configmaps/muster-safety") in recorded.asked
    (crash,) = [drill for drill in said["drills"] if drill["name"] == "pod_crash"]
    pods = {touch["object"] for touch in crash["touches"] if touch["object"].startswith("Pod/")}
    assert pods == {f"Pod/{pod['metadata']['name']}" for pod in cluster.list("Pod", namespace)}


def test_a_protected_context_is_refused_whatever_else_is_said(
    cluster: Cluster, namespace: str, drill_project: DrillProject
) -> None:
    """By the plan and by the drills themselves, which then neither write nor load anything."""
    drill_project.write("safety.yaml", "schema: muster/safety/v1\nprotected: {contexts: [th*]}\n")
    with recording(cluster) as recorded:
        environment = pointed_at(drill_project, recorded.url, namespace)
        plan = drill_project.pytest("drills", "--plan", "--kube-context", "there", "-k", "pod_crash", **environment)
        held = drill_project.pytest("drills", "--kube-context", "there", "-k", "pod_crash", **environment)
    said = "context 'there' (127.0.0.1) is protected by 'th*' in safety.yaml"
    assert (plan.code, said in " ".join(plan.output.split())) == (1, True), plan.output
    assert (held.code, said in held.output) == (4, True), held.output
    assert recorded.writing() == []
    acts = [json.loads(line) for line in (drill_project.root / "reports/audit.jsonl").read_text().splitlines()]
    assert [(act["act"], act["outcome"]) for act in acts] == [("run", "begun"), ("run", "refused")]
    assert said in acts[1]["why"]


RATE = 70


def test_rates_are_read_of_a_drills_body() -> None:
    def body(load: Any, rate: float) -> None:
        load(rate=120)
        with load(rate=RATE, profile="x"):
            load(rate=rate)
            load(stages=[])

    assert rates_of(body) == [120.0, 70.0]
    assert rates_of(len) == []
