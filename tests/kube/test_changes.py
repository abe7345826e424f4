"""What is told of a change that is made through a client."""

from __future__ import annotations

from typing import Any

import pytest

from muster.kube.changes import Change, Target, changed_fields, made, target_of

DEPLOYMENT = Target("Deployment", "api", None)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/namespaces/shop/pods/web-1", Target("Pod", "web-1", None)),
        ("/api/v1/namespaces/shop/pods", Target("Pod", None, None)),
        ("/apis/apps/v1/namespaces/shop/deployments/api/scale", Target("Deployment", "api", "scale")),
        ("/api/v1/nodes/one", Target("Node", "one", None)),
        ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", None),
        ("/version", None),
    ],
)
def test_a_path_tells_what_it_is_about(path: str, target: Target | None) -> None:
    assert target_of(path) == target


def test_fields_that_are_different_are_named_and_bookkeeping_is_not() -> None:
    before = {
        "metadata": {"resourceVersion": "1", "annotations": {"a": "1"}},
        "spec": {"replicas": 1, "selector": {"x": 1}},
    }
    after = {
        "metadata": {"resourceVersion": "2", "generation": 2, "annotations": {"a": "2"}},
        "spec": {"replicas": 3, "selector": {"x": 1}},
        "status": {"ready": 1},
    }
    assert list(changed_fields(before, after)) == ["spec.replicas", "metadata.annotations.a"]
    assert made("PATCH", DEPLOYMENT, before, after) == [
        Change("patch", "Deployment/api", ("spec.replicas", "metadata.annotations.a"), (1, 3))
    ]


@pytest.mark.parametrize(
    ("method", "target", "after", "told"),
    [
        ("PATCH", DEPLOYMENT, {"spec": {"replicas": 1}}, []),  # nothing is different
        ("POST", Target("Pod", None, None), {"metadata": {"name": "web"}}, [Change("create", "Pod/web")]),
        ("DELETE", Target("Pod", "web", None), {"kind": "Status"}, [Change("delete", "Pod/web")]),
        ("DELETE", Target("Pod", None, None), {"kind": "Status"}, [Change("delete", "Pod/*")]),
        ("DELETE", Target("Pod", None, None), {"items": []}, []),  # none was chosen
        (
            "DELETE",
            Target("Pod", None, None),
            {"items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]},
            [Change("delete", "Pod/a"), Change("delete", "Pod/b")],
        ),
        ("POST", Target("Pod", "web", "eviction"), {"kind": "Status"}, [Change("delete", "Pod/web")]),
        ("PATCH", Target("Pod", "web", "status"), {"status": {"x": 1}}, []),
    ],
)
def test_each_verb_is_told_as_what_it_did(
    method: str, target: Target, after: dict[str, Any], told: list[Change]
) -> None:
    assert made(method, target, {"spec": {"replicas": 1}}, after) == told
