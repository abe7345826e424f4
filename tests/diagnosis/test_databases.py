"""What is concluded from what each instance of a database answers, and from what cannot be asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from muster.base.clock import now
from muster.base.errors import ClusterError
from muster.kube import ApiError
from muster.kube.execution import ExecResult
from muster.snapshot.databases import ask_database
from muster.system import SystemDefinition

SYSTEM = SystemDefinition.model_validate(
    {
        "schema": "muster/system/v1",
        "name": "shop",
        "namespace": "shop",
        "service": {"name": "shop", "port": 80},
        "read": {"request": {"path": "/"}},
        "database": {
            "service": "db",
            "instances": ["a", "b"],
            "selector_key": "instance",
            "topology": "t",
            "topology_key": "primary",
            "container": "postgres",
        },
    }
)
DISK = "/dev/sda 100 75 25 75% /data\n"


def told(*, primary: bool, standbys: tuple[str, ...] = ()) -> ExecResult:
    rows = [{"name": n, "state": "streaming", "sync_state": "sync", "lag_s": 0.2, "lag_bytes": 9} for n in standbys]
    content = {"recovers": not primary, "connections": 3, "max_connections": 100, "standbys": rows}
    return ExecResult(0, json.dumps(content) + "\n" + DISK, "")


SILENT = ExecResult(2, DISK, "could not connect")


class Told:
    """A cluster whose databases answer what it is told; of those that are not `ready` the pod runs and is not."""

    def __init__(self, answers: dict[str, Any], *, ready: bool = True) -> None:
        self._answers, self._ready = answers, ready

    def list(self, _kind: str, _namespace: str) -> list[dict[str, Any]]:
        condition = {"type": "Ready", "status": str(self._ready)}
        status = {"conditions": [condition], "containerStatuses": [{"state": {"running": {}}}]}
        return [
            {"metadata": {"name": f"{name}-0", "ownerReferences": [{"name": name}]}, "status": status}
            for name in self._answers
        ]

    def execute(self, pod: str, *_: Any, **__: Any) -> ExecResult:
        answer = self._answers[pod.removesuffix("-0")]
        if isinstance(answer, Exception):
            raise answer
        return answer


def ask(answers: dict[str, Any], *, ready: bool = True) -> dict[str, Any]:
    return ask_database(Told(answers, ready=ready), SYSTEM, now() + 5)  # type: ignore[arg-type]


def test_one_primary_with_its_standby_is_well() -> None:
    said = ask({"a": told(primary=True, standbys=("b",)), "b": told(primary=False)})
    assert said["trouble"] == ""
    assert [said["instances"][name]["primary"] for name in "ab"] == [True, False]
    assert said["instances"]["a"]["standbys"][0]["lag_s"] == 0.2
    assert said["instances"]["b"]["disk_used"] == 0.75


@pytest.mark.parametrize(
    ("answers", "trouble"),
    [
        ({"a": told(primary=True)}, "0 of 1 standbys stream synchronously from a"),
        ({"a": SILENT, "b": told(primary=False)}, "0 primaries (none), want 1"),
        ({"a": told(primary=True), "b": told(primary=True)}, "2 primaries (a, b), want 1"),
        ({}, "0 primaries (none), want 1"),
    ],
)
def test_what_is_wrong_is_told(answers: dict[str, Any], trouble: str) -> None:
    assert ask(answers)["trouble"] == trouble


def test_one_whose_server_is_silent_does_not_answer_and_its_disk_is_told() -> None:
    assert ask({"a": SILENT, "b": told(primary=False)})["instances"]["a"] == {"answers": False, "disk_used": 0.75}


@pytest.mark.parametrize("error", [ClusterError("it hangs"), ApiError("forbidden", code=403, reason="Forbidden")])
def test_one_that_cannot_be_asked_is_not_called_lost(error: ClusterError) -> None:
    with pytest.raises(ClusterError, match=f"a: {error}"):
        ask({"a": error, "b": told(primary=False)})


def test_one_that_cannot_be_asked_is_no_matter_where_the_primary_tells_of_it() -> None:
    said = ask({"a": told(primary=True, standbys=("b",)), "b": ClusterError("it hangs")})
    assert (said["trouble"], said["instances"]["b"]) == ("", {"answers": None, "why": "it hangs"})


def test_one_whose_pod_is_not_ready_and_cannot_be_asked_does_not_answer() -> None:
    assert ask({"a": ClusterError("its node is gone")}, ready=False)["instances"]["a"] == {"answers": False}
