"""Who may do what: paths read as wishes, rules that match them, bindings that give rules, and what nobody may grant."""

from __future__ import annotations

from typing import Any

import pytest

from muster.embedded.access.attributes import Attributes, attributes_of, denied
from muster.embedded.access.authorizer import Authorizer
from muster.embedded.access.grants import check_grant
from muster.embedded.access.rules import allows, describe, missing
from muster.embedded.access.users import ADMIN, User
from muster.embedded.objects import Object
from muster.embedded.resources import (
    CLUSTERROLEBINDINGS,
    CLUSTERROLES,
    NAMESPACES,
    ROLEBINDINGS,
    ROLES,
    Resource,
)
from muster.embedded.status import StatusError
from muster.embedded.store import Store

ANN = User("ann", groups=("dev", "system:authenticated"))


@pytest.mark.parametrize(
    ("request_line", "wanted"),
    [
        ("GET /api/v1/pods", Attributes("list", "", "v1", "pods")),
        ("GET /api/v1/pods?watch=1", Attributes("watch", "", "v1", "pods")),
        ("GET /api/v1/pods?watch=0", Attributes("list", "", "v1", "pods")),
        ("HEAD /api/v1/namespaces/n/pods/p", Attributes("get", "", "v1", "pods", "", "n", "p")),
        ("GET /api/v1/namespaces/n/pods/p/log", Attributes("get", "", "v1", "pods", "log", "n", "p")),
        ("GET /api/v1/namespaces/n", Attributes("get", "", "v1", "namespaces", "", "n", "n")),
        ("PUT /api/v1/namespaces/n/finalize", Attributes("update", "", "v1", "namespaces", "finalize", "n", "n")),
        ("DELETE /api/v1/namespaces/n/pods", Attributes("deletecollection", "", "v1", "pods", "", "n")),
        ("POST /apis/apps/v1/namespaces/n/deployments/", Attributes("create", "apps", "v1", "deployments", "", "n")),
        ("PATCH /apis/no.such/v7/things/t", Attributes("patch", "no.such", "v7", "things", "", "", "t")),
        ("GET /api/v1/pods?fieldSelector=a!=b,metadata.name=p", Attributes("list", "", "v1", "pods", name="p")),
        ("GET /api/v1/namespaces/n/pods?fieldSelector=metadata.name!=p", Attributes("list", "", "v1", "pods", "", "n")),
        ("GET /api", Attributes("get", path="/api")),
        ("GET /apis/apps/v1", Attributes("get", path="/apis/apps/v1")),
        ("POST /metrics", Attributes("post", path="/metrics")),
    ],
)  # fmt: skip
def test_a_request_is_read_as_a_wish(request_line: str, wanted: Attributes) -> None:
    method, _, url = request_line.partition(" ")
    path, _, query = url.partition("?")
    pairs = dict(pair.partition("=")[::2] for pair in query.replace(",", "\0").split("&") if pair)
    assert attributes_of(method, path, {k: v.replace("\0", ",") for k, v in pairs.items()}) == wanted


def rule(verbs: str, resources: str = "", groups: str = "", **more: Any) -> Object:
    found: Object = {"verbs": verbs.split(), **more}
    if resources:
        found |= {"apiGroups": groups.split() or [""], "resources": resources.split()}
    return found


GET_POD = Attributes("get", "", "v1", "pods", "", "n", "p")
EXEC = Attributes("create", "", "v1", "pods", "exec", "n", "p")


@pytest.mark.parametrize(
    ("one", "wanted", "allowed"),
    [
        (rule("get list", "pods"), GET_POD, True),
        (rule("*", "*", "*"), GET_POD, True),
        (rule("list", "pods"), GET_POD, False),
        (rule("get", "pods", "apps"), GET_POD, False),
        (rule("get", "pods", resourceNames=["p"]), GET_POD, True),
        (rule("get", "pods", resourceNames=["q"]), GET_POD, False),
        (rule("create", "pods", resourceNames=["p"]), GET_POD._replace(verb="create", name=""), False),
        (rule("create", "pods"), EXEC, False),
        (rule("create", "pods/exec"), EXEC, True),
        (rule("create", "*/exec"), EXEC, True),
        (rule("create", "*"), EXEC, True),
        (rule("get", nonResourceURLs=["/api/*"]), Attributes("get", path="/api/v1"), True),
        (rule("get", nonResourceURLs=["/api/*"]), Attributes("get", path="/apis"), False),
        (rule("get", nonResourceURLs=["*"]), GET_POD, False),
        (rule("*", "*", "*"), Attributes("get", path="/api"), False),
    ],
)
def test_a_rule_allows_what_it_names(one: Object, wanted: Attributes, allowed: bool) -> None:
    assert allows(one, wanted) is allowed


def test_what_rules_do_not_cover_is_told_piece_by_piece() -> None:
    held = [rule("get list", "pods"), rule("*", "*/scale", "apps")]
    assert not missing(held, [rule("list", "pods"), rule("get", "deployments/scale", "apps")])
    assert not missing(held, [rule("get", "pods", resourceNames=["a"])])
    assert missing([rule("get", "pods", resourceNames=["a"])], [rule("get", "pods")])
    lacking = missing(held, [rule("list delete create", "pods"), rule("get", nonResourceURLs=["/x"])])
    assert describe(lacking) == [
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}',
        '{NonResourceURLs:["/x"], Verbs:["get"]}',
    ]


class World:
    """A store of Roles and bindings in a namespace, and who decides by them."""

    def __init__(self) -> None:
        self.store = Store()
        self.store.create(NAMESPACES, {"metadata": {"name": "n"}})
        self.authorizer = Authorizer(self.store)

    def role(self, name: str, *rules: Object, cluster: bool = False) -> None:
        meta = {"name": name} if cluster else {"name": name, "namespace": "n"}
        self.store.create(CLUSTERROLES if cluster else ROLES, {"metadata": meta, "rules": list(rules)})

    def bind(self, role: str, subject: Object, *, cluster: bool = False) -> None:
        kind, _, name = role.partition("/")
        meta = {"name": f"b-{name}"} if cluster else {"name": f"b-{name}", "namespace": "n"}
        binding = {"metadata": meta, "subjects": [subject], "roleRef": {"kind": kind, "name": name}}
        self.store.create(CLUSTERROLEBINDINGS if cluster else ROLEBINDINGS, binding)

    def may(self, user: User, wanted: Attributes = GET_POD) -> bool:
        return self.authorizer.decide(user, wanted).allowed

    def refused(self, resource: Resource, new: Object, old: Object | None = None, user: User = ANN) -> str:
        """Why a write is refused; empty where it is not."""
        new["metadata"].setdefault("name", "new")
        try:
            check_grant(self.authorizer, user, resource, new, old)
        except StatusError as error:
            return f"{error.code} {error.message}"
        return ""


@pytest.fixture
def world() -> World:
    made = World()
    made.role("reader", rule("get", "pods"))
    made.role("reader", rule("get", "pods"), cluster=True)
    return made


@pytest.mark.parametrize(
    ("subject", "allowed"),
    [
        ({"kind": "User", "name": "ann"}, True),
        ({"kind": "Group", "name": "dev"}, True),
        ({"kind": "User", "name": "dev"}, False),
        ({"kind": "ServiceAccount", "name": "ann", "namespace": "n"}, False),
    ],
)
def test_a_binding_gives_its_subjects_the_role(world: World, subject: Object, allowed: bool) -> None:
    assert not world.may(ANN)
    world.bind("Role/reader", subject)
    assert world.may(ANN) is allowed
    assert not world.may(ANN, GET_POD._replace(namespace="other"))


def test_an_account_is_a_subject_by_its_namespace_or_the_bindings(world: World) -> None:
    account = User("system:serviceaccount:n:a", groups=("system:serviceaccounts:n",))
    world.bind("ClusterRole/reader", {"kind": "ServiceAccount", "name": "a"})
    assert world.may(account)
    reason = world.authorizer.decide(account, GET_POD).reason
    assert reason == ('RBAC: allowed by RoleBinding "b-reader/n" of ClusterRole "reader" to ServiceAccount "a/n"')


def test_a_binding_of_the_cluster_counts_everywhere_and_a_change_at_once(world: World) -> None:
    world.bind("ClusterRole/reader", {"kind": "User", "name": "ann"}, cluster=True)
    assert world.may(ANN, GET_POD._replace(namespace="other"))
    world.store.delete(CLUSTERROLEBINDINGS, "", "b-reader")
    assert not world.may(ANN, GET_POD._replace(namespace="other"))


def test_a_role_that_is_missing_is_named_in_the_refusal(world: World) -> None:
    world.bind("Role/none", {"kind": "User", "name": "ann"})
    reason = world.authorizer.decide(ANN, GET_POD).reason
    assert denied(ANN, GET_POD, reason).message == (
        'pods "p" is forbidden: User "ann" cannot get resource "pods" in API group "" in the namespace "n": '
        'RBAC: role.rbac.authorization.k8s.io "none" not found'
    )


def test_masters_may_do_everything(world: World) -> None:
    assert world.may(ADMIN, Attributes("anything", path="/at/all"))


def test_nobody_writes_a_role_with_what_they_do_not_have(world: World) -> None:
    world.bind("Role/reader", {"kind": "User", "name": "ann"})
    in_n = {"namespace": "n"}
    assert not world.refused(ROLES, {"metadata": dict(in_n), "rules": [rule("get", "pods")]})
    why = world.refused(ROLES, {"metadata": dict(in_n), "rules": [rule("get delete", "pods")]})
    assert why == (
        '403 roles.rbac.authorization.k8s.io "new" is forbidden: user "ann" (groups=["dev" "system:authenticated"]) is '
        "attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}'
    )
    same = {"metadata": dict(in_n), "rules": [rule("delete", "pods")]}
    assert not world.refused(ROLES, {**same, "metadata": {**in_n, "labels": {"a": "b"}}}, same), "nothing is granted"
    assert not world.refused(ROLES, same, user=ADMIN)


def test_nobody_binds_a_role_with_what_they_do_not_have(world: World) -> None:
    world.role("deleter", rule("delete", "pods"))
    binding = {"metadata": {"namespace": "n"}, "roleRef": {"kind": "Role", "name": "deleter"}}
    assert world.refused(ROLEBINDINGS, dict(binding)).startswith("403 rolebindings.rbac.authorization.k8s.io")
    missing_one = {**binding, "roleRef": {"kind": "Role", "name": "none"}}
    assert world.refused(ROLEBINDINGS, missing_one) == '404 roles.rbac.authorization.k8s.io "none" not found'
    world.role("binder", rule("bind", "roles", "rbac.authorization.k8s.io", resourceNames=["deleter"]))
    world.bind("Role/binder", {"kind": "User", "name": "ann"})
    assert not world.refused(ROLEBINDINGS, dict(binding))


def test_who_may_escalate_may_grant_anything_but_aggregation_takes_everything(world: World) -> None:
    aggregated = {"metadata": {}, "aggregationRule": {"clusterRoleSelectors": []}}
    assert "cluster-admin privileges" in world.refused(CLUSTERROLES, dict(aggregated))
    world.role("escalator", rule("escalate", "clusterroles", "rbac.authorization.k8s.io"), cluster=True)
    world.bind("ClusterRole/escalator", {"kind": "Group", "name": "dev"}, cluster=True)
    assert not world.refused(CLUSTERROLES, {"metadata": {}, "rules": [rule("*", "*", "*")]})
