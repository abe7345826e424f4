from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.embedded.node.images import Images, UnknownImageError


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


@pytest.mark.parametrize("name", ["postgres:16", "nginx", "python:2.7", "enhancer:5.1"])
def test_an_unknown_image_says_which_there_are(name: str) -> None:
    with pytest.raises(UnknownImageError, match=rf"'{name}'.*there are: .*postgres:18"):
        Images().find(name)


def test_more_images_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "images.yaml"
    file.write_text("enhancer:5.1: {env: {PYTHONPATH: /code, LEVEL: 3}, path: [/code/bin], workdir: /code}\n")
    image = Images.load(file).find("enhancer:5.1")
    values = image.environment()
    assert (values["PYTHONPATH"], values["LEVEL"], image.workdir) == ("/code", "3", "/code")
    assert values["PATH"].startswith(f"/code/bin:{Path(sys.executable).parent}:")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a: [1", "not YAML"),
        ("[1, 2]", "must map image names"),
        ("a: {environment: {}}", "image 'a' must be a mapping of env, path, user, workdir"),
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
