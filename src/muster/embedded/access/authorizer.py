"""RBAC: who may do what, by the Roles and bindings that are stored at the moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from muster.embedded.access.attributes import Attributes
from muster.embedded.access.rules import allows
from muster.embedded.access.users import User, account_name
from muster.embedded.objects import Key, Object
from muster.embedded.resources import CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES
from muster.embedded.store import Event, Store

REMEMBERED = 500  # callers with their rules


class Decision(NamedTuple):
    """Whether something is allowed, and why; for what is not, why it might have been: a Role that is missing."""

    allowed: bool
    reason: str = ""


class Granted(NamedTuple):
    """A rule that somebody has, and from where."""

    rule: Object
    why: str


class Grants(NamedTuple):
    """All rules that a caller has in a namespace, and what could not be resolved."""

    rules: list[Granted]
    errors: list[str]


class Authorizer:
    """Decides by rules that are put together once for each caller and namespace, until a Role or binding changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, tuple[str, ...], str], Grants] = {}
        for resource in (ROLES, ROLEBINDINGS, CLUSTERROLES, CLUSTERROLEBINDINGS):
            store.subscribe(resource, self._forget)

    def decide(self, user: User, wanted: Attributes) -> Decision:
        """Whether a caller may do what is wanted."""
        if user.is_master:
            return Decision(allowed=True)
        grants = self.grants(user, wanted.namespace)
        for granted in grants.rules:
            if allows(granted.rule, wanted):
                return Decision(True, f"RBAC: allowed by {granted.why}")
        if not grants.errors:
            return Decision(allowed=False)
        text = grants.errors[0] if len(grants.errors) == 1 else f"[{', '.join(grants.errors)}]"
        return Decision(False, f"RBAC: {text}")

    def grants(self, user: User, namespace: str) -> Grants:
        """What a caller may do in a namespace, the cluster's rules among them; in no namespace these alone."""
        key = (user.name, user.groups, namespace)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._collect(user, namespace)
        return found

    def rules_of(self, reference: Object, namespace: str) -> list[Object] | None:
        """The rules of the Role that a binding names; None where there is no such Role."""
        if reference.get("kind") == "ClusterRole":
            role = self._store.peek(CLUSTERROLES, "", reference["name"])
        else:
            role = self._store.peek(ROLES, namespace, reference["name"])
        return None if role is None else role.get("rules") or []

    def _forget(self, _event: Event) -> None:
        self._known.clear()

    def _collect(self, user: User, namespace: str) -> Grants:
        grants = Grants([], [])
        for binding, where in self._bindings(namespace):
            subject = next((one for one in binding.get("subjects") or () if _is(one, user, where)), None)
            if subject is None:
                continue
            reference = binding["roleRef"]
            rules = self.rules_of(reference, where)
            if rules is None:
                grants.errors.append(missing_role(reference))
                continue
            why = _origin(binding, where, subject)
            grants.rules.extend(Granted(rule, why) for rule in rules)
        return grants

    def _bindings(self, namespace: str) -> Iterator[tuple[Object, str]]:
        """Bindings that count in a namespace, each with the namespace that it is in."""
        for stored in self._store.scan(CLUSTERROLEBINDINGS):
            yield stored.shared, ""
        for stored in self._store.scan(ROLEBINDINGS, namespace) if namespace else ():
            yield stored.shared, namespace


def missing_role(reference: Object) -> str:
    """What is said of a Role that does not exist."""
    return f'{reference["kind"].lower()}.rbac.authorization.k8s.io "{reference["name"]}" not found'


def _is(subject: Object, user: User, namespace: str) -> bool:
    """Whether a subject of a binding means this caller."""
    match subject.get("kind"):
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in user.groups
        case "ServiceAccount":
            where = subject.get("namespace") or namespace
            return bool(where) and account_name(Key(where, subject["name"])) == user.name
    return False


def _origin(binding: Object, namespace: str, subject: Object) -> str:
    name, reference = binding["metadata"]["name"], binding["roleRef"]
    where = f'RoleBinding "{name}/{namespace}"' if namespace else f'ClusterRoleBinding "{name}"'
    who = subject["name"]
    if subject["kind"] == "ServiceAccount":
        who = f"{who}/{subject.get('namespace') or namespace}"
    return f'{where} of {reference["kind"]} "{reference["name"]}" to {subject["kind"]} "{who}"'
