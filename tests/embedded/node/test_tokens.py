"""Tokens in a pod's volumes are renewed before they end, and not asked for otherwise."""

from __future__ import annotations

import pytest

from muster.embedded.access.accounts import Accounts
from muster.embedded.node.sources import MissingSourceError
from muster.embedded.node.volumes.tokens import PodTokens
from muster.embedded.resources import NAMESPACES, PODS, SERVICEACCOUNTS
from muster.embedded.store import Store


class Pod:
    """A pod with an account, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = Store()
        self.store.create(NAMESPACES, {"metadata": {"name": "n"}})
        self.store.create(SERVICEACCOUNTS, {"metadata": {"name": "a", "namespace": "n"}})
        meta = {"name": "p", "namespace": "n"}
        pod = self.store.create(PODS, {"metadata": meta, "spec": {"serviceAccountName": "a"}})
        self.tokens = PodTokens(pod, Accounts(self.store), clock=lambda: self.now)


def test_a_token_is_kept_for_four_fifths_of_its_life() -> None:
    pod = Pod()
    assert pod.tokens.renewed_in() is None
    source = {"path": "t", "expirationSeconds": 600}
    first = pod.tokens.token(source)
    assert pod.tokens.renewed_in() == 480
    pod.now += 479
    assert pod.tokens.token(source) == first
    pod.now += 1
    assert pod.tokens.renewed_in() == 0
    assert pod.tokens.token(source) != first


def test_no_token_grows_older_than_a_day() -> None:
    pod = Pod()
    pod.tokens.token({"path": "t", "expirationSeconds": 10**7})
    assert pod.tokens.renewed_in() == 24 * 3600


def test_each_audience_has_a_token_of_its_own() -> None:
    pod = Pod()
    assert pod.tokens.token({"audience": "a"}) != pod.tokens.token({"audience": "b"})


def test_an_account_that_is_gone_gives_none() -> None:
    pod = Pod()
    pod.store.delete(SERVICEACCOUNTS, "n", "a")
    with pytest.raises(MissingSourceError, match='failed to fetch token: serviceaccounts "a" not found'):
        pod.tokens.token({"path": "t"})
