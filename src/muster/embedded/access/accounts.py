"""Tokens of ServiceAccounts: made on demand, and believed as long as what they are bound to is there.

A token names its account with the account's uid, and may be bound to a pod, a Secret or a node likewise: it ends with
each of them, as it ends with its time. Those in Secrets of type `kubernetes.io/service-account-token` have no end of
their own.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from muster.base.clock import utc
from muster.embedded.access.keys import Claims, SigningKey
from muster.embedded.access.users import User, account_groups, account_name
from muster.embedded.objects import Key, Object
from muster.embedded.resources import NODES, PODS, SECRETS, SERVICEACCOUNTS, Resource
from muster.embedded.status import bad_request, conflict
from muster.embedded.store import Store

ISSUER = "https://kubernetes.default.svc.cluster.local"
SECRET_ISSUER = "kubernetes/serviceaccount"  # noqa: S105 - a name, no secret
SECRET_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - likewise
NAME_ANNOTATION = "kubernetes.io/service-account.name"
UID_ANNOTATION = "kubernetes.io/service-account.uid"
LEEWAY = timedelta(seconds=60)  # for which a token outlives the mark that its account or pod is to go
_EXTRA = "authentication.kubernetes.io"
_BINDABLE: dict[tuple[str, str], Resource] = {("Pod", "v1"): PODS, ("Secret", "v1"): SECRETS, ("Node", "v1"): NODES}


class Wish(NamedTuple):
    """What a token is asked for: its readers, its lifetime in seconds, and the object that it is to be bound to."""

    audiences: Sequence[str] = ()
    seconds: int = 3600
    bound_to: Object | None = None  # `BoundObjectReference`: kind, apiVersion, name, uid


class Token(NamedTuple):
    """A token, for whom, and until when."""

    text: str
    audiences: list[str]
    expires: datetime


class Accounts:
    """Makes tokens for the ServiceAccounts of one cluster, and knows whose a token is."""

    def __init__(self, store: Store, key: SigningKey | None = None, clock: Callable[[], datetime] = utc) -> None:
        self._store = store
        self._key = key or SigningKey()
        self._clock = clock

    def issue(self, account: Key, wish: Wish) -> Token:
        """A token for an account.

        Raises `StatusError`: 404 there is no such account or object, 409 its uid is another, 400 it cannot be bound.
        """
        found = self._store.stored(SERVICEACCOUNTS, *account).shared
        now = self._clock()
        expires = now + timedelta(seconds=wish.seconds)
        audiences = list(wish.audiences) or [ISSUER]
        begins = int(now.timestamp())
        about = {"namespace": account.namespace, "serviceaccount": _reference(found)}
        claims = {
            "aud": audiences,
            "exp": int(expires.timestamp()),
            "iat": begins,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": {**self._bound(account, wish.bound_to), **about},
            "nbf": begins,
            "sub": account_name(account),
        }
        return Token(self._key.sign(claims), audiences, expires)

    def issue_for_secret(self, secret: Object, account: Object) -> str:
        """The token that a Secret of the token type is to hold."""
        prefix, meta = "kubernetes.io/serviceaccount", account["metadata"]
        return self._key.sign(
            {
                "iss": SECRET_ISSUER,
                f"{prefix}/namespace": meta["namespace"],
                f"{prefix}/secret.name": secret["metadata"]["name"],
                f"{prefix}/service-account.name": meta["name"],
                f"{prefix}/service-account.uid": meta["uid"],
                "sub": account_name(Key(meta["namespace"], meta["name"])),
            }
        )

    def user_of(self, token: str, audiences: Sequence[str] = (ISSUER,)) -> tuple[User, list[str]] | None:
        """Whose token it is and which of the audiences it is for; None for one that is not, or no longer, good."""
        claims = self._key.read(token)
        if claims is None:
            return None
        if claims.get("iss") == SECRET_ISSUER:
            return self._of_secret(claims, token, audiences)
        shared = [audience for audience in audiences if audience in claims["aud"]]
        now = self._clock().timestamp()
        about = claims["kubernetes.io"]
        account = Key(about["namespace"], about["serviceaccount"]["name"])
        if not shared or not claims["nbf"] <= now < claims["exp"] or not self._holds(SERVICEACCOUNTS, about, account):
            return None
        for resource in (PODS, SECRETS, NODES):
            bound = about.get(resource.singular)
            # A pod's node is told for information alone; a token that is bound to a node has no pod.
            if bound is None or (resource is NODES and PODS.singular in about):
                continue
            where = account.namespace if resource.namespaced else ""
            if not self._holds(resource, about, Key(where, bound["name"])):
                return None
        user = User(claims["sub"], about["serviceaccount"]["uid"], account_groups(account), _extra(claims))
        return user, shared

    def _of_secret(self, claims: Claims, token: str, audiences: Sequence[str]) -> tuple[User, list[str]] | None:
        prefix = "kubernetes.io/serviceaccount"
        namespace, name = claims[f"{prefix}/namespace"], claims[f"{prefix}/service-account.name"]
        secret = self._store.peek(SECRETS, namespace, claims[f"{prefix}/secret.name"])
        account = self._store.peek(SERVICEACCOUNTS, namespace, name)
        if secret is None or account is None or account["metadata"]["uid"] != claims[f"{prefix}/service-account.uid"]:
            return None
        held = (secret.get("data") or {}).get("token", "")
        if ISSUER not in audiences or held != base64.b64encode(token.encode()).decode():
            return None
        key = Key(namespace, name)
        return User(account_name(key), account["metadata"]["uid"], account_groups(key)), [ISSUER]

    def _bound(self, account: Key, reference: Object | None) -> Claims:
        """What the token says of the object that it is bound to."""
        if not reference:
            return {}
        kind, version = reference.get("kind", ""), reference.get("apiVersion", "")
        resource = _BINDABLE.get((kind, version))
        if resource is None:
            raise bad_request(f"cannot bind token to object of type {version}, Kind={kind}")
        where = account.namespace if resource.namespaced else ""
        obj = self._store.stored(resource, where, reference.get("name", "")).shared
        if reference.get("uid") and reference["uid"] != obj["metadata"]["uid"]:
            why = (
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. The "
                "object might have been deleted and then recreated"
            )
            raise conflict(resource, obj["metadata"]["name"], why)
        bound = {resource.singular: _reference(obj)}
        if resource is PODS:
            if obj["spec"].get("serviceAccountName") != account.name:
                raise bad_request(
                    f'cannot bind token for serviceaccount "{account.name}" to pod running with different '
                    "serviceaccount name."
                )
            node = obj["spec"].get("nodeName")
            if node and (found := self._store.peek(NODES, "", node)):
                bound[NODES.singular] = _reference(found)
        return bound

    def _holds(self, resource: Resource, about: Claims, key: Key) -> bool:
        """Whether the object that a token relies on is there, and is still that one."""
        obj = self._store.peek(resource, *key)
        if obj is None or obj["metadata"]["uid"] != about[resource.singular]["uid"]:
            return False
        marked = obj["metadata"].get("deletionTimestamp")
        return not marked or self._clock() < datetime.fromisoformat(marked) + LEEWAY


def _reference(obj: Object) -> Object:
    return {"name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"]}


def _extra(claims: Claims) -> tuple[tuple[str, tuple[str, ...]], ...]:
    about = claims["kubernetes.io"]
    found = [(f"{_EXTRA}/credential-id", (f"JTI={claims['jti']}",))]
    for kind in (NODES.singular, PODS.singular):
        if kind in about:
            found += [(f"{_EXTRA}/{kind}-{field}", (about[kind][field],)) for field in ("name", "uid")]
    return tuple(found)
