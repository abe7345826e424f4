"""What changed between two revisions is said in lines that a person understands."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from muster.recovery.templates import changes, without_bookkeeping

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "api", "pod-template-hash": "1"}},
    "spec": {
        "terminationGracePeriodSeconds": 5,
        "containers": [
            {
                "name": "api",
                "image": "api:1",
                "args": ["--serve"],
                "env": [
                    {"name": "MODE", "value": "calm"},
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                ],
                "ports": [{"containerPort": 8080}],
                "volumeMounts": [{"name": "settings", "mountPath": "/etc/settings"}],
            }
        ],
        "volumes": [{"name": "settings", "configMap": {"name": "settings-1"}}],
    },
}


def env(template: dict[str, Any]) -> list[dict[str, Any]]:
    return template["spec"]["containers"][0]["env"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: env(t).append({"name": "RATE", "value": "fast"}), "container api: env RATE was added: 'fast'"),
        (lambda t: env(t).pop(0), "container api: env MODE was removed (it was 'calm')"),
        (lambda t: env(t)[0].update(value="wild"), "container api: env MODE was changed from 'calm' to 'wild'"),
        (
            lambda t: t["spec"]["containers"][0].update(image="api:2"),
            "container api: image was changed from 'api:1' to ",
        ),
        (lambda t: t["spec"]["containers"][0].update(args=["--x"]), "container api: args was changed from ['--serve']"),
        (lambda t: t["spec"]["containers"][0]["ports"].clear(), "container api: port 8080 was removed"),
        (lambda t: t["spec"]["containers"].append({"name": "spy", "image": "s"}), "container spy was added"),
        (lambda t: t["spec"].update(initContainers=[{"name": "prep"}]), "init container prep was added"),
        (lambda t: t["spec"]["volumes"][0]["configMap"].update(name="settings-2"), "volume settings was changed from "),
        (lambda t: t["metadata"]["labels"].update(tier="x"), "label tier was added: 'x'"),
        (lambda t: t["spec"].pop("terminationGracePeriodSeconds"), "terminationGracePeriodSeconds was removed"),
    ],
)
def test_a_change_is_said(change: Callable[[dict[str, Any]], object], said: str) -> None:
    changed = copy.deepcopy(TEMPLATE)
    change(changed)
    (line,) = changes(TEMPLATE, changed)
    assert line.startswith(said)


def test_what_every_rollout_changes_is_no_change() -> None:
    changed = copy.deepcopy(TEMPLATE)
    changed["metadata"]["labels"]["pod-template-hash"] = "2"
    changed["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    assert changes(TEMPLATE, changed) == []


def test_the_order_of_named_elements_is_no_change() -> None:
    changed = copy.deepcopy(TEMPLATE)
    env(changed).reverse()
    assert changes(TEMPLATE, changed) == []


def test_a_template_to_go_back_to_has_no_hash_and_is_else_the_same() -> None:
    kept = without_bookkeeping(TEMPLATE)
    assert kept["metadata"]["labels"] == {"app": "api"}
    assert kept["spec"] == TEMPLATE["spec"]
    assert "pod-template-hash" in TEMPLATE["metadata"]["labels"]
