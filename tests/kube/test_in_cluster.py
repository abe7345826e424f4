"""From within a pod a cluster is reached by what the pod is given: variables, token, authority, namespace."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from muster.base.errors import UsageError
from muster.kube import ApiError, Cluster, connect, connect_in_cluster, own_namespace


@pytest.fixture
def account(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a pod of the account `default` in the namespace `default` has."""
    entry = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    host, _, port = entry["server"].removeprefix("https://").partition(":")
    (tmp_path / "ca.crt").write_bytes(base64.b64decode(entry["certificate-authority-data"]))
    (tmp_path / "namespace").write_text("default")
    (tmp_path / "token").write_text(token_of(cluster))
    for name, value in (("KUBERNETES_SERVICE_HOST", host), ("KUBERNETES_SERVICE_PORT", port)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MUSTER_SERVICE_ACCOUNT", str(tmp_path))
    return tmp_path


def token_of(cluster: Cluster) -> str:
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    return str(cluster.request("POST", path, body={"spec": {}}).json()["status"]["token"])


def test_a_pod_is_its_account_and_knows_its_namespace(account: Path) -> None:
    with connect_in_cluster() as inside:
        review = inside.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body={}).json()
        assert review["status"]["userInfo"]["username"] == "system:serviceaccount:default:default"
        with pytest.raises(ApiError) as refused:
            inside.request("GET", "/api/v1/nodes")
        assert (refused.value.code, inside.context, inside.evidence) == (403, "in-cluster", "cluster")
    assert own_namespace() == "default"


def test_another_process_is_the_same_account(account: Path, tmp_path: Path) -> None:
    with connect_in_cluster() as inside:
        written = inside.write_kubeconfig(tmp_path / "kubeconfig")
    with connect(written) as theirs:
        review = theirs.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body={}).json()
    assert review["status"]["userInfo"]["username"] == "system:serviceaccount:default:default"


def test_a_token_that_is_replaced_is_used_at_once(account: Path) -> None:
    good = (account / "token").read_text()
    with connect_in_cluster() as inside:
        (account / "token").write_text("worn-out")
        with pytest.raises(ApiError) as refused:
            inside.request("GET", "/api")
        assert refused.value.code == 401
        (account / "token").write_text(good)
        assert inside.request("GET", "/api").status_code == 200


def test_outside_a_pod_it_is_said_what_is_missing(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (account / "token").unlink()
    (account / "namespace").unlink()
    with pytest.raises(UsageError, match=r"this pod has no token at .*automountServiceAccountToken"):
        connect_in_cluster()
    with pytest.raises(UsageError, match=r"the namespace of this pod cannot be read at .*: No such file"):
        own_namespace()
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    with pytest.raises(UsageError, match="this is no pod of a cluster"):
        connect_in_cluster()
