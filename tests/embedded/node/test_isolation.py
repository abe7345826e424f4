from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.embedded.node.images import Image
from muster.embedded.node.isolation import Isolation, Surroundings, translate
from muster.embedded.node.launcher import Command

PATHS = {"/data": "/state/v1", "/data/sub": "/state/v2", "/tmp": "/tmp/state/pod/tmp"}


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        ("/data", "/state/v1"),
        ("/data/file", "/state/v1/file"),
        ("/data/sub/file", "/state/v2/file"),
        ("--dir=/data,/data/sub", "--dir=/state/v1,/state/v2"),
        ("cat '/data/a' > /tmp/b", "cat '/state/v1/a' > /tmp/state/pod/tmp/b"),
        ("/database /data2 /data-x /data.d", "/database /data2 /data-x /data.d"),
        ("/var/data http://host/data", "/var/data http://host/data"),
    ],
)
def test_paths_are_translated_where_they_stand_for_themselves(text: str, translated: str) -> None:
    assert translate(text, PATHS) == translated


@given(st.text())
def test_nothing_to_translate_changes_nothing(text: str) -> None:
    assert translate(text, {}) == text


def surroundings(image: Image, directory: Path) -> Surroundings:
    async def whole() -> Surroundings:
        isolation = Isolation()
        await isolation.find_out(directory / "probe", "isolation-test")
        mounts = [{"source": "/state/v1", "target": "/data/", "read_only": False}]
        env = {**image.environment(), "CONF": "/data/conf"}
        command = Command([], env, "/data")
        pod = {"metadata": {"name": "p"}, "spec": {}}
        return await isolation.surroundings(pod, {}, image, command, directory=directory, mounts=mounts)

    return asyncio.run(whole())


def test_without_namespaces_only_what_is_the_pods_own_is_translated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_NO_NAMESPACES", "1")
    image = Image("x", env={"PYTHONPATH": "/tmp/checkout/src"}, path=("/tmp/checkout/bin",))
    command = surroundings(image, tmp_path).command(["run", "/data/x", "/tmp/y", "/tmp/checkout/src/main.py"])
    assert command.argv == ["run", "/state/v1/x", f"{tmp_path}/tmp/y", "/tmp/checkout/src/main.py"]
    assert command.cwd == "/state/v1"
    assert command.env["CONF"] == "/state/v1/conf"
    assert command.env["PYTHONPATH"] == "/tmp/checkout/src"
    assert command.env["PATH"].startswith("/tmp/checkout/bin:")
    assert command.env["HOME"] == command.env["TMPDIR"] == f"{tmp_path}/tmp"


def test_a_jail_shows_what_the_image_needs_of_places_that_it_empties(tmp_path: Path) -> None:
    for name in ("code/inner", "other"):
        (tmp_path / name).mkdir(parents=True)
    image = Image("x", env={"PYTHONPATH": f"{tmp_path}/code:{tmp_path}/code/inner"}, path=("/usr/bin",))
    around = surroundings(image, tmp_path)
    if around.jail is None:
        pytest.skip("this kernel allows no private namespaces to this user")
    if not str(tmp_path).startswith("/tmp/"):
        pytest.skip("temporary directories lie elsewhere here")
    targets = [mount["target"] for mount in around.jail["mounts"]]
    assert str(tmp_path / "code") in targets
    assert str(tmp_path / "code/inner") not in targets
    assert str(tmp_path / "other") not in targets
    assert "/usr/bin" not in targets
