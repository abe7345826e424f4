"""What a pod has of its ServiceAccount: the token, the way to the API server, and nothing it did not want."""

from __future__ import annotations

from typing import Any

import pytest
from embedded_support import Running

from muster.base.waiting import wait_for

DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount"
WHO = """
from muster.kube import connect_in_cluster, own_namespace
with connect_in_cluster() as cluster:
    review = cluster.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body={}).json()
    print(own_namespace(), review["status"]["userInfo"]["username"])
"""


class Pods:
    """The pods of a namespace."""

    def __init__(self, cluster: Running, namespace: str) -> None:
        self._cluster = cluster
        self.path = f"/api/v1/namespaces/{namespace}/pods"

    def run(self, name: str, *command: str, **spec: Any) -> dict[str, Any]:
        """Run a pod to its end; the object as it was made."""
        where = {"name": "MUSTER_SERVICE_ACCOUNT", "value": DIRECTORY}  # for machines without private mounts
        main = {"name": "main", "image": "python:3.11-slim", "command": list(command), "env": [where]}
        spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [main], **spec}
        code, made = self._cluster.call("POST", self.path, {"metadata": {"name": name}, "spec": spec})
        assert code == 201, made
        return made

    def output(self, name: str) -> str:
        wait_for(lambda: self._phase(name) in ("Succeeded", "Failed"), within=60, reason=f"{name} to end")
        return self._cluster.client.get(f"{self.path}/{name}/log").text

    def _phase(self, name: str) -> str:
        return self._cluster.call("GET", f"{self.path}/{name}")[1]["status"]["phase"]


@pytest.fixture
def pods(cluster: Running, namespace: str) -> Pods:
    return Pods(cluster, namespace)


def test_a_client_in_a_pod_is_its_account(pods: Pods, namespace: str) -> None:
    made = pods.run("p", "python3", "-c", WHO)
    (volume,) = made["spec"]["volumes"]
    mount = {"name": volume["name"], "readOnly": True, "mountPath": DIRECTORY}
    assert made["spec"]["containers"][0]["volumeMounts"] == [mount]
    assert volume["name"].startswith("kube-api-access-")
    assert pods.output("p") == f"{namespace} system:serviceaccount:{namespace}:default\n"


def test_an_account_is_chosen_by_name_and_must_be_there(cluster: Running, namespace: str, pods: Pods) -> None:
    wanted = {"containers": [{"name": "main", "image": "busybox"}], "serviceAccountName": "robot"}
    code, answer = cluster.call("POST", pods.path, {"metadata": {"name": "p"}, "spec": wanted})
    assert (code, answer["message"]) == (
        403,
        f'pods "p" is forbidden: error looking up service account {namespace}/robot: serviceaccount "robot" not found',
    )
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    secrets = [{"name": "registry"}]
    cluster.call("POST", accounts, {"metadata": {"name": "robot"}, "imagePullSecrets": secrets})
    made = pods.run("p", "python3", "-c", WHO, serviceAccountName="robot")
    assert made["spec"]["imagePullSecrets"] == secrets
    assert pods.output("p").strip().endswith(f":{namespace}:robot")


def test_a_workload_of_a_missing_account_says_so(cluster: Running, namespace: str) -> None:
    labels = {"matchLabels": {"app": "w"}}
    spec = {"containers": [{"name": "main", "image": "busybox"}], "serviceAccountName": "none"}
    body = {
        "metadata": {"name": "w"},
        "spec": {"selector": labels, "template": {"metadata": {"labels": labels["matchLabels"]}, "spec": spec}},
    }
    assert cluster.call("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", body)[0] == 201

    def told() -> bool:
        events = cluster.call("GET", f"/api/v1/namespaces/{namespace}/events")[1]["items"]
        return any(e["reason"] == "FailedCreate" and 'serviceaccount "none" not found' in e["message"] for e in events)

    wait_for(told, within=20, reason="an event that names the missing account")


@pytest.mark.parametrize("of", ["pod", "account", "both"])
def test_a_token_that_is_not_wanted_is_not_mounted(cluster: Running, namespace: str, pods: Pods, of: str) -> None:
    account = {"metadata": {"name": "robot"}, "automountServiceAccountToken": False}
    cluster.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    spec: dict[str, Any] = {"serviceAccountName": "default" if of == "pod" else "robot"}
    if of != "account":
        spec["automountServiceAccountToken"] = of == "both"
    made = pods.run("p", "true", **spec)
    assert bool(made["spec"].get("volumes")) is (of == "both"), "the pod's own word counts more than its account's"


def test_a_token_for_others_is_projected_where_it_is_wanted(cluster: Running, pods: Pods) -> None:
    source = {"serviceAccountToken": {"path": "vault", "audience": "vault", "expirationSeconds": 600}}
    pods.run(
        "p",
        volumes=[{"name": "t", "projected": {"sources": [source]}}],
        containers=[{
            "name": "main", "image": "python:3.11-slim", "command": ["sh", "-c", "cat /tokens/vault; echo; sleep 60"],
            "volumeMounts": [{"name": "t", "mountPath": "/tokens"}],
        }],
    )  # fmt: skip
    wait_for(lambda: cluster.client.get(f"{pods.path}/p/log").text.count(".") == 2, within=60, reason="the token")
    token = cluster.client.get(f"{pods.path}/p/log").text.strip()
    review = {"spec": {"token": token, "audiences": ["vault"]}}
    found = cluster.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)[1]["status"]
    assert found["authenticated"]
    assert found["user"]["extra"]["authentication.kubernetes.io/pod-name"] == ["p"]
    cluster.call("DELETE", f"{pods.path}/p")
    wait_for(lambda: cluster.call("GET", f"{pods.path}/p")[0] == 404, within=20, reason="the pod to go")
    assert "error" in cluster.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)[1]["status"]
