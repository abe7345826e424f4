"""What is asked of a release is not undone by something weaker, and what cannot be heeded any more is refused."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.release.record import PhaseName, ReleaseBook, ask, find_release, new_release


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    name = f"asked-{secrets.token_hex(3)}"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.delete("Namespace", name)


def begun(cluster: Cluster, namespace: str, phase: PhaseName) -> ReleaseBook:
    book = ReleaseBook(
        cluster, new_release(release="new/", version="2", system="shop", namespace=namespace, phase=phase)
    )
    book.begin()
    return book


def test_an_abort_is_not_forgotten_for_a_pause_that_comes_right_after_it(cluster: Cluster, namespace: str) -> None:
    book = begun(cluster, namespace, "canary")
    ask(cluster, namespace, "pause", "lunch")
    ask(cluster, namespace, "abort", "wrong prices")
    with pytest.raises(RefusedError, match="abort is asked of release 2 of shop already"):
        ask(cluster, namespace, "pause", "lunch")
    heard = book.heard()
    assert heard is not None
    assert (heard.command, heard.why) == ("abort", "wrong prices")


def test_a_pause_is_refused_once_the_old_version_is_being_replaced(cluster: Cluster, namespace: str) -> None:
    begun(cluster, namespace, "promote")
    with pytest.raises(
        RefusedError, match=r"pause is for a bake; right would be --freeze, --abort or 'muster rollback'"
    ):
        ask(cluster, namespace, "pause")
    ask(cluster, namespace, "abort")
    found = find_release(cluster, namespace)
    assert found is not None
    assert found.wanted is not None
    assert found.wanted.command == "abort"
