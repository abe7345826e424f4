"""A Dockerfile, built where an engine runs; elsewhere its steps are taken as they stand in a directory of their own.

There absolute paths lead into that directory, and the base image is a virtual environment of this interpreter.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# What pip says where the network is not there.
UNREACHABLE = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ProxyError")
# Directories of the image that a step may name.
PLACES = re.compile(r"(?<![\w.$}/-])/(?=(?:tmp|app|var/lib/muster)\b)")


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
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    command: list[str] = field(default_factory=list)

    def inside(self, text: str) -> str:
        return PLACES.sub(f"{self.root}/", text)

    def environment(self) -> dict[str, str]:
        # Where packages come from is the machine's own matter; nothing of the interpreter that runs the tests is.
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return {**kept, "PATH": f"{self.root}/venv/bin:{os.environ['PATH']}", **self.env}

    @classmethod
    def of(cls, dockerfile: Path, root: Path) -> Scratch:
        """A root directory in which every step of a Dockerfile has been taken."""
        scratch = cls(root)
        for word, rest in instructions(dockerfile.read_text()):
            scratch.take(word, rest)
        assert not list((root / "tmp").iterdir()), "what was only needed to build is left in the image"
        assert scratch.user.partition(":")[0] not in ("root", "0")
        return scratch

    def installed(self) -> set[str]:
        """The packages that it holds, as a lock file names them."""
        command = ["python3", "-m", "pip", "list", "--format=freeze", "--exclude=pip", "--exclude=setuptools"]
        listed = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=True).stdout
        pairs = (line.lower().split("==") for line in listed.splitlines())
        return {f"{re.sub('[-_.]+', '-', name)}=={version}" for name, version in pairs}

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
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, into)

    def _run(self, command: str) -> None:
        shell = ["sh", "-c", self.inside(command)]
        done = subprocess.run(shell, env=self.environment(), cwd=self.root, capture_output=True, text=True, check=False)
        if done.returncode and UNREACHABLE.search(done.stderr):
            pytest.skip("no package index can be reached from here")
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def _arg(self, said: str) -> None:
        name, _, value = said.partition("=")
        self.arguments[name] = value

    def _env(self, said: str) -> None:
        for name, value in self.arguments.items():
            said = said.replace(f"${name}", value)
        self.env |= dict(self.inside(pair).split("=", 1) for pair in shlex.split(said))

    def _user(self, said: str) -> None:
        self.user = said

    def _expose(self, said: str) -> None:
        assert said == "8080"

    def _workdir(self, said: str) -> None:
        Path(self.inside(said)).mkdir(parents=True)

    def _entrypoint(self, said: str) -> None:
        self.command = json.loads(said)

    def _cmd(self, said: str) -> None:
        self.command = json.loads(said)


def engine() -> str | None:
    """The first program here that builds images and has all that it needs to."""
    for name in ("docker", "podman", "buildah"):
        if shutil.which(name) and not subprocess.run([name, "info"], capture_output=True, check=False).returncode:
            return name
    return None


def locked(file: Path) -> set[str]:
    """What a lock file pins: names with versions."""
    return set(re.findall(r"^([a-z0-9._-]+==[^ ;]+)", file.read_text(), re.MULTILINE))
