"""The checks of Roles and of what binds them."""

from __future__ import annotations

import json
from collections.abc import Callable

from muster.embedded.admission.names import cause, required
from muster.embedded.admission.values import unsupported
from muster.embedded.objects import Object
from muster.embedded.status import Cause

GROUP = "rbac.authorization.k8s.io"
_ROLES = ("Role", "ClusterRole")
_SUBJECTS = ("ServiceAccount", "User", "Group")


def default_binding(obj: Object) -> None:
    """Complete a binding: what is said of API groups follows from the kinds."""
    reference = obj.setdefault("roleRef", {})
    if not reference.get("apiGroup"):
        reference["apiGroup"] = GROUP
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
            subject["apiGroup"] = GROUP


def check_role(*, namespaced: bool) -> Callable[[Object], list[Cause]]:
    """The check of Roles, or of ClusterRoles."""

    def check(obj: Object) -> list[Cause]:
        rules = enumerate(obj.get("rules") or ())
        return [found for i, rule in rules for found in _check_rule(rule, f"rules[{i}]", namespaced=namespaced)]

    return check


def _check_rule(rule: Object, path: str, *, namespaced: bool) -> list[Cause]:
    causes: list[Cause] = []
    if not rule.get("verbs"):
        causes.append(required(f"{path}.verbs", "Required value: verbs must contain at least one value"))
    if urls := rule.get("nonResourceURLs"):
        field, shown = f"{path}.nonResourceURLs", json.dumps(urls)
        if namespaced:
            message = f"Invalid value: {shown}: namespaced rules cannot apply to non-resource URLs"
            causes.append(cause("Invalid", field, message))
        if any(rule.get(name) for name in ("apiGroups", "resources", "resourceNames")):
            message = f"Invalid value: {shown}: rules cannot apply to both regular resources and non-resource URLs"
            causes.append(cause("Invalid", field, message))
        return causes
    if not rule.get("apiGroups"):
        message = "Required value: resource rules must supply at least one api group"
        causes.append(required(f"{path}.apiGroups", message))
    if not rule.get("resources"):
        message = "Required value: resource rules must supply at least one resource"
        causes.append(required(f"{path}.resources", message))
    return causes


def check_binding(*, namespaced: bool) -> Callable[[Object], list[Cause]]:
    """The check of RoleBindings, or of ClusterRoleBindings."""

    def check(obj: Object) -> list[Cause]:
        reference = obj["roleRef"]
        causes: list[Cause] = []
        if reference.get("apiGroup") != GROUP:
            causes.append(unsupported("roleRef.apiGroup", reference.get("apiGroup"), (GROUP,)))
        kinds = _ROLES if namespaced else ("ClusterRole",)
        if reference.get("kind") not in kinds:
            causes.append(unsupported("roleRef.kind", reference.get("kind") or "", kinds))
        if not reference.get("name"):
            causes.append(required("roleRef.name"))
        for i, subject in enumerate(obj.get("subjects") or ()):
            causes += _check_subject(subject, f"subjects[{i}]", namespaced=namespaced)
        return causes

    return check


def _check_subject(subject: Object, path: str, *, namespaced: bool) -> list[Cause]:
    kind = subject.get("kind")
    causes = [] if subject.get("name") else [required(f"{path}.name")]
    if kind not in _SUBJECTS:
        return [*causes, unsupported(f"{path}.kind", kind or "", _SUBJECTS)]
    group = "" if kind == "ServiceAccount" else GROUP
    if (subject.get("apiGroup") or "") != group:
        causes.append(unsupported(f"{path}.apiGroup", subject.get("apiGroup"), (group,)))
    if kind == "ServiceAccount" and not namespaced and not subject.get("namespace"):
        causes.append(required(f"{path}.namespace"))
    return causes


def check_binding_change(new: Object, old: Object) -> list[Cause]:
    """What is wrong with a change of a binding: it may not come to name another Role."""
    if new["roleRef"] == old["roleRef"]:
        return []
    shown = {"APIGroup": "apiGroup", "Kind": "kind", "Name": "name"}
    value = json.dumps({title: new["roleRef"].get(field, "") for title, field in shown.items()}, separators=(",", ":"))
    return [cause("Invalid", "roleRef", f"Invalid value: {value}: cannot change roleRef")]
