"""The image of the reference system can be built as its Dockerfile says, and what it holds runs.

Where no engine runs, the steps are taken as they stand in a directory of their own: absolute paths lead into it, and
the base image is a virtual environment of this interpreter.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

from muster.base.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = "systems/enhancer/Dockerfile"
USAGE = "usage: python -m enhancer"
# What pip says where the network is not there.
UNREACHABLE = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ProxyError")
# Directories of the image that a step may name.
PLACES = re.compile(r"(?<![\w.$}/-])/(?=(?:tmp|app)\b)")


def instructions(text: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions with what follows each, lines that go on joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = (line.partition(" ") for line in joined.splitlines())
    return [(word.upper(), rest.strip()) for word, _, rest in found]


@dataclass
class Scratch:
    """A root directory in which the steps of a Dockerfile are taken."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    command: list[str] = field(default_factory=list)

    def inside(self, text: str) -> str:
        return PLACES.sub(f"{self.root}/", text)

    def environment(self) -> dict[str, str]:
        # Where packages come from is the machine's own matter; nothing of the interpreter that runs the tests is.
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return {**kept, "PATH": f"{self.root}/venv/bin:{os.environ['PATH']}", **self.env}

    def take(self, word: str, rest: str) -> None:
        """Take one step; one of a kind that is not known here fails the test."""
        getattr(self, f"_{word.lower()}")(rest)

    def _from(self, image: str) -> None:
        assert re.fullmatch(r"python:3\.\d+-slim", image), image
        (self.root / "tmp").mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", str(self.root / "venv")], check=True)

    def _copy(self, said: str) -> None:
        *sources, target = shlex.split(said)
        into = Path(self.inside(target))
        for source in sources:
            path = ROOT / source
            if path.is_dir():  # its contents, as Docker does
                shutil.copytree(path, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                assert target.endswith("/"), "several files are copied into a directory"
                shutil.copy(path, into)

    def _run(self, command: str) -> None:
        shell = ["sh", "-c", self.inside(command)]
        done = subprocess.run(shell, env=self.environment(), cwd=self.root, capture_output=True, text=True, check=False)
        if done.returncode and UNREACHABLE.search(done.stderr):
            pytest.skip("no package index can be reached from here")
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def _env(self, said: str) -> None:
        self.env |= dict(self.inside(pair).split("=", 1) for pair in shlex.split(said))

    def _user(self, said: str) -> None:
        self.user = said

    def _expose(self, said: str) -> None:
        assert said == "8080"

    def _cmd(self, said: str) -> None:
        self.command = json.loads(said)


def engine() -> str | None:
    """The first program here that builds images and has all that it needs to."""
    for name in ("docker", "podman", "buildah"):
        if shutil.which(name) and not subprocess.run([name, "info"], capture_output=True, check=False).returncode:
            return name
    return None


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
    scratch = Scratch(directory / "root")
    for word, rest in instructions((ROOT / DOCKERFILE).read_text()):
        scratch.take(word, rest)
    assert not list((scratch.root / "tmp").iterdir()), "what was only needed to build is left in the image"
    assert scratch.user.partition(":")[0] not in ("root", "0")
    locked = set(re.findall(r"^([a-z0-9._-]+==[^ ;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert installed(scratch) <= locked
    with running(scratch, directory) as address:
        assert answer(f"{address}/healthz") == 200


def installed(scratch: Scratch) -> set[str]:
    """The packages of the scratch root, as the lock names them."""
    command = ["python3", "-m", "pip", "list", "--format=freeze", "--exclude=pip", "--exclude=setuptools"]
    listed = subprocess.run(command, env=scratch.environment(), capture_output=True, text=True, check=True).stdout
    return {line.lower().replace("_", "-") for line in listed.splitlines()}


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
