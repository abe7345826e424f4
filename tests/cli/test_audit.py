"""`muster audit`: what was done is shown, and the exit code says whether the log of it is whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.schemas.test_schemas import troubles

from muster.cli.main import commands, main
from muster.report.manifest import write_manifest
from muster.safety import AuditLog


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuditLog:
    """A project's log with three entries, and a run that ended after the second."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    log = AuditLog(tmp_path / "reports" / "audit.jsonl")
    log.record("experiment", target="staging/shop", outcome="begun", experiment="pod-crash", objects=["Pod/api-1"])
    log.record("undo", target="staging/shop", outcome="done", undone=["x"])
    run = tmp_path / "reports" / "20260301T000000Z-abc"
    run.mkdir()
    write_manifest(run, log.anchor())
    log.record("recovery promote-standby", target="embedded/shop", outcome="failed", why="no standby")
    return log


def muster(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["audit", *arguments])


def verified(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = muster("verify", "--json", *arguments)
    said = json.loads(done.stdout)
    assert troubles("audit-verification-v1.json", [said]) == []
    return done.exit_code, said


def test_a_log_as_it_was_written_is_fine(log: AuditLog) -> None:
    done = muster("verify")
    assert (done.exit_code, done.stdout.split(":")[0]) == (0, "fine"), done.output
    assert "3 entries" in done.stdout
    assert "2 anchors" in done.stdout
    assert verified()[1]["outcome"] == "fine"


def test_an_edit_is_a_finding_with_its_line(log: AuditLog) -> None:
    log.path.write_text(log.path.read_text().replace("pod-crash", "pod-crush"))
    done = muster("verify")
    assert (done.exit_code, "edit        line 1: entry 1 was edited" in done.stdout) == (1, True), done.output
    code, said = verified()
    assert (code, [finding["lines"] for finding in said["findings"]]) == (1, [[1, 1]])


def test_a_deletion_is_a_finding_with_what_is_gone(log: AuditLog) -> None:
    lines = log.path.read_text().splitlines(keepends=True)
    log.path.write_text(lines[0] + lines[2])
    done = muster("verify")
    assert done.exit_code == 1
    assert "deletion    between line 1 and line 2: entry 2 was deleted" in done.stdout


@pytest.mark.parametrize("head_too", [False, True])
def test_a_truncation_is_a_finding_by_either_anchor(log: AuditLog, head_too: bool) -> None:
    log.path.write_text(log.path.read_text().splitlines(keepends=True)[0])
    if head_too:
        log.path.with_name("audit.jsonl.head").unlink()
    done = muster("verify")
    knows = "20260301T000000Z-abc/manifest.json knew of 2" if head_too else "audit.jsonl.head knew of 3"
    assert (done.exit_code, knows in done.stdout) == (1, True), done.output


def test_an_end_that_nobody_knows_is_unknown_until_somebody_does(log: AuditLog, tmp_path: Path) -> None:
    (manifest,) = tmp_path.glob("reports/*/manifest.json")
    kept = manifest.rename(tmp_path / "kept.json")
    log.path.with_name("audit.jsonl.head").unlink()
    log.path.write_text(log.path.read_text().splitlines(keepends=True)[0])
    done = muster("verify")
    assert (done.exit_code, "cannot be told" in done.stdout) == (2, True)
    assert muster("verify", "--anchor", str(kept)).exit_code == 1
    assert muster("verify", "--anchor", f"2:{json.loads(kept.read_text())['audit']['head'][:16]}").exit_code == 1


def test_a_log_that_is_gone_is_a_truncation_and_one_that_never_was_unknown(log: AuditLog, tmp_path: Path) -> None:
    log.path.unlink()
    code, said = verified()
    assert (code, said["findings"][0]["kind"], said["findings"][0]["entries"]) == (1, "truncation", [1, 3])
    done = muster("verify", "--log", str(tmp_path / "nowhere.jsonl"))
    assert (done.exit_code, "there is no audit log nowhere.jsonl" in done.output) == (2, True)
    assert muster("show").exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [["verify", "--anchor", "7"], ["show", "--since", "yesterday"], ["verify", "--bogus"], ["nothing"]],
)
def test_wrong_use_is_no_answer(log: AuditLog, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["muster", "audit", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 64


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ([], [1, 2, 3]),
        (["--act", "recovery*"], [3]),
        (["--target", "staging/*"], [1, 2]),
        (["--since", "1h"], [1, 2, 3]),
        (["--since", "2999-01-01"], []),
        (["--run", "nobody"], []),
    ],
)
def test_what_is_shown_and_exported_is_sifted_alike(log: AuditLog, filters: list[str], numbers: list[int]) -> None:
    shown = json.loads(muster("show", "--json", *filters).stdout)
    exported = [json.loads(line) for line in muster("export", *filters).stdout.splitlines()]
    assert [entry["number"] for entry in shown] == numbers
    assert exported == shown
    assert troubles("audit-line-v1.json", exported) == []


def test_an_export_stands_as_in_the_log(log: AuditLog) -> None:
    assert muster("export").stdout == log.path.read_text()


def test_what_is_shown_fits_into_80_columns_and_says_all(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = muster("show").stdout
    assert max(map(len, shown.splitlines())) <= 80
    for part in ("experiment", "pod-crash", "Pod/api-1", "staging/shop", "no standby", "failed"):
        assert part in shown
