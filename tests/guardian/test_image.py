"""muster's own image can be built as its Dockerfile says, from what is locked, and what it holds runs."""

from __future__ import annotations

import re
import secrets
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from tests.dockerfile import ROOT, Scratch, engine, locked

from muster import __version__

LOCK = ROOT / "deploy/image.lock"
BUILDS_IT = {"hatchling"}


def test_what_the_image_is_locked_to_is_a_part_of_what_everything_is_locked_to() -> None:
    assert pins(LOCK).items() <= pins(ROOT / "requirements.lock").items(), "they differ; 'make lock' writes both"


def test_the_image_holds_what_the_package_needs() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=\[]", one)[0] for one in needed}
    assert names | BUILDS_IT <= {pinned.partition("==")[0] for pinned in locked(LOCK)}


def pins(lock: Path) -> dict[str, frozenset[str]]:
    """What a lock file pins, with the hashes that are let through."""
    blocks = re.split(r"^(?=[a-z0-9])", lock.read_text(), flags=re.MULTILINE)
    return {block.partition(" ")[0]: frozenset(re.findall(r"--hash=(\S+)", block)) for block in blocks if "==" in block}


@pytest.mark.long(of="whole drills")
def test_the_image_can_be_built_and_what_it_holds_runs(tmp_path: Path) -> None:
    builder = engine()
    if builder is not None:
        check_with(builder)
        return
    scratch = Scratch.of(ROOT / "Dockerfile", tmp_path / "root")
    assert scratch.installed() - {f"pytest-muster=={__version__}"} <= locked(LOCK)
    check_run(
        lambda *words: subprocess.check_output(
            [*scratch.command, *words], env=scratch.environment(), cwd=scratch.root / "var/lib/muster", text=True
        )
    )


def check_with(builder: str) -> None:
    tag = f"muster-test:{secrets.token_hex(4)}"
    subprocess.run([builder, "build", "-t", tag, "."], cwd=ROOT, check=True)
    try:
        if builder != "buildah":  # which only builds
            check_run(lambda *words: subprocess.check_output([builder, "run", "--rm", tag, *words], text=True))
    finally:
        subprocess.run([builder, "rmi", tag], check=True)


def check_run(run: object) -> None:
    assert callable(run)
    assert __version__ in run("--version")
    kinds = [document["kind"] for document in yaml.safe_load_all(run("guard", "--manifest"))]
    assert kinds == ["Namespace", "ClusterRole", "ServiceAccount", "ClusterRoleBinding", "Deployment"]
