"""What a kubeconfig says of who asks and of the server is heeded, here and in an experiment's process."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, stream
from kubernetes.client.exceptions import ApiException
from tests.kube.api import Api, certificate, serving

from muster import __version__
from muster.base.errors import ClusterError
from muster.faults.foreign import official_clients
from muster.kube import Cluster, connect, isolated_kubeconfig

ACTING = {"as": "drill", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": {"Team:x": ["one", "two"]}}


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as found:
        yield found


def connected(directory: Path, server: str, user: dict[str, Any], **cluster: Any) -> Cluster:
    """Connected as a drill is: by the file with a single context, written from the user's own beside it."""
    config = {
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    own = directory / "own"
    own.mkdir(exist_ok=True)
    (own / "config").write_text(yaml.safe_dump(config))
    return connect(isolated_kubeconfig("c", directory / "single", paths=[own / "config"]))


def plugin(directory: Path, script: str) -> dict[str, Any]:
    """An exec plugin beside the kubeconfig, named relative to it."""
    path = directory / "own/bin/token"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./bin/token", "args": None}}


def printing(**status: str) -> str:
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"cat <<'END'\n{json.dumps(answer)}\nEND"


def ask_as_chaosk8s(cluster: Cluster) -> None:
    from chaosk8s import create_k8s_api_client

    with official_clients(cluster.access):
        client.CoreV1Api(create_k8s_api_client()).list_namespaced_pod("shop")


@pytest.mark.parametrize(
    ("user", "authorization"),
    [
        ({"token": "abc"}, "Bearer abc"),
        ({"token": " abc\n"}, "Bearer abc"),
        ({"username": "me", "password": "p:w"}, f"Basic {base64.b64encode(b'me:p:w').decode()}"),
        ({}, None),
        ({"token": None, "as": None}, None),
    ],
)
def test_who_asks(api: Api, tmp_path: Path, user: dict[str, Any], authorization: str | None) -> None:
    with connected(tmp_path, api.url, user) as cluster:
        assert api.last().get("authorization", [None]) == [authorization]
        ask_as_chaosk8s(cluster)
        assert api.last().get("authorization", [None]) == [authorization]


def test_a_token_is_read_from_its_file_each_time(api: Api, tmp_path: Path) -> None:
    token = tmp_path / "own/tok"
    token.parent.mkdir()
    token.write_text("first\n")
    with connected(tmp_path, api.url, {"tokenFile": "tok", "token": "older"}) as cluster:
        assert api.last()["authorization"] == ["Bearer first"]
        token.write_text("second\n")
        cluster.version()
        assert api.last()["authorization"] == ["Bearer second"]
        token.write_text("")  # as it is while it is replaced
        cluster.version()
        assert api.last()["authorization"] == ["Bearer second"]


def test_in_whose_name(api: Api, tmp_path: Path) -> None:
    """The official client knows of none of it, and its exec lets through the headers that it knows."""
    told = {
        "impersonate-user": ["drill"],
        "impersonate-uid": ["7"],
        "impersonate-group": ["a", "b"],
        "impersonate-extra-team%3ax": ["one", "two"],
    }
    with connected(tmp_path, api.url, {"token": "t", **ACTING}) as cluster:

        def heeded() -> None:
            assert {name: values for name, values in api.last().items() if name.startswith("impersonate")} == told
            assert api.last()["authorization"] == ["Bearer t"]

        heeded()
        cluster.list("Pod", "shop")
        heeded()
        with pytest.raises(ClusterError, match="no exec for you"):
            cluster.execute("web-0", "shop", ["true"])
        heeded()
        ask_as_chaosk8s(cluster)
        assert api.asked[-1][0].startswith("/api/v1/namespaces/shop/pods")
        heeded()
        with official_clients(cluster.access), pytest.raises(ApiException):
            stream.stream(
                client.CoreV1Api(client.ApiClient()).connect_get_namespaced_pod_exec, "web-0", "shop", command=["true"]
            )
        assert "/exec" in api.asked[-1][0]
        heeded()


def test_a_server_is_told_which_part_of_muster_asks(api: Api, tmp_path: Path) -> None:
    def agent() -> str:
        (found,) = api.last()["user-agent"]
        return found

    with connected(tmp_path, api.url, {}) as cluster:
        assert agent() == f"muster/{__version__}"
        acting = cluster.asking_as("procedure")
        acting.list("Pod", "shop")
        assert agent() == f"muster/{__version__} (procedure)"
        with pytest.raises(ClusterError, match="no exec for you"):
            acting.execute("web-0", "shop", ["true"])
        assert agent() == f"muster/{__version__} (procedure)"
        cluster.list("Pod", "shop")
        assert agent() == f"muster/{__version__}", "the other one is as it was"


def test_official_clients_are_as_they_were_afterwards(api: Api, tmp_path: Path) -> None:
    before = client.ApiClient
    with connected(tmp_path, api.url, ACTING) as cluster:
        ask_as_chaosk8s(cluster)
    assert client.ApiClient is before


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_the_name_that_the_server_must_show(tmp_path: Path) -> None:
    pair = certificate(tmp_path / "server.pem", "other.example")
    authority = {"certificate-authority": str(pair)}
    with serving(pair) as api:
        with pytest.raises(ClusterError, match=r"does not answer: .*certificate verify failed"):
            connected(tmp_path, api.url, {}, **authority)
        with connected(tmp_path, api.url, {}, **authority, **{"tls-server-name": "other.example"}) as cluster:
            with pytest.raises(ClusterError, match="no exec for you"):
                cluster.execute("web-0", "shop", ["true"])
            ask_as_chaosk8s(cluster)
        with connected(tmp_path, api.url, {}, **{"insecure-skip-tls-verify": True}) as cluster:
            ask_as_chaosk8s(cluster)
        assert len(api.asked) == 5


def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    server, mine = (certificate(tmp_path / name, name, address="127.0.0.1") for name in ("server.pem", "mine.pem"))
    data = base64.encodebytes(server.read_bytes()).decode()  # with line breaks, as some tools write it
    with serving(server, trusts=mine) as api:
        shown = {"client-certificate": str(mine), "client-key": str(mine)}
        with connected(tmp_path, api.url, shown, **{"certificate-authority-data": data}) as cluster:
            ask_as_chaosk8s(cluster)
        pem = mine.read_text()
        by_plugin = plugin(tmp_path, printing(clientCertificateData=pem, clientKeyData=pem))
        with connected(tmp_path, api.url, by_plugin, **{"certificate-authority-data": data}) as cluster:
            ask_as_chaosk8s(cluster)
        assert len(api.asked) == 4


def test_a_plugin_beside_the_kubeconfig_is_asked_and_asked_again_when_its_token_has_expired(
    api: Api, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    past = "2020-01-01T00:00:00Z"
    script = f"echo x >> {count}\n" + printing(token="dash-$(wc -l)", expirationTimestamp=past)
    with connected(tmp_path, api.url, plugin(tmp_path, script)) as cluster:
        assert api.last()["authorization"] == ["Bearer dash-$(wc -l)"]
        cluster.version()
        ask_as_chaosk8s(cluster)
    assert len(count.read_text().splitlines()) > 3
    count.unlink()
    lasting = printing(token="t", expirationTimestamp="2999-01-01T00:00:00+00:00")
    with connected(tmp_path, api.url, plugin(tmp_path, f"echo x >> {count}\n{lasting}")) as cluster:
        cluster.version()
        ask_as_chaosk8s(cluster)
    assert len(count.read_text().splitlines()) == 1


def test_a_plugin_is_told_of_the_cluster_and_gets_its_environment(api: Api, tmp_path: Path) -> None:
    told = tmp_path / "told"
    user = plugin(tmp_path, f'echo "$KUBERNETES_EXEC_INFO$MINE$1" > {told}\n{printing(token="t")}')
    user["exec"] |= {"provideClusterInfo": True, "env": [{"name": "MINE", "value": "!mine"}], "args": ["!argument"]}
    connected(tmp_path, api.url, user).close()
    info, mine, argument = told.read_text().strip().split("!")
    assert (mine, argument) == ("mine", "argument")
    assert json.loads(info)["spec"] == {"interactive": False, "cluster": {"server": api.url}}


def test_a_proxy_is_asked_in_place_of_the_server(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = "http://127.0.0.1:9"
    with connected(tmp_path, far, {}, **{"proxy-url": api.url}) as cluster:
        ask_as_chaosk8s(cluster)
    assert [path.split("?")[0] for path, _ in api.asked] == [f"{far}/version", f"{far}/api/v1/namespaces/shop/pods"]
    monkeypatch.setenv("http_proxy", api.url)
    connected(tmp_path, far, {}).close()
    assert len(api.asked) == 3
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(ClusterError, match="does not answer"):
        connected(tmp_path, far, {})
    assert len(api.asked) == 3
