"""Nobody grants what they do not have: what is asked before a Role or a binding is written.

Who has the verb `escalate` on a Role, or `bind` on the one that a binding names, may nevertheless; so may masters.
"""

from __future__ import annotations

import json

from muster.embedded.access.attributes import Attributes, forbidden
from muster.embedded.access.authorizer import Authorizer, missing_role
from muster.embedded.access.rules import EVERYTHING, describe, missing
from muster.embedded.access.users import User
from muster.embedded.objects import Object
from muster.embedded.resources import CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES, Resource
from muster.embedded.status import StatusError

_ROLES = (ROLES, CLUSTERROLES)
_BINDINGS = (ROLEBINDINGS, CLUSTERROLEBINDINGS)


def check_grant(authorizer: Authorizer, user: User, resource: Resource, new: Object, old: Object | None) -> None:
    """Let a write pass that gives nobody more than its author has.

    Raises `StatusError`: 403 it does, 404 the Role that a binding names does not exist.
    """
    if user.is_master or resource not in (*_ROLES, *_BINDINGS):
        return
    meta = new["metadata"]
    namespace = meta.get("namespace") or ""
    here = Attributes("", resource.group, "v1", resource.plural, "", namespace, meta.get("name") or "")
    if resource in _ROLES:
        _check_role(authorizer, user, new, old, here)
    elif old is None or _without_metadata(new) != _without_metadata(old):
        _check_binding(authorizer, user, new.get("roleRef") or {}, here)


def _check_role(authorizer: Authorizer, user: User, new: Object, old: Object | None, here: Attributes) -> None:
    same = ("rules", "aggregationRule")
    if old is not None and all((new.get(field) or None) == (old.get(field) or None) for field in same):
        return
    if authorizer.decide(user, here._replace(verb="escalate")).allowed:
        return
    held = [granted.rule for granted in authorizer.grants(user, here.namespace).rules]
    if new.get("aggregationRule") and missing(held, EVERYTHING):
        raise forbidden(here, "must have cluster-admin privileges to use the aggregationRule")
    _confirm(held, new.get("rules") or [], user, here)


def _check_binding(authorizer: Authorizer, user: User, reference: Object, here: Attributes) -> None:
    kind, name = reference.get("kind", ""), reference.get("name", "")
    if kind not in ("Role", "ClusterRole"):
        return  # no binding at all, which the checks of its type say
    bound = here._replace(resource=f"{kind.lower()}s", name=name)
    if authorizer.decide(user, bound._replace(verb="bind")).allowed:
        return
    rules = authorizer.rules_of(reference, here.namespace)
    if rules is None:
        details = {"name": name, "group": here.group, "kind": bound.resource}
        raise StatusError(404, "NotFound", missing_role({"kind": f"{kind}s", "name": name}), details)
    held = [granted.rule for granted in authorizer.grants(user, here.namespace).rules]
    _confirm(held, rules, user, here)


def _confirm(held: list[Object], wanted: list[Object], user: User, here: Attributes) -> None:
    if lacking := missing(held, wanted):
        groups = " ".join(json.dumps(group) for group in user.groups)
        listed = "\n".join(describe(lacking))
        why = (
            f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n'
            f"{listed}"
        )
        raise forbidden(here, why)


def _without_metadata(obj: Object) -> Object:
    return {field: value for field, value in obj.items() if field in ("subjects", "roleRef") and value}
