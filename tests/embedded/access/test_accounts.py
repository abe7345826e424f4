"""Tokens of ServiceAccounts: what they say, and what ends them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from muster.embedded.access.accounts import ISSUER, Accounts, Wish
from muster.embedded.access.keys import SigningKey
from muster.embedded.deletion import DeleteOptions
from muster.embedded.objects import Key, Object
from muster.embedded.resources import NAMESPACES, PODS, SECRETS, SERVICEACCOUNTS
from muster.embedded.status import StatusError
from muster.embedded.store import Store

ACCOUNT = Key("n", "a")


class World:
    """A store with an account and a pod, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.store = Store()
        self.store.create(NAMESPACES, {"metadata": {"name": "n"}})
        self.account = self.store.create(SERVICEACCOUNTS, {"metadata": {"name": "a", "namespace": "n"}})
        self.pod = self.make_pod()
        self.accounts = Accounts(self.store, clock=lambda: self.now)

    def make_pod(self, account: str = "a") -> Object:
        spec = {"serviceAccountName": account, "nodeName": "gone"}
        return self.store.create(PODS, {"metadata": {"name": f"p-{account}", "namespace": "n"}, "spec": spec})

    def believed(self, token: str, *audiences: str) -> bool:
        return self.accounts.user_of(token, audiences or (ISSUER,)) is not None


@pytest.fixture
def world() -> World:
    return World()


def bound_to(obj: Object, **other: str) -> Object:
    return {"kind": obj["kind"], "apiVersion": "v1", "name": obj["metadata"]["name"], **other}


def claims_of(token: str) -> Object:
    body = token.split(".")[1]
    return orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_a_token_is_its_accounts(world: World) -> None:
    token = world.accounts.issue(ACCOUNT, Wish(bound_to=bound_to(world.pod)))
    found = world.accounts.user_of(token.text)
    assert found is not None
    user, audiences = found
    assert (user.name, user.uid) == ("system:serviceaccount:n:a", world.account["metadata"]["uid"])
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:n", "system:authenticated")
    assert dict(user.extra)["authentication.kubernetes.io/pod-name"] == ("p-a",)
    assert audiences == [ISSUER]
    claims = claims_of(token.text)
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["kubernetes.io"]["pod"]["uid"] == world.pod["metadata"]["uid"]


def test_a_token_ends_with_its_time(world: World) -> None:
    token = world.accounts.issue(ACCOUNT, Wish(seconds=600)).text
    world.now += timedelta(seconds=599)
    assert world.believed(token)
    world.now += timedelta(seconds=1)
    assert not world.believed(token)


def test_a_token_ends_with_its_account_even_where_there_is_another_of_that_name(world: World) -> None:
    token = world.accounts.issue(ACCOUNT, Wish()).text
    world.store.delete(SERVICEACCOUNTS, *ACCOUNT)
    assert not world.believed(token)
    world.store.create(SERVICEACCOUNTS, {"metadata": {"name": "a", "namespace": "n"}})
    assert not world.believed(token)


def test_a_token_ends_with_the_pod_that_it_is_bound_to(world: World) -> None:
    token = world.accounts.issue(ACCOUNT, Wish(bound_to=bound_to(world.pod))).text
    free = world.accounts.issue(ACCOUNT, Wish()).text
    world.store.delete(PODS, "n", "p-a", DeleteOptions(grace_seconds=0))
    assert not world.believed(token)
    assert world.believed(free)


def test_a_pod_that_ends_has_its_token_for_another_minute(world: World) -> None:
    token = world.accounts.issue(ACCOUNT, Wish(bound_to=bound_to(world.pod))).text
    world.store.mark(PODS, "n", "p-a", DeleteOptions())
    marked = world.store.get(PODS, "n", "p-a")["metadata"]["deletionTimestamp"]
    world.accounts = Accounts(world.store, world.accounts._key, clock=lambda: world.now)
    world.now = datetime.fromisoformat(marked) + timedelta(seconds=59)
    token = world.accounts.issue(ACCOUNT, Wish(bound_to=bound_to(world.pod))).text
    assert world.believed(token)
    world.now += timedelta(seconds=2)
    assert not world.believed(token)


def test_a_token_is_for_those_it_names(world: World) -> None:
    token = world.accounts.issue(ACCOUNT, Wish(audiences=["vault"])).text
    assert not world.believed(token)
    assert world.accounts.user_of(token, ("x", "vault"))[1] == ["vault"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("reference", "code", "why"),
    [
        ({"kind": "Pod", "apiVersion": "v1", "name": "none"}, 404, 'pods "none" not found'),
        ({"kind": "Pod", "apiVersion": "v1", "name": "p-a", "uid": "other"}, 409, "does not match the UID in record"),
        ({"kind": "Pod", "apiVersion": "v1", "name": "p-b"}, 400, "different serviceaccount name"),
        ({"kind": "Job", "apiVersion": "batch/v1", "name": "x"}, 400, "cannot bind token to object of type"),
    ],
)
def test_what_a_token_cannot_be_bound_to(world: World, reference: Object, code: int, why: str) -> None:
    world.make_pod("b")
    with pytest.raises(StatusError, match=why) as refused:
        world.accounts.issue(ACCOUNT, Wish(bound_to=reference))
    assert refused.value.code == code


def test_the_token_in_a_secret_ends_with_the_secret(world: World) -> None:
    secret = world.store.create(SECRETS, {"metadata": {"name": "s", "namespace": "n"}})
    token = world.accounts.issue_for_secret(secret, world.account)
    assert not world.believed(token), "the Secret does not hold it yet"
    secret["data"] = {"token": base64.b64encode(token.encode()).decode()}
    world.store.update(SECRETS, secret)
    found = world.accounts.user_of(token)
    assert found is not None
    assert found[0].name == "system:serviceaccount:n:a"
    world.store.delete(SECRETS, "n", "s")
    assert not world.believed(token)


def test_only_what_this_key_has_signed_is_believed() -> None:
    key = SigningKey()
    token = key.sign({"a": 1})
    assert key.read(token) == {"a": 1}
    head, body, signature = token.split(".")
    forged = base64.urlsafe_b64encode(b'{"a":2}').decode().rstrip("=")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for wrong in (
        f"{head}.{forged}.{signature}",
        f"{unsigned}.{body}.",
        f"{head}.{body}.{signature[:-4]}",
        f"{head}.{body}.{signature}.x",
        SigningKey().sign({"a": 1}),
        "a.b.c",
        "ü..",
        "",
    ):
        assert key.read(wrong) is None, wrong
