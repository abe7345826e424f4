"""The change to take back is the one against the newest revision that runs."""

from __future__ import annotations

from typing import Any

import pytest

from muster.recovery.repair_crashed_pods import find_change


def revision(number: int, image: str, *, replicas: int = 0, ready: int = 0, uid: str = "d") -> dict[str, Any]:
    """A ReplicaSet of the Deployment with this uid."""
    return {
        "metadata": {
            "name": f"web-{number}",
            "annotations": {"deployment.kubernetes.io/revision": str(number)},
            "ownerReferences": [{"controller": True, "kind": "Deployment", "name": f"web-{uid}", "uid": uid}],
        },
        "spec": {
            "replicas": replicas,
            "template": {"metadata": {"labels": {}}, "spec": {"containers": [{"name": "web", "image": image}]}},
        },
        "status": {"readyReplicas": ready} if ready else {},
    }


BAD = revision(9, "bad", replicas=1)


@pytest.mark.parametrize(
    ("older", "chosen"),
    [
        ([revision(7, "a", replicas=2, ready=2), revision(8, "b", replicas=1)], 7),
        ([revision(7, "a", replicas=2), revision(8, "b")], 7),
        ([revision(7, "a"), revision(10, "other", replicas=3, ready=3, uid="e"), revision(8, "b")], 8),
    ],
    ids=["one runs", "one is wanted", "none is wanted"],
)
def test_the_revision_to_go_back_to(older: list[dict[str, Any]], chosen: int) -> None:
    found = find_change(BAD, [*older, BAD])
    assert found is not None
    assert (found.deployment, found.revision) == ("web-d", chosen)
    assert len(found.what) == 1
    assert found.what[0].endswith("to 'bad'")


def test_an_old_revision_that_crashes_is_explained_by_no_change() -> None:
    old = revision(7, "a", replicas=1)
    assert find_change(old, [old, BAD]) is None


def test_a_first_revision_that_crashes_is_explained_by_no_change() -> None:
    assert find_change(BAD, [BAD, revision(3, "a", uid="e")]) is None


def test_a_restart_is_no_change() -> None:
    old = revision(8, "bad", replicas=2, ready=2)
    again = revision(9, "bad", replicas=1)
    again["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    assert find_change(again, [old, again]) is None
