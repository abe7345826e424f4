"""Every act is in the log, or it is not done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from muster.safety import AuditLog
from muster.safety.audit import AuditError


def test_acts_are_appended_with_who_and_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "sam")
    monkeypatch.setenv("CI", "true")
    log = AuditLog(tmp_path / "deep" / "audit.jsonl")
    log.record("undo", target="embedded/shop", outcome="done", undone=["x"])
    log.record("strike", target="embedded/shop", outcome="begun")
    first, second = (json.loads(line) for line in log.path.read_text().splitlines())
    assert first["who"] == "sam (CI)"
    assert (first["act"], first["target"], first["outcome"], first["undone"]) == (
        "undo",
        "embedded/shop",
        "done",
        ["x"],
    )
    assert second["act"] == "strike"
    assert second["when"].endswith("Z")


def test_the_environment_names_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_AUDIT", str(tmp_path / "elsewhere.jsonl"))
    assert AuditLog.of_run(tmp_path).path == tmp_path / "elsewhere.jsonl"
    monkeypatch.delenv("MUSTER_AUDIT")
    assert AuditLog.of_run(tmp_path).path == tmp_path / "audit.jsonl"


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match="cannot be written"):
        AuditLog(tmp_path / "file" / "audit.jsonl").record("strike", target="t", outcome="begun")
