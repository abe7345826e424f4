"""The Markdown of a run: its verdict first, every drill in a table, nothing in it taken for markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from muster.report import Summary, read_summary
from muster.report.markdown import escape, markdown
from muster.report.plain import plain
from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.testing import DrillStory


def told(name: str, **declared: object) -> DrillVerdict:
    return judge(DrillStory(declared={"name": name, "nodeid": name, **declared}).events())


def page(directory: Path, *drills: DrillVerdict, finish: bool = True) -> str:
    summary = Summary(directory, system="enhancer", cluster="embedded", evidence="rehearsal")
    for drill in drills:
        summary.update(drill)
    if finish:
        summary.finish()
    return markdown(read_summary(directory))


def test_a_met_run_is_a_table_and_says_what_it_proves(tmp_path: Path) -> None:
    text = page(tmp_path, told("db_failure"))
    assert text.startswith("## 🟢 MET: enhancer on embedded\n\n1 drill met\n\n| verdict | drill |")
    row = r"| 🟢 met | db\_failure | P1 | 6.61 s \[6.60, 6.66\] | 30 s | 900 s | 0.00 s | 0 of 470 | promote\-standby |"
    assert row in text
    assert "Evidence: rehearsal. Timings on the embedded cluster prove procedure and instrument" in text
    assert "```" not in text


def test_a_missed_drill_brings_its_lines(tmp_path: Path) -> None:
    text = page(tmp_path, told("fine"), told("late", rto_budget_s=1.0))
    assert text.startswith("## 🔴 MISSED: enhancer on embedded\n\nlate: RTO 6.61")
    assert "```text\nMISSED late: RTO 6.61 s [6.60, 6.66] > budget 1 s\nwhere it went: recovery began" in text


def test_an_unfinished_run_is_not_green(tmp_path: Path) -> None:
    text = page(tmp_path, told("fine"), finish=False)
    assert text.startswith("## 🟡 UNKNOWN: enhancer on embedded\n\nthe session has not finished")
    assert plain(read_summary(tmp_path)).splitlines()[-1].startswith("unknown: the session has not finished")


def test_what_did_not_run_is_named(tmp_path: Path) -> None:
    summary = Summary(tmp_path, system="s", cluster="c", evidence="cluster", required=["gone"])
    summary.update(told("fine"))
    summary.not_run("gone", "deselected")
    summary.finish()
    text = markdown(read_summary(tmp_path))
    assert "required but not run: gone" in text
    assert "- gone: deselected" in text
    assert "Evidence: cluster." in text


NASTY = "a|b <img src=x> [x](http://y) `code` *bold* _it_ @all\n## head ~x~ &lt; \\"


def test_nothing_told_is_taken_for_markup(tmp_path: Path) -> None:
    drill = DrillVerdict(name=NASTY, nodeid="n", verdict=Verdict.UNKNOWN, why=NASTY, recovered_by=NASTY)
    text = page(tmp_path, drill)
    table = [line for line in text.splitlines() if line.startswith("| 🟡")]
    assert len(table) == 1
    assert len(re.findall(r"(?<!\\)\|", table[0])) == 10
    outside = text.split("```")[0]
    assert re.search(r"(?<!\\)[<\[`*_]", outside) is None


@pytest.mark.parametrize("ticks", ["``", "```", "``````"])
def test_a_fence_holds_whatever_is_in_it(tmp_path: Path, ticks: str) -> None:
    why = f"it said {ticks}\n{ticks}text"
    text = page(tmp_path, DrillVerdict(name="n", nodeid="n", verdict=Verdict.UNKNOWN, why=why))
    fences = [line for line in text.splitlines() if line.startswith("`" * max(3, len(ticks) + 1))]
    assert len(fences) == 2


def test_escaped_text_is_one_line() -> None:
    assert escape("one\n two\t three") == "one two three"


def repeated(number: int, **declared: object) -> DrillVerdict:
    repetition = {"of": "db_failure", "number": number, "total": 3}
    return told(f"db_failure-{number}-of-3", repetition=repetition, **declared)


def test_repetitions_are_two_lines_and_a_row_for_what_is_not_met(tmp_path: Path) -> None:
    text = page(tmp_path, repeated(1), repeated(2, rto_budget_s=1.0), repeated(3))
    rows = [line for line in text.splitlines() if line.startswith(("| 🟢", "| 🔴"))]
    assert len(rows) == 1
    assert r"db\_failure\-2\-of\-3" in rows[0]
    assert r"- db\_failure: 2 of 3 met, 1 missed; with 95 % confidence at least 13.5 % recover;" in text
    assert "- RTO of 3: 6." in text
    assert "db_failure: 2 of 3 met, 1 missed;" in plain(read_summary(tmp_path))


def test_repetitions_that_are_all_met_need_no_table(tmp_path: Path) -> None:
    text = page(tmp_path, repeated(1), repeated(2))
    assert "1 drill met, 2 times in all" in text
    assert "| verdict |" not in text
    assert "Pictures" not in text
