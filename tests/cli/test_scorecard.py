"""`muster scorecard` as a person types it: where the page goes, and what is said where it cannot be made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from muster.base.errors import MusterError
from muster.cli.main import commands


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without drills, and without a history."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MUSTER_HISTORY", raising=False)
    return tmp_path


def run(*said: str) -> str:
    done = CliRunner().invoke(commands, ["scorecard", *said], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_before_anything_was_held_the_page_says_so_and_how_to_begin(project: Path) -> None:
    assert run() == "scorecard: reports/scorecard.html\n"
    page = (project / "reports/scorecard.html").read_text()
    assert "No run is on record" in page
    assert "<code>muster run drills</code>" in page
    assert not (project / "reports/history.sqlite").exists(), "looking begins no history"


def test_as_json_nothing_is_written(project: Path) -> None:
    told = json.loads(run("--json"))
    assert told["schema"] == "muster/scorecard/v1"
    assert list((project / "reports").iterdir()) == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (("--since", "tomorrow"), "'tomorrow' is no time; right would be"),
        (("--since", "2999-01-01"), "--since 2999-01-01 is not before now"),
        (
            ("--out", "nowhere/card.html"),
            "nowhere/card.html cannot be written: No such file or directory; name another",
        ),
        (("--plan", "missing.json"), "the plan missing.json cannot be read"),
        (("--history", "gone/history.sqlite"), "gone"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(
    project: Path, said: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(MusterError) as refused:
        run(*said)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list((project / "reports").iterdir()) == []
