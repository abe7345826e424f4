"""The ClusterRoles and bindings that a cluster begins with."""

from __future__ import annotations

from importlib import resources
from typing import Any

import yaml

from muster.embedded.access.users import MASTERS
from muster.embedded.objects import Object
from muster.embedded.resources import CLUSTERROLEBINDINGS, CLUSTERROLES
from muster.embedded.store import Store

GROUP = "rbac.authorization.k8s.io"
_MARK: Object = {
    "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
}


def create_defaults(store: Store) -> None:
    """Write them into a new store."""
    text = resources.files(__package__).joinpath("default_roles.yaml").read_text(encoding="utf-8")
    described: dict[str, dict[str, Any]] = yaml.load(text, yaml.CSafeLoader)["roles"]
    described["cluster-admin"]["groups"] = MASTERS
    for name, role in described.items():
        store.create(CLUSTERROLES, _role(name, role))
        if "groups" in role:
            subjects = [{"kind": "Group", "apiGroup": GROUP, "name": group} for group in role["groups"].split()]
            reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}
            store.create(CLUSTERROLEBINDINGS, {"metadata": _named(name), "subjects": subjects, "roleRef": reference})


def _named(name: str) -> Object:
    return {"name": name, **{field: dict(values) for field, values in _MARK.items()}}


def _role(name: str, described: dict[str, Any]) -> Object:
    role: Object = {"metadata": _named(name), "rules": [_rule(*rule) for rule in described.get("rules", ())]}
    if "part_of" in described:
        role["metadata"]["labels"][f"{GROUP}/aggregate-to-{described['part_of']}"] = "true"
    if "aggregates" in described:
        label = {f"{GROUP}/aggregate-to-{described['aggregates']}": "true"}
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": label}]}
    return role


def _rule(verbs: str, *of: str) -> Object:
    if len(of) == 1:
        return {"verbs": verbs.split(), "nonResourceURLs": of[0].split()}
    groups = ["" if group == "core" else group for group in of[0].split()]
    return {"verbs": verbs.split(), "apiGroups": groups, "resources": of[1].split()}
