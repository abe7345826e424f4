"""Real pods on a real kubelet."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
from pathlib import Path

import pytest

from muster.base.clock import now
from muster.base.process import processes_of_run
from muster.embedded.deletion import DeleteOptions
from muster.embedded.node import lag
from muster.embedded.objects import is_condition_true
from muster.embedded.resources import CONFIGMAPS, PERSISTENTVOLUMECLAIMS, PODS, SERVICES
from muster.embedded.status import StatusError

SLEEP = ["python3", "-c", "import time; time.sleep(600)"]
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


def config(name: str, **data: str) -> dict:
    return {"metadata": {"name": name, "namespace": "test"}, "data": data}


def claim(name: str) -> dict:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": name, "namespace": "test", "finalizers": []}, "spec": spec}


def process_of(pod: str) -> int:
    """The pod's first process, as the machine counts."""
    marker = f"HOSTNAME={pod}".encode()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker in (entry / "environ").read_bytes().split(b"\0"):
                return int(entry.name)
        except OSError:
            continue
    raise AssertionError(f"no process of {pod}")


def test_a_pod_runs_to_its_end(in_world) -> None:
    async def test(world) -> None:
        command = ["sh", "-c", 'echo "$0" "$1"', "$(X)", "$$(X)"]
        world.run("good", command, container={"env": [{"name": "X", "value": "v"}]}, restartPolicy="Never")
        world.run("bad", ["sh", "-c", "exit 7"], restartPolicy="Never")
        assert await world.finished("good") == "Succeeded"
        assert await world.finished("bad") == "Failed"
        assert world.main("bad")["state"]["terminated"]["exitCode"] == 7
        assert await world.output("good") == "v $(X)\n"
        assert world.reasons("good") == ["Pulled", "Created", "Started"]

    in_world(test)


def test_a_pod_that_fails_is_started_again_and_then_backs_off(in_world) -> None:
    async def test(world) -> None:
        world.run("loop", ["sh", "-c", "echo boom; exit 3"])
        backs_off = lambda: world.main("loop")["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"  # noqa: E731
        await world.until(backs_off, "the pod to back off")
        status = world.main("loop")
        assert (status["restartCount"], status["lastState"]["terminated"]["exitCode"]) == (1, 3)
        assert "back-off 10s" in status["state"]["waiting"]["message"]
        assert await world.output("loop", previous=True) == "boom\n"
        assert "BackOff" in world.reasons("loop")

    in_world(test)


def test_a_killed_process_is_started_again(in_world) -> None:
    async def test(world) -> None:
        world.run("victim", SLEEP)
        await world.running("victim")
        os.kill(process_of("victim"), signal.SIGKILL)
        await world.until(lambda: world.main("victim").get("restartCount") == 1, "the restart")
        assert world.main("victim")["lastState"]["terminated"]["exitCode"] == 137

    in_world(test)


def test_configuration_that_is_missing_is_waited_for(in_world) -> None:
    async def test(world) -> None:
        env = [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "K"}}}]
        world.run("pod", ["sh", "-c", "echo $X"], container={"env": env}, restartPolicy="Never")
        await world.until(lambda: "waiting" in world.main("pod")["state"], "a status")
        reason = lambda: world.main("pod")["state"].get("waiting", {}).get("reason")  # noqa: E731
        await world.until(lambda: reason() == "CreateContainerConfigError", "the complaint")
        assert "late" in world.main("pod")["state"]["waiting"]["message"]
        world.store.create(CONFIGMAPS, config("late", K="came"))
        assert await world.finished("pod") == "Succeeded"
        assert await world.output("pod") == "came\n"

    in_world(test)


def test_an_unknown_image_is_a_pull_error(in_world) -> None:
    async def test(world) -> None:
        world.run("pod", SLEEP, container={"image": "shop:1"})
        reason = lambda: world.main("pod")["state"].get("waiting", {}).get("reason")  # noqa: E731
        await world.until(lambda: reason() == "ErrImagePull", "the complaint")
        assert "python:3.x" in world.main("pod")["state"]["waiting"]["message"]
        with pytest.raises(StatusError, match="waiting to start"):
            await world.output("pod")
        world.store.delete(PODS, "test", "pod")
        await world.until(lambda: not world.status("pod"), "the pod to go")

    in_world(test)


def test_files_follow_their_config_map(in_world) -> None:
    async def test(world) -> None:
        world.store.create(CONFIGMAPS, config("conf", level="1"))
        volume = {"name": "c", "configMap": {"name": "conf"}}
        mounts = [{"name": "c", "mountPath": "/conf"}]
        world.run("pod", SLEEP, container={"volumeMounts": mounts}, volumes=[volume])
        await world.running("pod")
        assert await world.inside("pod", "cat", "/conf/level") == (0, "1")
        conf = world.store.get(CONFIGMAPS, "test", "conf")
        conf["data"]["level"] = "2"
        world.store.update(CONFIGMAPS, conf)
        deadline = now() + 10
        while await world.inside("pod", "cat", "/conf/level") != (0, "2"):
            assert now() < deadline, "the file did not follow its ConfigMap"

    in_world(test)


def test_a_running_pod_sees_a_changed_config_map_late_where_that_is_asked_for_and_a_new_one_at_once(
    in_world, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(lag.VARIABLE, "86400")
    monkeypatch.setattr(lag, "of_pod", lambda _uid, longest_s: longest_s / 86400)

    async def test(world) -> None:
        world.store.create(CONFIGMAPS, config("conf", level="1"))
        use = {"volumes": [{"name": "c", "configMap": {"name": "conf"}}]}
        container = {"volumeMounts": [{"name": "c", "mountPath": "/conf"}]}
        world.run("old", SLEEP, container=container, **use)
        await world.running("old")
        conf = world.store.get(CONFIGMAPS, "test", "conf")
        conf["data"]["level"] = "2"
        changed = now()
        world.store.update(CONFIGMAPS, conf)
        world.run("new", SLEEP, container=container, **use)
        await world.running("new")
        assert await world.inside("new", "cat", "/conf/level") == (0, "2")
        while await world.inside("old", "cat", "/conf/level") != (0, "2"):
            assert now() < changed + 10, "the file did not follow its ConfigMap"
        assert now() >= changed + 1, "the file followed before its pod's turn"

    in_world(test)


def test_names_of_services_resolve_and_follow(in_world) -> None:
    async def test(world) -> None:
        if not await world.node._host.isolation.known():
            pytest.skip("this kernel allows no private /etc/hosts to this user")
        world.run("pod", SLEEP)
        await world.running("pod")
        service = {"metadata": {"name": "web", "namespace": "test"}, "spec": {"ports": [{"port": 8080}]}}
        address = world.store.create(SERVICES, service)["spec"]["clusterIP"]
        deadline = now() + 10
        while (found := await world.inside("pod", "getent", "hosts", "web.test.svc"))[0] != 0:
            assert now() < deadline, "the Service's name did not appear"
        assert found[1].split()[0] == address

    in_world(test)


def test_a_claims_content_outlives_its_pods_and_goes_with_the_claim(in_world) -> None:
    async def test(world) -> None:
        world.store.create(PERSISTENTVOLUMECLAIMS, claim("data"))
        volume = {"name": "d", "persistentVolumeClaim": {"claimName": "data"}}
        mount = {"volumeMounts": [{"name": "d", "mountPath": "/data", "subPath": "sub"}]}
        options = {"container": mount, "volumes": [volume], "restartPolicy": "Never"}
        world.run("writer", ["sh", "-c", "echo kept > /data/file"], **options)
        assert await world.finished("writer") == "Succeeded"
        world.run("reader", ["cat", "/data/file"], **options)
        assert await world.finished("reader") == "Succeeded"
        assert await world.output("reader") == "kept\n"
        directory = world.state / "volumes/test/data"
        assert (directory / "sub/file").read_text() == "kept\n"
        for pod in ("reader", "writer"):
            world.store.delete(PODS, "test", pod)
        stored = world.store.get(PERSISTENTVOLUMECLAIMS, "test", "data")
        stored["metadata"]["finalizers"] = []
        world.store.update(PERSISTENTVOLUMECLAIMS, stored)
        world.store.delete(PERSISTENTVOLUMECLAIMS, "test", "data")
        await world.until(lambda: not directory.exists(), "the claim's directory to go")

    in_world(test)


@pytest.mark.parametrize("used", [False, True], ids=["nobody uses it", "a pod uses it still"])
def test_a_claim_that_is_deleted_and_made_again_at_once_has_a_directory_of_its_own(in_world, used: bool) -> None:
    async def test(world) -> None:
        options = {
            "container": {"volumeMounts": [{"name": "d", "mountPath": "/data"}]},
            "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}],
        }
        directory, retired = world.state / "volumes/test/data", world.state / "retired"
        for number in range(4):
            world.store.create(PERSISTENTVOLUMECLAIMS, claim("data"))
            found = "import os, time; found = os.listdir('/data')"
            writes = f"print(found, file=open('/data/{number}', 'w'), flush=True); time.sleep(600)"
            world.run(f"pod-{number}", ["python3", "-c", f"{found}; {writes}"], **options)
            file = directory / str(number)
            await world.until(lambda: file.exists() and file.read_text(), "the pod to write")  # noqa: B023
            assert file.read_text() == "[]\n", "content of the claim before"
            world.store.delete(PODS, "test", f"pod-{number}", DeleteOptions(grace_seconds=0))
            if not used:
                await world.until(lambda: not world.node._workers, "the pod to end")
            stored = world.store.get(PERSISTENTVOLUMECLAIMS, "test", "data")
            stored["metadata"]["finalizers"] = []
            world.store.update(PERSISTENTVOLUMECLAIMS, stored)
            world.store.delete(PERSISTENTVOLUMECLAIMS, "test", "data")
        await world.until(lambda: not list(retired.iterdir()), "what nobody claims to be removed")

    in_world(test)


def test_readiness_and_liveness(in_world) -> None:
    async def test(world) -> None:
        probe = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1, "failureThreshold": 1}
        world.run("pod", SLEEP, container={"readinessProbe": probe})
        await world.until(lambda: "Unhealthy" in world.reasons("pod"), "the probe to fail")
        assert not world.main("pod")["ready"]
        assert (await world.inside("pod", "touch", "/tmp/ready"))[0] == 0
        is_ready = lambda: is_condition_true({"status": world.status("pod")}, "Ready")  # noqa: E731
        await world.until(is_ready, "the pod to be ready")
        assert (await world.inside("pod", "rm", "/tmp/ready"))[0] == 0
        await world.until(lambda: not is_ready(), "the pod to be unready")
        assert world.main("pod")["restartCount"] == 0
        dead = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
        world.run("dead", SLEEP, container={"livenessProbe": dead})
        await world.until(lambda: world.main("dead").get("restartCount") == 1, "the restart")
        assert "Killing" in world.reasons("dead")

    in_world(test)


def test_a_startup_probe_holds_the_others_back(in_world) -> None:
    async def test(world) -> None:
        startup = {"exec": {"command": ["test", "-e", "/tmp/up"]}, "periodSeconds": 1, "failureThreshold": 30}
        ready = {"exec": {"command": ["true"]}, "periodSeconds": 1}
        world.run("pod", SLEEP, container={"startupProbe": startup, "readinessProbe": ready})
        await world.until(lambda: "Unhealthy" in world.reasons("pod"), "the startup probe to fail")
        assert (world.main("pod")["started"], world.main("pod")["ready"]) == (False, False)
        await world.inside("pod", "touch", "/tmp/up")
        await world.until(lambda: world.main("pod")["ready"], "the pod to be ready")

    in_world(test)


def test_init_containers_run_first_and_one_after_the_other(in_world) -> None:
    async def test(world) -> None:
        mount = {"volumeMounts": [{"name": "s", "mountPath": "/shared"}]}
        say = lambda text: ["sh", "-c", f"echo {text} >> /shared/log; sleep 0.1"]  # noqa: E731
        inits = [{"name": n, "image": "busybox", "command": say(n), **mount} for n in ("first", "second")]
        world.run("pod", ["cat", "/shared/log"], container=mount, initContainers=inits, restartPolicy="Never",
                  volumes=[{"name": "s", "emptyDir": {}}])  # fmt: skip
        assert await world.finished("pod") == "Succeeded"
        assert await world.output("pod") == "first\nsecond\n"

    in_world(test)


def test_a_failed_init_container_fails_a_pod_that_is_never_restarted(in_world) -> None:
    async def test(world) -> None:
        init = {"name": "init", "image": "busybox", "command": ["false"]}
        world.run("pod", ["echo", "never"], initContainers=[init], restartPolicy="Never")
        assert await world.finished("pod") == "Failed"
        assert "waiting" in world.main("pod")["state"]

    in_world(test)


def test_grace_hooks_and_signals(in_world) -> None:
    async def test(world) -> None:
        world.store.create(PERSISTENTVOLUMECLAIMS, claim("data"))
        script = "trap 'echo term >> /data/log; exit 0' TERM; echo up > /data/log; while :; do sleep 0.05; done"
        hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook >> /data/log"]}}}
        world.run("pod", ["sh", "-c", script], terminationGracePeriodSeconds=20,
                  container={"volumeMounts": [{"name": "d", "mountPath": "/data"}], "lifecycle": hook},
                  volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}])  # fmt: skip
        log = world.state / "volumes/test/data/log"
        await world.until(lambda: log.exists() and log.read_text() == "up\n", "the program to be up")
        world.store.delete(PODS, "test", "pod")
        await world.until(lambda: not world.status("pod"), "the pod to go")
        assert log.read_text() == "up\nhook\nterm\n"

    in_world(test)


def test_a_deaf_program_has_its_grace_and_is_killed(in_world) -> None:
    async def test(world) -> None:
        world.run("pod", ["python3", "-c", DEAF], terminationGracePeriodSeconds=2)
        await world.running("pod")
        began = now()
        world.store.delete(PODS, "test", "pod")
        await asyncio.sleep(1)
        assert world.status("pod")["phase"] == "Running"
        await world.until(lambda: not world.status("pod"), "the pod to go")
        assert now() - began >= 2

    in_world(test)


def test_a_second_deletion_can_only_hurry(in_world) -> None:
    async def test(world) -> None:
        world.run("pod", ["python3", "-c", DEAF], terminationGracePeriodSeconds=600)
        await world.running("pod")
        world.store.delete(PODS, "test", "pod")
        await asyncio.sleep(0.1)
        world.store.delete(PODS, "test", "pod", DeleteOptions(grace_seconds=1))
        await world.until(lambda: not world.status("pod"), "the pod to go", within=20)

    in_world(test)


def test_the_next_pod_of_a_name_waits_for_the_processes_of_the_one_before(in_world) -> None:
    async def test(world) -> None:
        world.store.create(PERSISTENTVOLUMECLAIMS, claim("data"))
        # Holds a lock for as long as it lives; a second one on the same volume would fail to get it.
        holder = "import fcntl, time; f = open('/data/lock', 'w'); fcntl.flock(f, 2 | 4); time.sleep(600)"
        options = {
            "container": {"volumeMounts": [{"name": "d", "mountPath": "/data"}]},
            "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}],
        }
        world.run("db-0", ["python3", "-c", holder], **options)
        await world.running("db-0")
        for _ in range(3):
            world.store.delete(PODS, "test", "db-0", DeleteOptions(grace_seconds=0))
            assert not world.status("db-0")
            world.run("db-0", ["python3", "-c", holder], **options)
            await world.running("db-0")
        await asyncio.sleep(0.5)
        assert world.main("db-0")["restartCount"] == 0

    in_world(test)


def test_a_forced_deletion_strikes_two_seconds_later(in_world) -> None:
    async def test(world) -> None:
        world.run("pod", ["python3", "-c", DEAF])
        await world.running("pod")
        pid = process_of("pod")
        began = now()
        world.store.delete(PODS, "test", "pod", DeleteOptions(grace_seconds=0))
        assert not world.status("pod")
        await world.until(lambda: not Path(f"/proc/{pid}").exists(), "the process to be struck")
        assert now() - began > 1.9

    in_world(test)


def test_the_network_hears_what_becomes_of_a_pods_address(in_world) -> None:
    class Network:
        def __init__(self) -> None:
            self.heard: list[tuple[str, str]] = []

        def ended(self, address: str) -> None:
            self.heard.append(("ended", address))

        def gone(self, address: str) -> None:
            self.heard.append(("gone", address))

    async def test(world) -> None:
        network = Network()
        world.node._host = dataclasses.replace(world.node._host, network=network)
        world.run("pod", SLEEP)
        await world.running("pod")
        address = world.status("pod")["podIP"]
        os.kill(process_of("pod"), signal.SIGKILL)
        await world.until(lambda: network.heard == [("ended", address)], "the program's end to be told")
        world.store.delete(PODS, "test", "pod", DeleteOptions(grace_seconds=0))
        await world.until(lambda: network.heard[-1] == ("gone", address), "the address's end to be told")

    in_world(test)


def test_logs_and_exec_refuse_in_the_words_of_kubernetes(in_world) -> None:
    async def test(world) -> None:
        second = {"name": "side", "image": "busybox", "command": ["sleep", "600"]}
        pod = world.run("pod", SLEEP)
        assert pod["spec"]["containers"][0]["name"] == "main"
        main = {"name": "main", "image": "busybox", "command": ["sleep", "600"]}
        world.run("two", SLEEP, containers=[main, second])
        await world.running("pod")
        await world.running("two")
        for refused, words in (
            (world.output("none"), 'pods "none" not found'),
            (world.output("two"), r"a container name must be specified for pod two, choose one of: \[main side\]"),
            (world.output("pod", previous=True), 'previous terminated container "main" in pod "pod" not found'),
            (
                world.node.exec("test", "pod", "x", ["true"], stdin=False, tty=False),
                "container x is not valid for pod pod",
            ),
            (world.node.exec("test", "pod", None, ["nonesuch"], stdin=False, tty=False), "nonesuch"),
        ):
            with pytest.raises(StatusError, match=words):
                await refused

    in_world(test)


def test_nothing_is_left_when_the_node_stops(in_world, tmp_path: Path) -> None:
    async def test(world) -> None:
        for number in range(3):
            world.run(f"pod-{number}", ["python3", "-c", DEAF])
        for number in range(3):
            await world.running(f"pod-{number}")
        assert len(processes_of_run(f"node-{tmp_path.name}")) >= 6

    in_world(test)
    assert processes_of_run(f"node-{tmp_path.name}") == []
    assert list((tmp_path / "state/pods").iterdir()) == []
