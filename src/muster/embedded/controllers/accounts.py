"""ServiceAccounts: the one that each namespace has, and the Secrets that hold a token of one."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from muster.embedded.access.accounts import NAME_ANNOTATION, SECRET_TYPE, UID_ANNOTATION, Accounts
from muster.embedded.deletion import DeleteOptions
from muster.embedded.objects import Key, Object, is_terminating, key_of
from muster.embedded.reconciler import Reconciler, own_key
from muster.embedded.resources import NAMESPACES, SECRETS, SERVICEACCOUNTS
from muster.embedded.store import Store

DEFAULT = "default"


class ServiceAccountController:
    """Gives each namespace that is not ending its account `default`, again where it was deleted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("serviceaccount", self._store, self.reconcile)
        return reconciler.watch(NAMESPACES, own_key).watch(SERVICEACCOUNTS, _namespace_of_default)

    def reconcile(self, key: Key) -> None:
        namespace = self._store.peek(NAMESPACES, *key)
        if namespace is None or is_terminating(namespace):
            return
        if self._store.peek(SERVICEACCOUNTS, key.name, DEFAULT) is None:
            self._store.create(SERVICEACCOUNTS, {"metadata": {"name": DEFAULT, "namespace": key.name}})


class TokenSecretController:
    """Fills Secrets of the token type, and removes them with their account."""

    def __init__(self, store: Store, accounts: Accounts, authority: str) -> None:
        """`authority` is the PEM that clients are to trust."""
        self._store = store
        self._accounts = accounts
        self._authority = authority

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("token-secret", self._store, self.reconcile)
        return reconciler.watch(SECRETS, _token_secret).watch(SERVICEACCOUNTS, self._secrets_of)

    def reconcile(self, key: Key) -> None:
        secret = self._store.find(SECRETS, *key)
        if secret is None or secret.get("type") != SECRET_TYPE or is_terminating(secret):
            return
        annotations = secret["metadata"].setdefault("annotations", {})
        account = self._store.peek(SERVICEACCOUNTS, key.namespace, annotations.get(NAME_ANNOTATION, ""))
        known = annotations.get(UID_ANNOTATION)
        if account is None or known not in (None, account["metadata"]["uid"]):
            self._store.delete(SECRETS, *key, DeleteOptions(uid=secret["metadata"]["uid"]))
            return
        annotations[UID_ANNOTATION] = account["metadata"]["uid"]
        data = secret.setdefault("data", {})
        wanted = {"ca.crt": self._authority, "namespace": key.namespace}
        data |= {name: base64.b64encode(text.encode()).decode() for name, text in wanted.items()}
        if not data.get("token"):
            token = self._accounts.issue_for_secret(secret, account)
            data["token"] = base64.b64encode(token.encode()).decode()
        self._store.update(SECRETS, secret)

    def _secrets_of(self, account: Object) -> Iterable[Key]:
        name, namespace = account["metadata"]["name"], account["metadata"]["namespace"]
        return [
            stored.key
            for stored in self._store.scan(SECRETS, namespace)
            if (stored.shared["metadata"].get("annotations") or {}).get(NAME_ANNOTATION) == name
        ]


def _namespace_of_default(account: Object) -> Iterable[Key]:
    meta = account["metadata"]
    return (Key("", meta["namespace"]),) if meta["name"] == DEFAULT else ()


def _token_secret(secret: Object) -> Iterable[Key]:
    return (key_of(secret),) if secret.get("type") == SECRET_TYPE else ()
