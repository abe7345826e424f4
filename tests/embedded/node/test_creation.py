"""Containers and pods that cannot be made say so, wait, and are made once they can be. They are never replaced."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import Any

import pytest

from muster.embedded.addresses import AddressesExhaustedError
from muster.embedded.node import environment, probes
from muster.embedded.node.launcher import Command, CreateError
from muster.embedded.resources import EVENTS, PODS, SECRETS

SLEEP = ["sleep", "600"]
NO_TEXT = b"\xff\xfe=\xf0"


def secret(value: bytes) -> dict:
    return {"metadata": {"name": "s", "namespace": "test"}, "data": {"KEY": base64.b64encode(value).decode()}}


def waiting(world, pod: str = "pod") -> dict:
    return world.main(pod)["state"].get("waiting", {})


def messages(world, reason: str) -> list[str]:
    """Messages of the events with this reason."""
    events = (stored.shared for stored in world.store.scan(EVENTS, "test"))
    return [event["message"] for event in events if event["reason"] == reason]


def failing(times: int, error: Exception, then: Callable[..., Any]) -> Callable[..., Any]:
    """A function that fails so many times and then does what `then` does."""
    left = [times]

    def act(*args: Any, **named: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise error
        return then(*args, **named)

    return act


def test_a_secret_of_any_bytes_reaches_the_program_as_it_is(in_world) -> None:
    async def test(world) -> None:
        world.store.create(SECRETS, secret(NO_TEXT))
        command = ["sh", "-c", 'printf %s "$KEY" | od -An -tx1; printf %s "$0" | od -An -tx1', "$(KEY)"]
        container = {"envFrom": [{"secretRef": {"name": "s"}}]}
        world.run("pod", command, container=container, restartPolicy="Never")
        assert await world.finished("pod") == "Succeeded"
        assert [bytes.fromhex(line) for line in (await world.output("pod")).splitlines()] == [NO_TEXT, NO_TEXT]

    in_world(test)


def test_a_program_whose_name_is_no_text_is_told_as_text(in_world) -> None:
    async def test(world) -> None:
        world.store.create(SECRETS, secret(NO_TEXT))
        world.run("pod", ["$(KEY)"], container={"envFrom": [{"secretRef": {"name": "s"}}]}, restartPolicy="Never")
        assert await world.finished("pod") == "Failed"
        assert "executable file not found" in world.main("pod")["state"]["terminated"]["message"]

    in_world(test)


def test_a_nul_byte_is_an_error_of_creation_until_it_is_gone(in_world) -> None:
    async def test(world) -> None:
        world.store.create(SECRETS, secret(b"sesame\0"))
        pod = world.run("pod", SLEEP, container={"envFrom": [{"secretRef": {"name": "s"}}]})
        await world.until(lambda: waiting(world).get("reason") == "CreateContainerError", "the complaint")
        assert "KEY" in waiting(world)["message"]
        assert "sesame" not in str([waiting(world), *messages(world, "Failed")]), "values may be secret"
        assert messages(world, "Failed") == [f"Error: {waiting(world)['message']}"]
        world.store.update(SECRETS, secret(b"sesame"))
        await world.running("pod")
        assert world.store.get(PODS, "test", "pod")["metadata"]["uid"] == pod["metadata"]["uid"]

    in_world(test)


def test_what_no_command_can_hold_is_named() -> None:
    for command, name in (
        (Command(["a"], {"X": "a\0"}), "X"),
        (Command(["a"], {"X=Y": "a"}), "X=Y"),
        (Command(["a"], {"": "a"}), "''"),
        (Command(["a", "b\0"], {}), "word 1"),
        (Command(["a"], {}, "/\0"), "working directory"),
    ):
        with pytest.raises(CreateError, match=name):
            command.check()


def test_an_unforeseen_failure_of_creation_is_told_and_tried_again(in_world, monkeypatch, caplog) -> None:
    monkeypatch.setattr(environment, "build", failing(1, ValueError("quotes a secret"), environment.build))

    async def test(world) -> None:
        pod = world.run("pod", SLEEP)
        await world.until(lambda: waiting(world).get("reason") == "CreateContainerError", "the complaint")
        assert "unexpected ValueError" in waiting(world)["message"]
        assert "secret" not in str([waiting(world), *messages(world, "Failed")])
        assert world.reasons("pod") == ["Failed"]
        await world.running("pod")
        assert world.store.get(PODS, "test", "pod")["metadata"]["uid"] == pod["metadata"]["uid"]

    with caplog.at_level(logging.ERROR):
        in_world(test)
    assert "quotes a secret" in caplog.text, "the log has what the event withholds"


def test_a_start_that_fails_unforeseen_backs_off(in_world, monkeypatch) -> None:
    async def test(world) -> None:
        isolation = type(world.node._host.isolation)
        monkeypatch.setattr(isolation, "surroundings", failing(1, RuntimeError(), isolation.surroundings))
        world.run("pod", SLEEP)
        await world.until(lambda: world.main("pod").get("restartCount") == 1, "the second start")
        assert world.main("pod")["lastState"]["terminated"]["reason"] == "StartError"
        assert messages(world, "Failed") == ["Error: unexpected RuntimeError; the cluster's log has the details"]

    in_world(test)


@pytest.mark.parametrize("error", [AddressesExhaustedError("no address is left"), KeyError("x")])
def test_a_pod_that_cannot_be_set_up_is_told_and_tried_again(in_world, monkeypatch, error: Exception) -> None:
    async def test(world) -> None:
        addresses = world.addresses
        monkeypatch.setattr(addresses, "take_pod", failing(1, error, addresses.take_pod))
        pod = world.run("pod", SLEEP)
        await world.until(lambda: "FailedCreatePodSandBox" in world.reasons("pod"), "the event")
        await world.running("pod")
        assert world.store.get(PODS, "test", "pod")["metadata"]["uid"] == pod["metadata"]["uid"]

    in_world(test)


def test_a_pod_whose_life_breaks_off_stays_and_says_so(in_world, monkeypatch) -> None:
    async def test(world) -> None:
        pace = type(world.node._host.pace)
        monkeypatch.setattr(pace, "turn", failing(1, RuntimeError(), pace.turn))
        world.run("pod", SLEEP)
        await world.until(lambda: "FailedSync" in world.reasons("pod"), "the event")
        assert world.store.find(PODS, "test", "pod") is not None
        world.store.delete(PODS, "test", "pod")
        await world.until(lambda: world.store.find(PODS, "test", "pod") is None, "the pod to go")

    in_world(test)


def test_a_volume_that_the_machine_refuses_is_an_event(in_world) -> None:
    async def test(world) -> None:
        volumes = [{"name": "v", "hostPath": {"path": "/proc/none/of/it"}}]
        world.run("pod", SLEEP, volumes=volumes, container={"volumeMounts": [{"name": "v", "mountPath": "/v"}]})
        await world.until(lambda: "FailedMount" in world.reasons("pod"), "the event")
        assert "/proc/none" in messages(world, "FailedMount")[0]

    in_world(test)


def test_probing_that_breaks_off_is_an_event(in_world, monkeypatch) -> None:
    async def broken(*_: Any) -> tuple[bool, str]:
        raise RuntimeError

    monkeypatch.setattr(probes, "look", broken)

    async def test(world) -> None:
        world.run("pod", SLEEP, container={"readinessProbe": {"exec": {"command": ["true"]}}})
        await world.until(lambda: "Unhealthy" in world.reasons("pod"), "the event")

    in_world(test)
