"""Manifests that everybody has, with images that everybody knows and no command, on a real kubelet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from muster.base.clock import now
from muster.embedded.node.images import well_known
from muster.embedded.resources import CONFIGMAPS

IP = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
PASSWORD = "pa ss'word"


async def query(world, password: str, sql: str) -> str:
    """What the database answers over the network; its complaint where it does not let one in."""
    command = ["env", f"PGPASSWORD={password}", "sh", "-c", f'psql -h "$POD_IP" -U shop -d goods -Atqc "{sql}" 2>&1']
    return (await world.inside("db", *command))[1].strip()


def test_postgres_is_what_its_variables_say(in_world) -> None:
    async def test(world) -> None:
        if not await world.node._host.isolation.known() and os.getuid() == 0:
            pytest.skip("PostgreSQL refuses to run as root, and this kernel allows no user namespace to run it in")
        script = "create table shelf as select 7 as n;"
        world.store.create(CONFIGMAPS, {"metadata": {"name": "init", "namespace": "test"}, "data": {"1.sql": script}})
        env = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": "goods"}
        container = {
            "image": "postgres:18",
            "env": [IP, *({"name": name, "value": value} for name, value in env.items())],
            "args": ["-c", "max_connections=17"],
            "volumeMounts": [
                {"name": "init", "mountPath": "/docker-entrypoint-initdb.d"},
                {"name": "data", "mountPath": "/var/lib/postgresql"},
            ],
        }
        volumes = [{"name": "init", "configMap": {"name": "init"}}, {"name": "data", "emptyDir": {}}]
        world.run("db", [], container=container, volumes=volumes)
        await world.running("db")
        deadline = now() + 90
        while "psql: error" in (answer := await query(world, PASSWORD, "select n from shelf; show max_connections")):
            assert now() < deadline, f"{answer}; log: {await world.output('db')}"
        assert answer.split() == ["7", "17"]
        assert "authentication failed" in await query(world, "wrong", "select 1")

    in_world(test)


def test_postgres_without_a_password_says_what_to_set(in_world) -> None:
    async def test(world) -> None:
        world.run("db", [], container={"image": "postgres:18"}, restartPolicy="Never")
        assert await world.finished("db") == "Failed"
        assert "set POSTGRES_PASSWORD" in await world.output("db")

    in_world(test)


def test_redis_serves_on_the_pods_address(in_world, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the program tells how it was called."""
    (tmp_path / "redis-server").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "redis-server").chmod(0o755)
    monkeypatch.setattr(well_known, "SYSTEM_PATH", ())
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    async def test(world) -> None:
        world.run("plain", [], container={"image": "redis:8"}, restartPolicy="Never")
        world.run("more", [], container={"image": "redis:8", "args": ["--port", "7000"]}, restartPolicy="Never")
        for pod, options in (("plain", ""), ("more", "--port 7000 ")):
            assert await world.finished(pod) == "Succeeded"
            address = world.status(pod)["podIP"]
            assert await world.output(pod) == f"{options}--bind {address} --protected-mode no\n"

    in_world(test)


def test_an_image_without_a_program_of_its_own_is_an_error_of_creation(in_world, monkeypatch) -> None:
    monkeypatch.setattr(well_known, "IMAGES", (well_known.WellKnown("x", "x", bool, well_known.Image, "x"),))

    async def test(world) -> None:
        world.run("pod", [], container={"image": "x:1"})
        waiting = lambda: world.main("pod")["state"].get("waiting", {})  # noqa: E731
        await world.until(lambda: waiting().get("reason") == "CreateContainerError", "the complaint")
        assert "no command specified: image 'x:1' has none of its own" in waiting()["message"]

    in_world(test)
