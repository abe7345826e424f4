"""`muster check` passes on to pytest what it is asked, and exits by what was found; wrong use is no finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from muster.base.asked import UP_VARIABLE
from muster.cli import check as module
from muster.cli.main import commands


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, object]:
    """What pytest is asked, which ends with `code`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drills").mkdir()
    (tmp_path / "system.yaml").touch()
    told: dict[str, object] = {"code": 0}

    def run(arguments: Sequence[str], more: Mapping[str, str]) -> int:
        told.update(arguments=list(arguments), more=dict(more))
        return int(str(told["code"]))

    monkeypatch.setattr(module, "pytest_run", run)
    return told


@pytest.mark.parametrize(("code", "exits"), [(0, 0), (1, 1), (2, 2), (4, 64), (5, 64), (3, 64), (-9, 64)])
def test_what_pytest_itself_stumbles_over_is_no_finding(asked: dict[str, object], code: int, exits: int) -> None:
    asked["code"] = code
    assert CliRunner().invoke(commands, ["check", "drills"]).exit_code == exits


@pytest.mark.parametrize(
    ("said", "passed_on"),
    [
        ([], ["--check", "drills"]),
        (["--json"], ["--check", "--json", "drills"]),
        (
            ["drills", "-k", "db", "--kube-context", "there"],
            ["--check", "drills", "-k", "db", "--kube-context", "there"],
        ),
        (["--kube-context", "there"], ["--check", "--kube-context", "there", "drills"]),
        (["--system", "system.yaml"], ["--check", "--system", "system.yaml", "drills"]),
        (["drills::test_it", "-x"], ["--check", "drills::test_it", "-x"]),
        (["-k", "db"], ["--check", "-k", "db", "drills"]),
    ],
)
def test_drills_are_selected_as_pytest_does_it(asked: dict[str, object], said: list[str], passed_on: list[str]) -> None:
    CliRunner().invoke(commands, ["check", *said])
    assert asked["arguments"] == passed_on
    assert asked["more"] == {}, "no cluster is up here"


def test_the_cluster_that_is_up_is_asked(asked: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_up", lambda: "/somewhere/kubeconfig")
    CliRunner().invoke(commands, ["check"])
    assert asked["more"] == {UP_VARIABLE: "/somewhere/kubeconfig"}
