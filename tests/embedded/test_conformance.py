"""What a real Kubernetes answered, scenario by scenario."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conformance.replay import differences, pick

CONFORMANCE = Path(__file__).parent / "conformance"
SCENARIOS = {s["name"]: s for s in json.loads((CONFORMANCE / "kubernetes-1.36.json").read_text())["scenarios"]}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_cluster_answers_as_kubernetes_did(name: str, cluster, namespace: str) -> None:
    scenario = SCENARIOS[name]
    if any(step["do"] == "kubectl" for step in scenario["steps"]) and shutil.which("kubectl") is None:
        pytest.skip("this scenario runs kubectl, which is not installed")
    compared, found = differences(cluster, scenario, namespace)
    assert not found, "\n".join(found)
    assert compared, "the scenario compared nothing"


def test_an_answer_that_differs_is_told(cluster, namespace: str) -> None:
    step = {"do": "request", "path": "/api/v1/namespaces/{ns}", "check": ["kind", "metadata.name", "status.phase"]}
    scenario = {"steps": [{**step, "expect": {"http": 200, "kind": "Pod", "metadata.name": "{ns}"}}]}
    assert differences(cluster, scenario, namespace)[0] == 3
    assert [line.partition(": ")[2] for line in differences(cluster, scenario, namespace)[1]] == [
        "kind: expected Pod, got Namespace"
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", 1),
        ("a.none.b", None),
        ("list#", 2),
        ("none#", 0),
        ("list?", True),
        ("none?", False),
        ("list[0].name", "y"),
        ("list[-1].name", "x"),
        ("list[7].name", None),
        ("list[name=x].n", 5),
        ("list@sorted(name)", ["x", "y"]),
        ("a[b]", 1),
    ],
)
def test_values_are_picked_by_path(path: str, value: object) -> None:
    document = {"a": {"b": 1}, "list": [{"name": "y"}, {"name": "x", "n": 5}]}
    assert pick(document, path) == value
