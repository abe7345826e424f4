from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.embedded.node.state import ContainerState, exit_code, phase_of, pod_status

SPEC = {"name": "main", "image": "python:3.11"}


def container(
    *, ended: int | None = None, done: bool = False, running: bool = False, init: bool = False
) -> ContainerState:
    made = ContainerState(SPEC, init=init)
    if running or ended is not None:
        made.run("muster://x")
    if ended is not None:
        made.terminate(ended, "Error" if ended else "Completed")
    made.done = done
    return made


def condition(status: dict, kind: str) -> dict:
    return next(c for c in status["conditions"] if c["type"] == kind)


@pytest.mark.parametrize(
    ("policy", "containers", "phase"),
    [
        ("Always", [container()], "Pending"),
        ("Always", [container(running=True)], "Running"),
        ("Always", [container(ended=3)], "Running"),
        ("Never", [container(ended=0, done=True)], "Succeeded"),
        ("Never", [container(ended=0, done=True), container(ended=7, done=True)], "Failed"),
        ("Never", [container(ended=7, done=True), container(running=True)], "Running"),
    ],
)
def test_the_phase_follows_from_the_containers(policy: str, containers: list[ContainerState], phase: str) -> None:
    assert phase_of(policy, containers, []) == phase


def test_a_pod_is_pending_until_its_init_containers_are_done() -> None:
    assert phase_of("Always", [container()], [container(running=True, init=True)]) == "Pending"
    assert phase_of("Never", [container()], [container(ended=1, done=True, init=True)]) == "Failed"


def test_a_container_in_back_off_shows_its_last_end_and_leaves_the_pod_running() -> None:
    state = container(ended=3)
    state.wait("CrashLoopBackOff", "back-off 10s")
    made = pod_status({}, {}, [state], [], generation=1, host_ip="h", pod_ip="p")
    assert made["phase"] == "Running"
    shown = made["containerStatuses"][0]
    assert shown["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert shown["lastState"]["terminated"]["exitCode"] == 3
    assert condition(made, "Ready")["reason"] == "ContainersNotReady"


def test_times_of_conditions_change_with_their_status_only() -> None:
    state = container(running=True)
    old = {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2020-01-01T00:00:00Z"}]}
    made = pod_status(old, {}, [state], [], generation=1, host_ip="h", pod_ip="p")
    assert condition(made, "Ready")["lastTransitionTime"] == "2020-01-01T00:00:00Z"
    state.ready = True
    made = pod_status(made, {}, [state], [], generation=1, host_ip="h", pod_ip="p")
    assert condition(made, "Ready")["status"] == "True"
    assert condition(made, "Ready")["lastTransitionTime"] != "2020-01-01T00:00:00Z"


def test_readiness_gates_hold_back_ready_alone() -> None:
    state = container(running=True)
    state.ready = True
    spec = {"readinessGates": [{"conditionType": "example.com/go"}]}
    made = pod_status({}, spec, [state], [], generation=1, host_ip="h", pod_ip="p")
    assert (condition(made, "Ready")["status"], condition(made, "ContainersReady")["status"]) == ("False", "True")
    made["conditions"].append({"type": "example.com/go", "status": "True"})
    made = pod_status(made, spec, [state], [], generation=1, host_ip="h", pod_ip="p")
    assert condition(made, "Ready")["status"] == "True"


@given(st.integers(0, 255))
def test_exit_codes_are_kept(code: int) -> None:
    assert exit_code(code << 8) == (code, 0)


@given(st.integers(1, 31))
def test_a_signal_counts_from_128(number: int) -> None:
    assert exit_code(number) == (128 + number, number)
