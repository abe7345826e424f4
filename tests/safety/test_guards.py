"""Nobody is struck who did not opt in, and doubt is a refusal."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator

import pytest

from muster.base.errors import RefusedError
from muster.kube import Cluster, access_to
from muster.safety import Entry, check_nothing_open, check_target

from .recorded import on_record


@pytest.fixture
def silent() -> Iterator[Cluster]:
    """A cluster at an address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        access = access_to(f"https://127.0.0.1:{taken.getsockname()[1]}")
        with Cluster(
            access, content={"current-context": "silent"}, embedded=False, timeout=2.0, kubeconfig=None
        ) as cluster:
            yield cluster


def test_an_opted_in_namespace_passes(cluster: Cluster, namespace: str) -> None:
    check_target(cluster, namespace)
    check_nothing_open(cluster, namespace)


@pytest.mark.parametrize("labels", [{}, {"muster.dev/drills": "no"}])
def test_a_namespace_without_the_label_is_refused_with_the_command_to_opt_in(
    cluster: Cluster, labels: dict[str, str]
) -> None:
    name = f"bare-{secrets.token_hex(4)}"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    command = f"kubectl --context {cluster.context} label namespace {name} muster.dev/drills=allowed"
    with pytest.raises(RefusedError, match=command):
        check_target(cluster, name)


def test_a_namespace_that_does_not_exist_is_refused(cluster: Cluster) -> None:
    with pytest.raises(RefusedError, match="there is no namespace 'nowhere'"):
        check_target(cluster, "nowhere")


def test_a_cluster_that_does_not_answer_is_refused(silent: Cluster) -> None:
    with pytest.raises(RefusedError, match="cannot be checked"):
        check_target(silent, "any")
    with pytest.raises(RefusedError, match="cannot be asked"):
        check_nothing_open(silent, "any")


def test_a_fault_in_force_keeps_another_out(cluster: Cluster, namespace: str) -> None:
    entry = Entry("ConfigMap", "x", ("data", "a"), "1", "2")
    on_record(cluster, namespace, entry, experiment="flood", run="r", injection="i")
    with pytest.raises(RefusedError, match=r"fault 'flood' of .* still in force .*; undo it first: muster undo"):
        check_nothing_open(cluster, namespace)


def test_a_record_that_cannot_be_understood_keeps_a_fault_out(cluster: Cluster, namespace: str) -> None:
    metadata = {"name": "muster-fault-odd", "labels": {"muster.dev/fault-record": "odd"}}
    cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}}, namespace)
    with pytest.raises(RefusedError, match=r"muster-fault-odd .* cannot be understood"):
        check_nothing_open(cluster, namespace)
