"""What a release may do, what it is made of, and who may come near."""

from __future__ import annotations

from typing import Any

import pytest

from muster.gate.security import images, network, permissions, secrets

from .held import Object, made, objects, pod, said, secret, subject, system, version, workload

EVERYTHING = [{"verbs": ["*"], "resources": ["secrets"], "apiGroups": [""]}]


def binding(role: str, *, by: str = "RoleBinding", of: str = "Role", **about: Any) -> Object:
    who = {"kind": "ServiceAccount", "name": "shop", "namespace": "shop", **about}
    return made(by, f"{role}-binding", roleRef={"kind": of, "name": role}, subjects=[who])


def allowed(*items: Object, **template: Any) -> tuple[str, str]:
    template = {"serviceAccountName": "shop", **template}
    return said(permissions(subject(objects=objects(workload(**template), *items))))


def test_an_account_that_is_bound_to_nothing_and_has_no_token_may_nothing() -> None:
    assert allowed() == ("met", "no service account may do everything (shop)")


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (
            [binding("cluster-admin", by="ClusterRoleBinding", of="ClusterRole")],
            "is cluster-admin by ClusterRoleBinding",
        ),
        (
            [
                binding(
                    "cluster-admin",
                    of="ClusterRole",
                    by="ClusterRoleBinding",
                    kind="Group",
                    name="system:serviceaccounts",
                )
            ],
            "is cluster-admin",
        ),
        (
            [binding("wide"), made("Role", "wide", rules=EVERYTHING)],
            "may do everything (verbs: *) to secrets by Role wide",
        ),
        (
            [binding("wide"), made("Role", "wide", rules=[{"verbs": ["get"], "resources": ["*"], "apiGroups": ["*"]}])],
            "may get everything by Role wide",
        ),
        (
            [binding("wide"), made("Role", "wide", rules=[{"verbs": ["bind"], "resources": ["roles"]}])],
            "may bind, and so give itself any right, by Role wide",
        ),
    ],
)
def test_an_account_that_may_do_everything_is_found(items: list[Object], says: str) -> None:
    outcome, why = allowed(*items)
    assert outcome == "missed"
    assert says in why


def test_an_account_of_another_namespace_is_another() -> None:
    assert allowed(binding("cluster-admin", by="ClusterRoleBinding", of="ClusterRole", namespace="bank"))[0] == "met"


def test_a_token_that_nobody_needs_is_found_and_one_that_is_used_is_not() -> None:
    assert "has a token of the API and no use for it" in allowed(automountServiceAccountToken=None)[1]
    account = made("ServiceAccount", "shop", automountServiceAccountToken=False)
    assert allowed(account, automountServiceAccountToken=None)[0] == "met"
    some = made("Role", "some", rules=[{"verbs": ["get"], "resources": ["configmaps"]}])
    assert allowed(binding("some"), some, automountServiceAccountToken=None)[0] == "met"


def test_rights_that_could_not_be_seen_are_unknown() -> None:
    found = permissions(subject(objects=objects(workload(), unseen={"ClusterRoleBinding": "forbidden"})))
    assert said(found) == ("unknown", "who may do what could not be seen: ClusterRoleBinding: forbidden")


def test_images_are_named_by_digest() -> None:
    assert said(images(subject()))[0] == "met"
    outcome, why = said(images(subject(wanted=version(image="registry.example/shop:5.2"))))
    assert (outcome, "registry.example/shop:5.2: Deployment/shop/shop" in why) == ("missed", True)


def held(*items: Object, unseen: dict[str, str] | None = None, **acceptance: Any) -> tuple[str, str]:
    return said(secrets(subject(system=system(**acceptance), objects=objects(*items, unseen=unseen))))


LOGIN = secret("login", password="correct-horse-battery", port="5432", short="abc")
REFERRED = {"env": [{"name": "DB", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}]}


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (
            [workload(container={"env": [{"name": "URL", "value": "db://shop:correct-horse-battery@db"}]})],
            "Deployment/shop/shop, URL: holds a value of Secret login (password) in plain text",
        ),
        (
            [workload(container={"args": ["--password", "correct-horse-battery"]})],
            "its command holds a value of Secret login",
        ),
        (
            [made("ConfigMap", "rules", data={"a": "x=correct-horse-battery"})],
            "ConfigMap/rules, a: holds a value of Secret",
        ),
        (
            [workload(container={"env": [{"name": "API_TOKEN", "value": "hunter2"}]})],
            "Deployment/shop/shop, API_TOKEN: a secret by its name, in plain text",
        ),
    ],
)
def test_a_secret_in_plain_text_is_found_and_not_told(items: list[Object], says: str) -> None:
    outcome, why = held(LOGIN, *items)
    assert outcome == "missed"
    assert says in why
    assert "correct-horse" not in why


def test_what_only_looks_like_a_secret_s_value_is_none() -> None:
    harmless = [
        {"name": "PORT", "value": "5432"},
        {"name": "A", "value": "abc"},
        {"name": "TOKEN_TTL", "value": "3600"},
    ]
    assert held(LOGIN, workload(container={"env": harmless}))[0] == "met"
    assert held(LOGIN, workload(container={"env": [{"name": "PASSWORD_FILE", "value": "/run/secret"}]}))[0] == "met"


def test_a_secret_that_several_hold_is_whose_system_yaml_says_it_is() -> None:
    both = (
        LOGIN,
        workload("shop", container=REFERRED),
        workload("jobs", container={"envFrom": [{"secretRef": {"name": "login"}}]}),
    )
    assert held(*both)[0] == "unknown"
    assert held(*both, secrets={"login": ["shop", "jobs"]})[0] == "met"
    assert held(*both, secrets={"login": ["shop"]}) == (
        "missed",
        "jobs has Secret login in its environment, which is for shop",
    )


def test_secrets_that_may_not_be_read_leave_it_unknown() -> None:
    assert held(workload(), unseen={"Secret": "forbidden"})[0] == "unknown"


def policy(**ingress: Any) -> Object:
    return made("NetworkPolicy", "database", spec={"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [ingress]})


def reach(*items: Object, unseen: dict[str, str] | None = None) -> tuple[str, str]:
    service = made("Service", "db", spec={"selector": {"app": "db"}})
    return said(network(subject(objects=objects(service, pod("db-a-0", app="db"), *items, unseen=unseen))))


def test_not_everybody_may_come_to_the_database() -> None:
    assert reach(policy(**{"from": [{"podSelector": {"matchLabels": {"app": "shop"}}}]}))[0] == "met"
    assert reach()[1] == "every pod of the cluster may come to Pod/db-a-0: no NetworkPolicy holds for it"
    for open_ in ({}, {"from": [{"namespaceSelector": {}}]}, {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}):
        assert reach(policy(**open_)) == ("missed", "NetworkPolicy/database lets everybody come to Pod/db-a-0")
    assert reach(unseen={"NetworkPolicy": "forbidden"})[0] == "unknown"
    assert reach(unseen={"NetworkPolicy": "this cluster serves none"})[0] == "unknown"
