"""The page: made by the generator that is really used, with its history from run to run."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from muster.report.html import ReportError, build, generator
from muster.report.html.build import silenced
from muster.report.html.history import HISTORY_FILE, KEPT, earlier, remember
from muster.report.summary import SummaryError
from muster.report.testing import STORIES, told_run


def runs_in(history: Path) -> list[str]:
    return [orjson.loads(line)["muster_run"] for line in history.read_bytes().splitlines()]


def test_a_run_becomes_one_file_and_counts_once(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    told_run(reports / "20200101T000000Z-a", STORIES)
    page = build(reports)
    assert page == reports / "report.html"
    assert "googletagmanager.com/gtag" not in page.read_text()
    told_run(reports / "20200102T000000Z-b", STORIES)
    build(reports)
    build(reports)
    assert runs_in(reports / HISTORY_FILE) == ["20200101T000000Z-a", "20200102T000000Z-b"]


def test_the_report_of_an_old_run_knows_no_later_one(tmp_path: Path) -> None:
    history = tmp_path / HISTORY_FILE
    for run in ("2020-c", "2020-a", "2020-b", "2020-a"):
        remember(history, run, orjson.dumps({"uuid": run}))
    assert runs_in(history) == ["2020-a", "2020-b", "2020-c"]
    assert [orjson.loads(line)["uuid"] for line in earlier(history, "2020-b")] == ["2020-a"]


def test_a_damaged_history_loses_no_more_than_its_damaged_lines(tmp_path: Path) -> None:
    history = tmp_path / HISTORY_FILE
    remember(history, "2020-a", b"{}")
    history.write_bytes(history.read_bytes() + b'{"half\n[]\n')
    remember(history, "2020-b", b"{}")
    assert runs_in(history) == ["2020-a", "2020-b"]


def test_the_history_does_not_grow_for_ever(tmp_path: Path) -> None:
    history = tmp_path / HISTORY_FILE
    for number in range(KEPT + 5):
        remember(history, f"{number:04}", b"{}")
    assert runs_in(history) == [f"{number:04}" for number in range(5, KEPT + 5)]


def test_a_report_goes_where_it_is_wanted(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "20200101T000000Z-a"
    told_run(run, {"met": {}})
    assert build(run, tmp_path / "elsewhere" / "page.html").is_file()
    assert not (tmp_path / "reports" / "report.html").exists()


def test_a_run_without_drills_leaves_the_page_as_it_was(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "20200101T000000Z-a"
    told_run(run, {})
    (tmp_path / "reports" / "report.html").write_text("yesterday's")
    with pytest.raises(ReportError, match=r"no drill ran in .*: there is nothing to report"):
        build(run)
    assert (tmp_path / "reports" / "report.html").read_text() == "yesterday's"


def test_where_no_run_is_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(SummaryError, match="hold drills first"):
        build(tmp_path)


def test_without_the_generator_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "HOME", tmp_path / "nowhere")
    told_run(tmp_path / "reports" / "run", {"met": {}})
    with pytest.raises(ReportError, match=r"not installed; install it with: python -m muster\.report\.html\.install"):
        build(tmp_path / "reports")


def test_a_generator_that_fails_is_quoted(tmp_path: Path) -> None:
    config = tmp_path / "allurerc.json"
    config.write_text('{"nonsense": 1}')
    with pytest.raises(ReportError, match=r"allure generate failed with exit code \d+: .*nonsense"):
        generator.generate(tmp_path, config, tmp_path)


def test_a_page_that_tells_others_of_its_readers_is_refused_or_silenced() -> None:
    tale = (
        '<p><script async src="https://www.googletagmanager.com/gtag/js?id=X"></script>\n'
        "<script>\n window.dataLayer = [];\n gtag('js')\n</script></p>"
    )
    assert silenced(tale) == "<p></p>"
    with pytest.raises(ReportError, match="would tell others of its readers"):
        silenced('<link href="https://www.googletagmanager.com/gtag/other">')


def test_the_lock_file_names_no_addresses() -> None:
    packages = orjson.loads((generator.LOCKED / generator.LOCK_FILE).read_bytes())["packages"]
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)
