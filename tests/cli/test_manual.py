"""`muster manual` as a person types it: what is written where, and what is said where it cannot be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.drill_project import ROOT
from tests.schemas.test_schemas import troubles

from muster.base.errors import MusterError
from muster.cli.main import commands

PLAN = {"drills": [{"name": "db_failure", "severity": "P1", "cadence": "monthly", "recovery": "promote-standby"}]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the reference system, whose drills are told by a plan."""
    shutil.copytree(ROOT / "systems/enhancer", tmp_path / "systems/enhancer")
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*said: str, exits: int = 0) -> str:
    done = CliRunner().invoke(commands, ["manual", *said, "--drills", "plan.json"], catch_exceptions=False)
    assert done.exit_code == exits, done.output
    return done.output


def pages(project: Path) -> list[str]:
    return sorted(path.relative_to(project).as_posix() for path in (project / "docs").rglob("*.md"))


def test_it_is_written_to_docs_and_does_not_drift_until_something_changes(project: Path) -> None:
    assert "write docs/manual/en/README.md\n" in run("write")
    there = pages(project)
    assert {"docs/runbook/en/diagnosis.md", "docs/manual/zh-CN/grading.md"} <= {*there}
    assert run("write") == run("check") == f"the manual in docs is up to date: {len(there)} files\n"

    system = project / "systems/enhancer/system.yaml"
    system.write_text(system.read_text().replace("P1: {rto_s: 900,", "P1: {rto_s: 600,"))
    said = run("check", exits=1)
    assert "docs/manual/zh-CN/grading.md: differs\n" in said
    assert "docs/manual/en/README.md" not in said
    assert said.endswith("write them again: muster manual write\n")


def test_for_a_program_what_drifts_is_json_as_its_schema_says(project: Path) -> None:
    said = json.loads(run("check", "--language", "en", "--json", exits=1))
    assert troubles("manual-v1.json", [said]) == []
    assert {one["why"] for one in said["drift"]} == {"missing"}
    assert len(said["drift"]) == said["files"]


def test_a_plan_names_the_files_and_writes_none(project: Path) -> None:
    said = run("write", "--plan", "--language", "en", "--html", "page.html")
    assert "would write docs/runbook/en/README.md\n" in said
    assert said.endswith("would write page.html\n")
    assert pages(project) == []
    assert not (project / "page.html").exists()


def test_one_language_leaves_the_other_alone_and_its_page_is_whole(project: Path) -> None:
    run("write", "--language", "zh-CN", "--out", "elsewhere", "--html", "page.html")
    assert [path.name for path in (project / "elsewhere/manual").iterdir()] == ["zh-CN"]
    page = (project / "page.html").read_text("utf-8")
    assert page.startswith('<!doctype html>\n<html lang="zh-CN">')
    assert page.rstrip().endswith("</html>")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (("--language", "tlh"), "the manual is not written in 'tlh' (there are: en, zh-CN)"),
        (("--out", "pyproject.toml"), "pyproject.toml is a file; right would be a directory, in which manual/"),
        (("--out", "pyproject.toml/docs"), "pyproject.toml is a file; right would be a directory"),
        (("--system", "missing.yaml"), "missing.yaml"),
        (("--system", "plan.json"), "plan.json"),
    ],
)
@pytest.mark.parametrize("command", ["write", "check"])
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(
    project: Path, command: str, said: tuple[str, ...], sentence: str
) -> None:
    before = sorted(project.rglob("*"))
    with pytest.raises(MusterError) as refused:
        run(command, *said)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (("--html", "page.html"), "--html is one page in one language; name it with --language"),
        (("--html", "gone/page.html", "--language", "en"), "there is no directory gone; make it, or name another"),
        (("--html", "systems", "--language", "en"), "the manual cannot be written: Is a directory: systems"),
    ],
)
def test_a_page_that_cannot_be_written_keeps_all_from_being_written(
    project: Path, said: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(MusterError) as refused:
        run("write", *said)
    assert sentence in str(refused.value)
    assert pages(project) == []
