"""The digest of an image here is that of what stands for it: the code and the programs, not the name, not the place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from muster.embedded.node.images import Image, Images, content_digest, digest
from muster.embedded.node.state import ContainerState


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "code" / "shop").mkdir(parents=True)
    (tmp_path / "code" / "shop" / "main.py").write_text("print(1)\n")
    (tmp_path / "code" / "notes").mkdir()
    return tmp_path / "code"


def of(code: Path, **rest: str) -> str | None:
    return content_digest(Image("shop:1", env={"PYTHONPATH": str(code), **rest}, path=(str(code / "bin"),)))


def test_code_that_is_changed_is_another_image_under_the_same_name(code: Path) -> None:
    before = of(code)
    (code / "shop" / "main.py").write_text("print(22)\n")
    assert None is not of(code) != before


def test_where_it_lies_and_what_lies_beside_it_is_no_content(code: Path, tmp_path: Path) -> None:
    before = of(code)
    (code / "README.md").write_text("about it")
    (code / "notes" / "plan.txt").write_text("later")
    (code / "shop" / "__pycache__").mkdir()
    (code / "shop" / "__pycache__" / "main.pyc").write_bytes(b"1")
    assert of(code) == before
    assert of(Path(shutil.copytree(code, tmp_path / "elsewhere"))) == before


def test_its_environment_and_its_programs_are_content(code: Path) -> None:
    before = of(code)
    assert of(code, LEVEL="3") != before
    (code / "bin").mkdir()
    (code / "bin" / "serve").write_text("#!/bin/sh\n")
    assert of(code) != before


def test_what_is_too_large_to_be_read_has_none(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "MOST_BYTES", 3)
    assert of(code) is None


@pytest.mark.parametrize("name", ["python:3.11-slim", "postgres:18", "debian", "muster"])
def test_images_that_everybody_has_have_one_each(name: str) -> None:
    found = content_digest(Images().find(name))
    assert found is not None
    assert found == content_digest(Images().find(name))
    assert found not in {content_digest(Images().find(other)) for other in ("busybox", "alpine")}


def test_a_container_tells_it_as_a_pulled_image_does() -> None:
    state = ContainerState({"name": "main", "image": "docker.io/shop:1@sha256:said"})
    assert state.to_object()["imageID"] == ""
    state.run("muster://1", "sha256:content")
    assert state.to_object()["imageID"] == "muster.dev/environment/docker.io/shop:1@sha256:content"
    state.run("muster://1")
    assert state.to_object()["imageID"] == "muster.dev/environment/docker.io/shop:1"
