"""kubectl and the official Python client at work."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from embedded_support import Running

from muster.base.waiting import wait_for

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")

POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: p}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: python:3.11-slim
    command: [sh, -c, "echo one; echo two; echo three; sleep 300"]
"""


@pytest.fixture
def pod(cluster: Running, namespace: str) -> str:
    """A running pod `p` that has written three lines."""
    assert cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=POD).returncode == 0
    path = f"/api/v1/namespaces/{namespace}/pods/p/log"
    wait_for(lambda: "three" in cluster.client.get(path).text, within=20, reason="the pod to write")
    return "p"


@pytest.fixture
def core(cluster: Running) -> Iterator[object]:
    """The Python client's core API."""
    from kubernetes import client, config

    configuration = client.Configuration()
    config.load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
    with client.ApiClient(configuration) as api:
        yield client.CoreV1Api(api)


def test_the_python_client_lists_and_watches(core, namespace: str) -> None:
    from kubernetes import watch

    listed = core.list_namespaced_config_map(namespace)
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "new"}, "data": {"a": "b"}})
    events = watch.Watch().stream(
        core.list_namespaced_config_map,
        namespace,
        resource_version=listed.metadata.resource_version,
        timeout_seconds=1,
    )
    assert [(e["type"], e["object"].data) for e in events] == [("ADDED", {"a": "b"})]


def test_the_python_client_reads_errors(core, namespace: str) -> None:
    from kubernetes.client import ApiException

    with pytest.raises(ApiException) as caught:
        core.read_namespaced_pod("none", namespace)
    assert caught.value.status == 404
    assert 'pods \\"none\\" not found' in caught.value.body


@needs_kubectl
def test_the_python_client_runs_a_program_in_a_pod(core, namespace: str, pod: str) -> None:
    from kubernetes.stream import stream

    command = ["sh", "-c", "read line; echo got $line; echo oops >&2; exit 3"]
    connection = stream(
        core.connect_get_namespaced_pod_exec, pod, namespace, command=command,
        stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
    )  # fmt: skip
    for nonsense in ("no size", "{}", '{"Width": -1, "Height": 1e9}', "[]"):
        connection.write_channel(4, nonsense)  # sizes of a terminal that mean nothing change nothing
    connection.write_stdin("hello\n")
    connection.run_forever(timeout=20)
    assert connection.read_stdout() == "got hello\n"
    assert connection.read_stderr() == "oops\n"
    assert connection.returncode == 3


@needs_kubectl
def test_kubectl_passes_standard_input_through(cluster: Running, namespace: str, pod: str) -> None:
    text = "".join(f"line {i}\n" for i in range(5000))
    done = cluster.kubectl("-n", namespace, "exec", "-i", pod, "--", "cat", stdin=text)
    assert (done.returncode, done.stdout == text) == (0, True), done.stderr


@needs_kubectl
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("exec", "none", "--", "true"), 'pods "none" not found'),
        (("exec", "p", "-c", "none", "--", "true"), "container none is not valid for pod p"),
        (("exec", "p", "--", "no-such-program"), "Internal error occurred"),
        (("logs", "none"), 'pods "none" not found'),
        (("logs", "p", "--previous"), 'previous terminated container "main" in pod "p" not found'),
    ],
)
def test_kubectl_is_told_what_is_wrong(cluster: Running, namespace: str, pod: str, arguments, message: str) -> None:
    done = cluster.kubectl("-n", namespace, *arguments)
    assert done.returncode != 0
    assert message in done.stderr


@needs_kubectl
def test_kubectl_reads_logs(cluster: Running, namespace: str, pod: str) -> None:
    assert cluster.kubectl("-n", namespace, "logs", pod, "--tail=2").stdout == "two\nthree\n"
    stamped = cluster.kubectl("-n", namespace, "logs", pod, "--timestamps", "--tail=1").stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z three\n", stamped), stamped


def test_who_follows_a_container_that_does_not_run_is_told_why(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    spec = {"containers": [{"name": "main", "image": "no-such-image:1"}]}
    assert cluster.call("POST", path, {"metadata": {"name": "waits"}, "spec": spec})[0] == 201
    for query in ("", "?follow=true"):
        wait_for(
            lambda query=query: "waiting to start: " in cluster.client.get(f"{path}/waits/log{query}").text,
            within=20,
            reason="the refusal to say what the container waits for",
        )
        assert cluster.client.get(f"{path}/waits/log{query}").status_code == 400


@needs_kubectl
def test_parts_of_logs_are_given_or_refused(cluster: Running, namespace: str, pod: str) -> None:
    path, most = f"/api/v1/namespaces/{namespace}/pods/p/log", 2**62
    for query in ("sinceTime=2026-01-01", "sinceTime=now", "sinceSeconds=0", "limitBytes=-1", "tailLines=-1"):
        assert cluster.client.get(f"{path}?{query}").status_code == 400, query
    for query in ("sinceTime=0001-01-01T00:00:00Z", f"sinceSeconds={most}", f"limitBytes={most}", f"tailLines={most}"):
        answer = cluster.client.get(f"{path}?{query}")
        assert (answer.status_code, answer.text) == (200, "one\ntwo\nthree\n"), query


@needs_kubectl
def test_kubectl_follows_logs_until_the_pod_ends(cluster: Running, namespace: str) -> None:
    manifest = POD.replace("sleep 300", "sleep 1; echo four").replace("spec:", "spec:\n  restartPolicy: Never", 1)
    assert cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=manifest).returncode == 0
    cluster.kubectl("-n", namespace, "wait", "--for=jsonpath={.status.phase}=Running", "pod/p", "--timeout=20s")
    done = cluster.kubectl("-n", namespace, "logs", "-f", "p")
    assert done.stdout == "one\ntwo\nthree\nfour\n"


@needs_kubectl
@pytest.mark.parametrize(
    ("what", "titles"),
    [
        ("pods", "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES"),
        ("services", "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR"),
        ("configmaps", "NAME DATA AGE"),
        ("events", "LAST SEEN TYPE REASON OBJECT SUBOBJECT SOURCE MESSAGE FIRST SEEN COUNT NAME"),
    ],
)
def test_tables_look_as_users_know_them(cluster: Running, namespace: str, pod: str, what: str, titles: str) -> None:
    spec = {"ports": [{"port": 8080}], "selector": {"app": "p"}}
    cluster.call("POST", f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": "p"}, "spec": spec})
    done = cluster.kubectl("-n", namespace, "get", what, "-o", "wide")
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert rows[0] == titles
    assert len(rows) > 1


@needs_kubectl
def test_kubectl_may_do_everything(cluster: Running, namespace: str) -> None:
    done = cluster.kubectl("-n", namespace, "auth", "can-i", "delete", "pods")
    assert (done.returncode, done.stdout.strip()) == (0, "yes"), done.stderr


@needs_kubectl
def test_kubectl_creates_what_it_sends_in_protobuf(cluster: Running, namespace: str) -> None:
    for arguments in (
        ("create", "deployment", "web", "--image=busybox", "--replicas=0"),
        ("create", "configmap", "c", "--from-literal=a=b"),
        ("create", "secret", "generic", "s", "--from-literal=a=b"),
        ("create", "service", "clusterip", "s", "--tcp=80:http"),
        ("create", "poddisruptionbudget", "b", "--selector=app=web", "--min-available=50%"),
        ("rollout", "restart", "deployment/web"),
        ("delete", "configmap", "c"),
    ):
        done = cluster.kubectl("-n", namespace, *arguments)
        assert done.returncode == 0, (arguments, done.stderr)
    spec = cluster.call("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")[1]["spec"]
    assert spec["replicas"] == 0, "a zero that was meant is kept"
    container = spec["template"]["spec"]["containers"][0]
    assert (container["name"], container["image"]) == ("busybox", "busybox")
    assert "stdin" not in container, "a zero that says nothing is not"
    port = cluster.call("GET", f"/api/v1/namespaces/{namespace}/services/s")[1]["spec"]["ports"][0]
    assert (port["port"], port["targetPort"]) == (80, "http")


@needs_kubectl
def test_kubectl_creates_a_namespace(cluster: Running, namespace: str) -> None:
    again = cluster.kubectl("create", "namespace", namespace)
    assert again.returncode == 1
    assert f'namespaces "{namespace}" already exists' in again.stderr
    for action in ("create", "delete"):
        done = cluster.kubectl(action, "namespace", f"{namespace}-more")
        assert done.returncode == 0, done.stderr


LIST = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: b}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    replicas: 0
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec:
        containers:
        - {name: web, image: busybox, resources: {limits: {cpu: 1}}, readinessProbe: {httpGet: {port: 80}}}
"""


@needs_kubectl
def test_kubectl_applies_a_list(cluster: Running, namespace: str) -> None:
    done = cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=LIST)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["configmap/one created", "configmap/two created", "deployment.apps/web created"]
    wrong = cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=LIST.replace("data:", "datta:"))
    assert wrong.returncode == 1
    assert 'unknown field "datta"' in wrong.stderr


@needs_kubectl
def test_kubectl_applies_on_the_server_side_and_shows_differences(cluster: Running, namespace: str) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n"
    assert cluster.kubectl("-n", namespace, "apply", "--server-side", "-f", "-", stdin=manifest).returncode == 0
    same = cluster.kubectl("-n", namespace, "diff", "--server-side", "-f", "-", stdin=manifest)
    assert same.returncode == 0, same.stdout + same.stderr
    other = cluster.kubectl("-n", namespace, "diff", "--server-side", "-f", "-", stdin=manifest.replace("b}", "c}"))
    assert other.returncode == 1, other.stderr
