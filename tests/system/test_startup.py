"""When nobody waits any longer for a pod, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from muster.base.clock import VirtualClock
from muster.kube import ApiError
from muster.system.startup import PATIENCE_S, Startup

READY = {"type": "Ready", "status": "True"}


def pod(name: str, container: dict | None = None, **status: Any) -> dict:
    containers = [{"name": "main", "ready": False, "restartCount": 0, **(container or {})}]
    return {"metadata": {"name": name}, "status": {"containerStatuses": containers, **status}}


def waits(reason: str, message: str = "", restarts: int = 0) -> dict:
    last = {"terminated": {"exitCode": 3}} if restarts else {}
    return {
        "state": {"waiting": {"reason": reason, "message": message}}, "restartCount": restarts, "lastState": last
    }  # fmt: skip


class FakeCluster:
    """Pods, and what their containers print."""

    def __init__(self, *pods: dict) -> None:
        self.pods = list(pods)

    def list(self, _kind: str, _namespace: str) -> list[dict]:
        return self.pods

    def logs(self, pod: str, _namespace: str, *, container: str, tail: int) -> str:
        if pod == "silent":
            raise ApiError("is waiting to start", code=400, reason="BadRequest")
        return "".join(f"{container} {n}\n" for n in range(20 - tail, 20))


def startup(*pods: dict) -> tuple[Startup, VirtualClock]:
    clock = VirtualClock()
    return Startup(FakeCluster(*pods), "n", clock), clock  # type: ignore[arg-type]


def test_an_image_that_is_not_to_be_had_ends_the_wait_at_once() -> None:
    look, _ = startup(pod("web", waits("ErrImagePull", "no such image")), pod("db"))
    assert look.hopeless() == ["pod web: container main: ErrImagePull no such image"]


@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "CreateContainerError"])
def test_what_may_still_come_is_waited_for_a_while(reason: str) -> None:
    look, clock = startup(pod("web", waits(reason, "no key")), pod("db"))
    assert look.hopeless() == []
    clock.sleep(PATIENCE_S)
    assert look.hopeless() == [f"pod web: container main: {reason} no key"]


def test_a_pod_that_no_node_takes_is_waited_for_a_while() -> None:
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    look, clock = startup(pod("web", conditions=[refused]), pod("db"))
    assert look.hopeless() == []
    clock.sleep(PATIENCE_S)
    assert look.hopeless() == ["pod web: Unschedulable: 0/1 nodes"]


@pytest.mark.parametrize(
    ("restarts", "others_ready", "hopeless"), [(1, True, False), (2, True, True), (2, False, False), (3, False, True)]
)
def test_a_crash_may_pass_while_something_else_still_starts(restarts: int, others_ready: bool, hopeless: bool) -> None:
    other = pod("db", conditions=[READY] if others_ready else [])
    look, _ = startup(pod("web", waits("CrashLoopBackOff", "back-off", restarts)), other)
    assert bool(look.hopeless()) is hopeless


def test_pods_that_are_ready_done_or_going_are_not_looked_at() -> None:
    going = pod("old", waits("ErrImagePull"))
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    look, _ = startup(going, pod("job", waits("ErrImagePull"), phase="Succeeded"), pod("web", conditions=[READY]))
    assert look.hopeless() == look.last_words() == []


def test_last_words_are_the_state_and_the_end_of_the_log() -> None:
    look, _ = startup(pod("web", waits("CrashLoopBackOff", "back-off 10s", 2)), pod("silent", waits("ErrImagePull")))
    words = look.last_words()
    told = "pod web: container main: CrashLoopBackOff back-off 10s, ended with exit code 3, 2 restarts"
    assert words[0] == told
    assert words[1:11] == [f"    | main {n}" for n in range(10, 20)]
    assert words[11:] == ["pod silent: container main: ErrImagePull"]
