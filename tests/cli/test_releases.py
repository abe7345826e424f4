"""`muster history releases`, and what `deploy` and `rollback` keep while they go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from tests.released.made import RETURNED, WORSE, look, release, rolled_back

from muster.analysis import Action, Decision, Look, Side
from muster.cli.main import commands
from muster.cli.release.keeping import Keeping
from muster.released import Releases
from muster.schemas import DIRECTORY

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUSTER_HISTORY", str(tmp_path / "history.sqlite"))
    return tmp_path


@pytest.fixture
def kept(project: Path) -> Path:
    with Releases.open("history.sqlite", project, create=True) as opened:
        opened.keep(release(1, "released", ended="2026-03-01T14:00:00Z"), "staging", looks=[look(2)])
        told = rolled_back(2, roles={"commander": "Ada"})
        opened.keep(told, "staging", returned=RETURNED, looks=[look(2), look(5, Action.ROLL_BACK)])
    return project


def run(*said: str) -> str:
    done = CliRunner().invoke(commands, ["history", "releases", *said], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_releases_are_listed_with_how_they_ended_why_and_how_long_the_way_back_took(kept: Path) -> None:
    told = run()
    assert "release 5.2 of shop after 5.1: released 2026-03-01 14:00" in told
    assert "rolled back in phase canary at 5%" in " ".join(told.split())
    assert WORSE in " ".join(told.split())
    assert "back after 1.42 s: weights written 0.11 s, in force 0.25 s" in " ".join(told.split())
    assert max(map(len, told.splitlines())) <= 80
    assert "released" not in run("--last", "1")


def test_one_is_told_with_what_happened_and_how_its_phases_looked(kept: Path) -> None:
    told = run("latest")
    assert "commander Ada" in told
    assert f"12:05:00  canary 5%    rolls back: {WORSE[:20]}" in told
    assert [line.split() for line in told.splitlines()][-1] == (
        ["canary", "5%", "2", "of", "1900", "1", "of", "100", "600", "ms", "600", "ms"]
    )
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(("said", "schema"), [((), "releases"), (("latest",), "kept-release")])
def test_as_json_they_are_as_the_schema_says(kept: Path, said: tuple[str, ...], schema: str) -> None:
    content = json.loads(run(*said, "--json"))
    checks = Draft202012Validator(json.loads((DIRECTORY / f"{schema}-v1.json").read_text()))
    assert [error.message for error in checks.iter_errors(content)] == []


def test_indicators_tell_of_releases(project: Path) -> None:
    with Releases.open("history.sqlite", project, create=True) as opened:
        opened.keep(release(1, "released", system="enhancer"), "staging")
        told = rolled_back(2, system="enhancer")
        opened.keep(told, "staging", returned=RETURNED, looks=[look(5, Action.ROLL_BACK)])
    said = ["indicators", "--since", "2026-01-01", "--system", str(ROOT / "systems/enhancer"), "--json"]
    done = CliRunner().invoke(commands, said, catch_exceptions=False)
    found = {one["name"]: one for one in json.loads(done.output)["indicators"]}
    assert found["releases"]["value"] == 2
    assert found["rollback worst"]["verdict"] == "met"
    assert found["prevented"]["value"] == 1


def decision() -> Decision:
    return Decision(Action.GO_ON, "as made", (), 60.0, 1740.0, 0.0)


def seen(minute: int) -> Look:
    at = f"2026-03-01T12:{minute:02}:00.000Z"
    return Look(at_s=60.0, phase="canary", share=0.05, stable=Side(), canary=Side(), utc=at)


def test_a_release_is_kept_while_it_goes_on(project: Path) -> None:
    with Keeping("staging") as keeping:
        keeping.phase(release())
        keeping.decided(decision(), seen(1))
        keeping.decided(decision(), seen(2))
        keeping.over(rolled_back(), RETURNED)
    with Releases.open("history.sqlite", project) as opened:
        found = opened.find("latest")
        assert (found.state, found.cluster, found.back_s) == ("rolled back", "staging", 1.42)
        assert len(opened.looks(found.id)) == 2


def test_a_store_that_cannot_be_written_is_said_once_and_holds_nothing_up(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_HISTORY", "/proc/nowhere/history.sqlite")
    said = list[str]()
    with Keeping("staging", said.append) as keeping:
        keeping.phase(release())
        for minute in range(5):
            keeping.decided(decision(), seen(minute))
        keeping.over(rolled_back(), RETURNED)
    assert len(said) == 1
    assert said[0].startswith("the release is not kept in the store: ")


def test_who_wants_no_history_is_told_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_HISTORY", "none")
    said = list[str]()
    with Keeping("staging", said.append) as keeping:
        keeping.phase(release())
    assert said == []
