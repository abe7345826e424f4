"""The new version's pods are let in and out as the old one's are."""

from __future__ import annotations

from typing import Any

from muster.release.policies import policies_beside

BEFORE = {"app": "web", "tier": "front"}
AFTER = {"app": "web-canary", "tier": "front", "muster.dev/track": "canary"}


def policy(spec: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "NetworkPolicy", "metadata": {"name": "rule"}, "spec": spec}


def copied(spec: dict[str, Any]) -> dict[str, Any] | None:
    found = list(policies_beside([policy(spec)], BEFORE, AFTER, "r1"))
    return found[0]["spec"] if found else None


def test_who_lets_the_old_pods_in_lets_the_new_ones_in() -> None:
    spec = {
        "podSelector": {"matchLabels": {"app": "db"}},
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 5432}]}],
    }
    made = copied(spec)
    assert made is not None
    assert made["podSelector"] == {"matchLabels": {"app": "db"}}
    assert made["ingress"][0]["from"][0]["podSelector"]["matchLabels"] == {"app": "web-canary"}
    assert made["ingress"][0]["ports"] == [{"port": 5432}]
    assert spec["ingress"][0]["from"][0]["podSelector"]["matchLabels"] == {"app": "web"}  # type: ignore[index]


def test_what_protects_the_old_pods_protects_the_new_ones() -> None:
    made = copied({"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}})
    assert made is not None
    assert made["podSelector"]["matchExpressions"] == [{"key": "app", "operator": "In", "values": ["web-canary"]}]


def test_what_holds_for_both_or_for_others_is_left_alone() -> None:
    assert copied({"podSelector": {}}) is None
    assert copied({"podSelector": {"matchLabels": {"tier": "front"}}}) is None
    assert copied({"podSelector": {"matchLabels": {"app": "db"}}}) is None
    elsewhere = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}}
    assert copied({"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": [elsewhere]}]}) is None
