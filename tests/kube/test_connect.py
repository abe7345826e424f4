"""A kubeconfig with a single context is all that a program is ever given."""

from pathlib import Path

import pytest
import yaml

from muster.base.errors import ClusterError, UsageError
from muster.kube import Cluster, connect, contexts, isolated_kubeconfig

FIRST = """
apiVersion: v1
kind: Config
current-context: prod
contexts:
- {name: prod, context: {cluster: big, user: root, namespace: shop}}
- {name: staging, context: {cluster: small, user: me}}
clusters:
- {name: big, cluster: {server: "https://big.example:6443"}}
- {name: small, cluster: {server: "https://127.0.0.1:9", certificate-authority: ca.pem}}
users:
- {name: root, user: {token: secret}}
- {name: me, user: {client-certificate: me.crt, client-key: me.key}}
"""
SECOND = """
apiVersion: v1
kind: Config
contexts: [{name: staging, context: {cluster: other, user: other}}, {name: dev, context: {cluster: gone, user: gone}}]
clusters: [{name: other, cluster: {server: "https://other.example"}}]
users: [{name: other, user: {token: t}}]
"""


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    (tmp_path / "a").write_text(FIRST)
    (tmp_path / "b").write_text(SECOND)
    return [tmp_path / "a", tmp_path / "b", tmp_path / "missing"]


def test_the_file_holds_the_named_context_and_nothing_of_the_others(paths: list[Path], tmp_path: Path) -> None:
    target = isolated_kubeconfig("staging", tmp_path / "single", paths=paths)
    text = target.read_text()
    content = yaml.safe_load(text)
    assert content["current-context"] == "staging"
    assert [len(content[section]) for section in ("contexts", "clusters", "users")] == [1, 1, 1]
    assert "big.example" not in text
    assert "secret" not in text
    assert target.stat().st_mode & 0o077 == 0


def test_another_process_reaches_a_cluster_whose_file_is_gone(cluster: Cluster, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(cluster.kubeconfig.read_bytes())
    with connect(mine, embedded=True) as found:
        mine.unlink()
        written = found.write_kubeconfig(tmp_path / "theirs")
    assert written.stat().st_mode & 0o077 == 0
    with connect(written, embedded=True) as theirs:
        assert theirs.context == cluster.context


def test_file_names_are_found_from_anywhere(paths: list[Path], tmp_path: Path) -> None:
    content = yaml.safe_load(isolated_kubeconfig("staging", tmp_path / "single", paths=paths).read_text())
    assert content["clusters"][0]["cluster"]["certificate-authority"] == str(tmp_path / "ca.pem")
    assert content["users"][0]["user"]["client-key"] == str(tmp_path / "me.key")


def test_the_contexts_of_all_files_are_known(paths: list[Path]) -> None:
    assert contexts(paths) == ["dev", "prod", "staging"]


def test_an_unknown_context_is_answered_with_those_that_there_are(paths: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'produ' not found in the kubeconfig \(there are: dev, prod, staging\)"):
        isolated_kubeconfig("produ", tmp_path / "single", paths=paths)


def test_a_context_whose_cluster_is_missing_is_named(paths: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names cluster 'gone', which is not in the kubeconfig"):
        isolated_kubeconfig("dev", tmp_path / "single", paths=paths)


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    config = FIRST.replace(", certificate-authority: ca.pem", ", insecure-skip-tls-verify: true")
    config = config.replace("client-certificate: me.crt, client-key: me.key", "token: t")
    (tmp_path / "config").write_text(config)
    single = isolated_kubeconfig("staging", tmp_path / "single", paths=[tmp_path / "config"])
    with pytest.raises(ClusterError, match=r"context .staging. at https://127\.0\.0\.1:9 does not answer"):
        connect(single)


def test_a_file_with_several_contexts_is_not_used(paths: list[Path]) -> None:
    with pytest.raises(UsageError, match="exactly one context"):
        connect(paths[0])
