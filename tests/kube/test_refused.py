"""What of a kubeconfig cannot be heeded is refused in one sentence, which quotes no secret."""

from __future__ import annotations

import base64
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kube.api import certificate, serving
from tests.kube.test_heeded import connected, plugin, printing

from muster.base.errors import ClusterError, MusterError
from muster.kube import access_of, contexts
from muster.kube.entries import PluginEntry, UserEntry
from muster.kube.kubeconfig import single_context
from muster.kube.plugin import Credential, run_plugin

SERVER = "http://127.0.0.1:9"
SECRET = "canary-in-the-kubeconfig"
OFF = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "sh"}


@pytest.mark.parametrize(
    ("user", "wrong"),
    [
        (
            {"auth-provider": {"name": "gcp", "config": {"access-token": SECRET}}},
            "auth-provider 'gcp' is not supported",
        ),
        ({"auth-provider": {"name": "oidc"}}, "right would be an exec plugin, such as"),
        ({"auth-provider": SECRET}, "an auth-provider is not supported"),
        ({"token": [SECRET]}, "'token' is wrong: input should be a valid string"),
        ({"token": f"{SECRET}\n{SECRET}"}, "'token' is empty or holds characters that no header may hold"),
        ({"token": f"{SECRET}é"}, "'token' is empty or holds characters that no header may hold"),
        ({"tokenFile": "nowhere"}, "'tokenFile' .*/own/nowhere cannot be read: No such file"),
        ({"token": SECRET, "username": "me"}, "it has a token and a username"),
        ({"as-groups": ["g"]}, "need 'as'"),
        ({"as": "x\ny"}, "control characters"),
        ({"as": "x", "as-groups": "g"}, "'as-groups' is wrong"),
        ({"client-certificate-data": "notbase64!"}, "'client-certificate-data' is not base64"),
        ({"client-certificate-data": base64.b64encode(b"x").decode()}, "go together, and one is missing"),
        (
            {"client-certificate-data": "YQ==", "client-key-data": base64.b64encode(SECRET.encode()).decode()},
            "no certificate in PEM with the key that belongs to it",
        ),
        ({"client-certificate": "me.crt", "client-key": "me.key"}, "'client-certificate' .*/own/me.crt cannot be read"),
        ({"exec": {**OFF, "apiVersion": "v1alpha1"}}, "'exec.apiVersion' is wrong"),
        ({"exec": {"apiVersion": OFF["apiVersion"]}}, "'exec.command' is wrong: field required"),
        (
            {"exec": {**OFF, "command": "./bin/nowhere"}},
            "'nowhere' is not found, or cannot be executed .*/own/bin/nowhere",
        ),
        ({"exec": {**OFF, "command": "nowhere-at-all", "installHint": "get it"}}, "cannot be executed .*: get it"),
        ({"exec": {**OFF, "interactiveMode": "Always"}}, "wants a terminal"),
        ({"exec": {**OFF, "env": [{"value": SECRET}]}}, "'exec.env.0.name' is wrong: field required"),
        ({"exec": {**OFF, "env": [{"name": "a=b", "value": SECRET}]}}, "cannot be started"),
        ({"exec": {**OFF, "args": [1]}}, "'exec.args.0' is wrong"),
    ],
)
def test_a_user(tmp_path: Path, user: dict[str, Any], wrong: str) -> None:
    with pytest.raises(MusterError, match=f"^kube context 'c': .*{wrong}") as refused:
        connected(tmp_path, SERVER, user)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ("echo your session has ended >&2; exit 3", "'token' ended with 3: your session has ended$"),
        (f"echo {SECRET}; exit 1", "ended with 1: it did not say why$"),
        ("echo $MINE is wrong >&2; exit 1", r"ended with 1: \.\.\. is wrong$"),
        (f"echo {SECRET}; echo log in first >&2", r"printed no JSON \(it said: log in first\)$"),
        ("echo []", "printed no ExecCredential"),
        ("echo '{\"status\": {}}'", "answered in another version"),
        (printing(), "printed neither a token nor a client certificate"),
        (printing(clientKeyData=SECRET), "without the other"),
        (printing(token=f"{SECRET}\n{SECRET}"), "empty or holds characters"),
        (printing(token="t", expirationTimestamp="soon"), "that is no time"),
        (printing(token="t", expirationTimestamp="2999-01-01T00:00:00"), "without a time zone"),
    ],
)
def test_a_plugin_that_fails_is_quoted(tmp_path: Path, script: str, wrong: str) -> None:
    user = plugin(tmp_path, script)
    user["exec"]["env"] = [{"name": "MINE", "value": SECRET}]
    with pytest.raises(MusterError, match=wrong) as refused:
        connected(tmp_path, SERVER, user)
    assert SECRET not in str(refused.value)


def test_a_plugin_that_hangs_is_ended(tmp_path: Path) -> None:
    plugin(tmp_path, "echo open the browser >&2; sleep 1000")
    entry = PluginEntry.model_validate({**OFF, "command": str(tmp_path / "own/bin/token")})
    with pytest.raises(ClusterError, match=r"exec plugin 'token' did not end within 1 s: open the browser"):
        run_plugin(entry, {}, "here", within=1)


@pytest.mark.parametrize(
    ("cluster", "wrong"),
    [
        ({"server": None}, "'server' is no address that can be used"),
        ({"server": "127.0.0.1:6443"}, "right would be such as https://10.0.0.1:6443"),
        ({"server": f"https://me:{SECRET}@host"}, "'server' holds a user or password"),
        ({"server": "https://host:port"}, "'server' is no address"),
        ({"server": f"https://host/?token={SECRET}"}, "'server' says more than an address"),
        ({"certificate-authority-data": "notbase64!"}, "'certificate-authority-data' is not base64"),
        ({"certificate-authority-data": "YQ=="}, "'certificate-authority' holds no certificate in PEM"),
        ({"certificate-authority": "ca.pem"}, "'certificate-authority' .*/own/ca.pem cannot be read"),
        (
            {"proxy-url": f"socks5://me:{SECRET}@host"},
            "'proxy-url' is no address that can be used; right would be an HTTP",
        ),
        ({"insecure-skip-tls-verify": "yes"}, "'insecure-skip-tls-verify' is wrong"),
        ({"tls-server-name": 1}, "'tls-server-name' is wrong"),
    ],
)
def test_a_cluster(tmp_path: Path, cluster: dict[str, Any], wrong: str) -> None:
    with pytest.raises(MusterError, match=f"^kube context 'c': .*{wrong}") as refused:
        connected(tmp_path, **{"server": SERVER, "user": {}, **cluster})
    assert SECRET not in str(refused.value)


def test_no_traceback_shows_a_credential(tmp_path: Path) -> None:
    """As pytest prints it with --showlocals: each frame of the error with its variables."""
    user = {"token": SECRET, "as": "me"}
    with serving() as api:
        cluster = connected(tmp_path, api.url, user)
    for ask in (
        cluster.version,
        lambda: cluster.execute("web-0", "shop", ["true"]),
        lambda: list(cluster.watch("Pod", "shop", seconds=1)),
    ):
        with pytest.raises(ClusterError) as refused:
            ask()
        shown = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
        frames = traceback.StackSummary(shown.stack[1:])  # this test's own apart
        assert len(frames) > 1
        assert shown.__cause__ is None, "what it comes from is shown with its variables too"
        assert shown.__suppress_context__
        assert SECRET not in "".join(frames.format())
    for held in (cluster.access, UserEntry.model_validate(user), Credential(token=SECRET, key=SECRET)):
        assert SECRET not in repr(held)


def test_no_server_is_both_trusted_blindly_and_checked(tmp_path: Path) -> None:
    authority = {"certificate-authority": str(certificate(tmp_path / "ca.pem", "ca"))}
    with pytest.raises(MusterError, match="contradict each other"):
        connected(tmp_path, SERVER, {}, **authority, **{"insecure-skip-tls-verify": True})


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("contexts: [null]", "line 1: an item of 'contexts' must be a mapping with 'name' and 'context'"),
        ("kind: Config\ncontexts:\n- context: {cluster: c}", "line 3: an item of 'contexts' must have a 'name'"),
        ("clusters:\n- {name: 1, cluster: {}}", "line 2: .* must have a 'name' that is a text"),
        ("users: {me: {}}", "line 1: 'users' must be a list"),
        ("users:\n- {name: a}\n- {name: a}", "line 3: 'users' names 'a' for the second time"),
        ("users: [{name: a, user: [x]}]", "line 1: 'user' of 'a' must be a mapping"),
        ("users: [{name: a, name: b}]", "line 1: 'name' stands here for the second time"),
        ("- a", "line 1: not a kubeconfig"),
        ("kind: Pod", "line 1: not a kubeconfig"),
        (f"users:\n- {{name: a, user: {{token: *{SECRET}}}}}", "line 2: not YAML: found undefined alias"),
        ("a: b\n---\nc: d", "line 3: a second document begins here"),
        ("a: [", "line 1: not YAML"),
        (b"users:\n- name: Andr\xe9", "line 2: not UTF-8; right would be a file saved as UTF-8"),
    ],
)
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, text: str | bytes, wrong: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MusterError, match=f"^kubeconfig .*config, {wrong}") as refused:
        contexts([path])
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("empty", ["", "# nothing\n", "---\n", "contexts:\nusers:\nclusters: []\n"])
def test_an_empty_file_in_a_list_adds_nothing(tmp_path: Path, empty: str) -> None:
    (tmp_path / "empty").write_text(empty)
    (tmp_path / "full").write_text("contexts: [{name: a, context: {cluster: a}}]\nclusters: [{name: a}]")
    assert contexts([tmp_path / "empty", tmp_path / "full"]) == ["a"]


@pytest.mark.parametrize(
    ("context", "wrong"),
    [({"cluster": 1}, "its 'cluster' must be a text"), ({}, "names no cluster"), (None, "names no cl")],
)
def test_a_context_that_leads_nowhere(tmp_path: Path, context: Any, wrong: str) -> None:
    (tmp_path / "config").write_text(yaml.safe_dump({"contexts": [{"name": "a", "context": context}]}))
    with pytest.raises(MusterError, match=wrong):
        single_context("a", [tmp_path / "config"])


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority",
    "certificate-authority-data",
    "proxy-url",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "tokenFile",
    "username",
    "password",
    "auth-provider",
    "as",
    "as-uid",
    "as-groups",
    "as-user-extra",
]
ENTRY = st.dictionaries(st.sampled_from(FIELDS), ANY | st.just(SERVER) | st.just("YQ=="), max_size=5)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cluster=ENTRY | ANY, user=ENTRY | ANY)
def test_whatever_the_entries_hold_it_is_an_access_or_one_sentence(cluster: Any, user: Any) -> None:
    content = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster if isinstance(cluster, dict) else {"server": cluster}}],
        "users": [{"name": "u", "user": user if isinstance(user, dict) else {"token": user}}],
    }
    try:
        assert access_of(content).server.startswith("http")
    except MusterError as error:
        assert "\n" not in str(error)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=80) | ANY | st.fixed_dictionaries(dict.fromkeys(("contexts", "users"), ANY)))
def test_whatever_the_file_holds_it_is_a_kubeconfig_or_one_sentence(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "config"
    path.write_bytes(content if isinstance(content, bytes) else yaml.safe_dump(content).encode())
    try:
        for name in contexts([path]):
            single_context(name, [path])
    except MusterError as error:
        assert "\n" not in str(error)
