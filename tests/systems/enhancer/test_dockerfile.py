"""The image of the reference system can be built as its Dockerfile says, and what it holds runs."""

from __future__ import annotations

import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from tests.dockerfile import ROOT, Scratch, engine, instructions, locked

from muster.base.waiting import wait_for

DOCKERFILE = "systems/enhancer/Dockerfile"
USAGE = "usage: python -m enhancer"


def test_a_dockerfile_is_read_as_docker_does() -> None:
    text = '# remark\nFROM a\n\nRUN one \\\n    && two\n# another\nCMD ["x"]\n'
    assert instructions(text) == [("FROM", "a"), ("RUN", "one && two"), ("CMD", '["x"]')]


@pytest.mark.parametrize(
    ("said", "inside"),
    [
        ("rm /tmp/*.txt > /tmp/x", "rm /r/tmp/*.txt > /r/tmp/x"),
        ("PYTHONPATH=/app", "PYTHONPATH=/r/app"),
        ("s/a/tmp/", "s/a/tmp/"),
    ],
)
def test_absolute_paths_lead_into_the_scratch_root(said: str, inside: str) -> None:
    assert Scratch(Path("/r")).inside(said) == inside


@pytest.mark.long(of="whole drills")
def test_the_image_can_be_built_and_what_it_holds_runs(tmp_path: Path) -> None:
    builder = engine()
    if builder is None:
        check_in_scratch_root(tmp_path)
    else:
        check_with(builder)


def check_in_scratch_root(directory: Path) -> None:
    scratch = Scratch.of(ROOT / DOCKERFILE, directory / "root")
    assert scratch.installed() <= locked(ROOT / "requirements.lock")
    with running(scratch, directory) as address:
        assert answer(f"{address}/healthz") == 200


@contextmanager
def running(scratch: Scratch, directory: Path) -> Iterator[str]:
    """The image's command as the Deployment starts it, but for the database, which it does without."""
    documents = yaml.safe_load_all((ROOT / "systems/enhancer/manifests/30-enhancer-settings.yaml").read_text())
    (settings,) = [one["data"]["settings.yaml"] for one in documents if one["kind"] == "ConfigMap"]
    (directory / "settings.yaml").write_text(settings)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {"POD_IP": "127.0.0.1", "PORT": str(port), "DB_PASSWORD": "none", "DB_HOST": "127.0.0.1", "DB_PORT": "1"}
    given["ENHANCER_SETTINGS"] = str(directory / "settings.yaml")
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            scratch.command, env={**scratch.environment(), **given}, cwd="/", stdout=log, stderr=log
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(
                lambda: process.poll() is not None or answer(f"{address}/healthz") is not None,
                within=60,
                reason="an answer of the API",
            )
            assert process.poll() is None, (directory / "log").read_text()
            yield address
        finally:
            process.terminate()
            process.wait(30)


def answer(url: str) -> int | None:
    """The status of an answer, or None where there is none."""
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code
    except httpx.TransportError:
        return None


def check_with(builder: str) -> None:
    tag = f"enhancer-test:{secrets.token_hex(4)}"
    subprocess.run([builder, "build", "-f", DOCKERFILE, "-t", tag, "."], cwd=ROOT, check=True)
    try:
        if builder != "buildah":  # which only builds
            command = [builder, "run", "--rm", tag, "python3", "-m", "enhancer"]
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (said.returncode, said.stderr.startswith(USAGE)) == (2, True)
    finally:
        subprocess.run([builder, "rmi", tag], check=True)
