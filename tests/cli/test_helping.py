"""What helps to find a command and to type it."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from tests.drill_project import DrillProject

from muster.cli.grouping import SECTIONS
from muster.cli.main import commands

MUSTER = str(Path(sys.executable).parent / "muster")


def test_each_command_stands_in_one_section() -> None:
    shown = list(chain.from_iterable(SECTIONS.values()))
    assert sorted(shown) == sorted(commands.commands), "each once"


def test_the_help_is_read_in_one_screen() -> None:
    said = subprocess.run([MUSTER, "--help"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) <= 50
    assert max(map(len, said)) <= 80


def completed(project: DrillProject, *words: str, **environment: str) -> list[str]:
    """What a bash completes the last word to."""
    more = {"_MUSTER_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("muster", *words))}
    done = subprocess.run(
        [MUSTER],
        cwd=project.root,
        env={**project.environment(**environment), **more, "COMP_CWORD": str(len(words))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_names_are_completed(drill_project: DrillProject, tmp_path: Path) -> None:
    assert completed(drill_project, "diag") == ["diagnose"]
    assert completed(drill_project, "recover", "restart") == ["restart-service"]
    assert completed(drill_project, "recover", "restart-service", "f") == ["force="]
    assert "pods" in completed(drill_project, "diagnose", "--check", "po")
    ops = {"MUSTER_NOTICES_OPS": "json://127.0.0.1:1"}
    assert completed(drill_project, "notify", "test", "o", **ops) == ["ops"]
    assert completed(drill_project, "notify", "render", "stat") == ["status-page"]
    config = tmp_path / "config"
    config.write_text(
        "{apiVersion: v1, kind: Config, contexts: [{name: staging, context: {cluster: c, user: u}}], clusters: "
        "[{name: c, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: u, user: {}}]}"
    )
    assert completed(drill_project, "recover", "--kube-context", "st", KUBECONFIG=str(config)) == ["staging"]


def test_what_cannot_be_told_completes_to_nothing(drill_project: DrillProject, tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("{")
    assert completed(drill_project, "recover", "--kube-context", "", KUBECONFIG=str(broken)) == []
    assert completed(drill_project, "recover", "no-such-procedure", "f") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("_MUSTER")}
    done = subprocess.run([MUSTER, "completion", shell], capture_output=True, text=True, check=False, env=environment)
    assert f"_MUSTER_COMPLETE={shell}_complete" in done.stdout, done.stderr
