from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.embedded.node.images import Image, Images, UnknownImageError, well_known
from muster.embedded.node.images.image import ADDRESS


def programs(images: Images, name: str) -> list[Path]:
    path = images.find(name).environment()["PATH"]
    return [Path(directory) for directory in path.split(os.pathsep)]


@pytest.mark.parametrize("name", ["python:3.11-slim", "docker.io/library/python:3.12", "python"])
def test_python_is_this_interpreter(name: str) -> None:
    assert programs(Images(), name)[0] == Path(sys.executable).parent


def test_postgres_is_the_packages_programs() -> None:
    where = programs(Images(), "postgres:18")[0]
    version = subprocess.run([where / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    assert " 18." in version


@pytest.mark.parametrize("name", ["postgres:16", "python:2.7", "enhancer:5.1"])
def test_an_unknown_image_says_which_there_are(name: str) -> None:
    with pytest.raises(UnknownImageError, match=rf"'{name}'.*there are: .*postgres:18"):
        Images().find(name)


def test_more_images_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "images.yaml"
    file.write_text(
        "enhancer:5.1: {env: {PYTHONPATH: /code, LEVEL: 3}, path: [/code/bin], workdir: /code, command: [run, 1]}\n"
    )
    image = Images.load(file).find("enhancer:5.1")
    values = image.environment()
    assert (values["PYTHONPATH"], values["LEVEL"], image.workdir) == ("/code", "3", "/code")
    assert image.words([], [], "") == ["run", "1"]
    assert values["PATH"].startswith(f"/code/bin:{Path(sys.executable).parent}:")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a: [1", "not YAML"),
        ("[1, 2]", "must map image names"),
        ("a: {environment: {}}", "image 'a' must be a mapping of command, env, path, user, workdir"),
        ("a: {env: [1]}", "env must be a mapping"),
    ],
)
def test_a_bad_file_gets_one_sentence(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "images.yaml"
    file.write_text(content)
    with pytest.raises(UsageError, match=complaint) as caught:
        Images.load(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absent_file_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        Images.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("command", "args", "words"),
    [
        ([], [], ["enter", "127.1.1.1", "serve", "-v"]),
        ([], ["-x"], ["enter", "127.1.1.1", "-x"]),
        (["mine"], [], ["mine"]),
        (["mine"], ["-x"], ["mine", "-x"]),
    ],
)
def test_the_manifest_replaces_what_the_image_would_run(command: list[str], args: list[str], words: list[str]) -> None:
    image = Image("x", entrypoint=("enter", ADDRESS), command=("serve", "-v"))
    assert image.words(command, args, "127.1.1.1") == words


@pytest.mark.parametrize("name", ["postgres", "postgres:latest", "postgres:18.1-alpine", "docker.io/postgres:18"])
def test_names_of_one_image_stand_for_the_same(name: str) -> None:
    assert Images().find(name).words([], [], "")[-1] == "postgres"


def test_a_program_that_the_machine_lacks_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(well_known, "SYSTEM_PATH", (str(tmp_path),))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UnknownImageError, match="'redis:7' needs the program redis-server, which this machine does not"
    ):
        Images().find("redis:7")
    rows = dict(Images().rows())
    assert rows["redis"] == "not to be had: needs the program redis-server, which this machine does not have"
    assert rows["python:3.x"] == "this Python interpreter"


def test_a_program_anywhere_on_the_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nginx").write_text("#!/bin/sh\n")
    (tmp_path / "nginx").chmod(0o755)
    monkeypatch.setattr(well_known, "SYSTEM_PATH", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    image = Images().find("nginx:1.29")
    assert image.path == (str(tmp_path),)
    assert image.words([], [], "")[:2] == ["nginx", "-g"]
