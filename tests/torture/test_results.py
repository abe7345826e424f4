"""Trials are kept as they are made, and told in one table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rbac.stage import ROOT
from torture.parts import PARTS
from torture.results import HEAD, Kept, Trial, markdown, quantile, rows


def test_what_was_made_is_read_again_and_the_last_word_on_a_trial_counts(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "deep/kills-1.jsonl")
    assert kept.read() == []
    first = Trial("kills", 1, "x", ("a trouble",), 0.5, 0.9, 3.0, kept="there")
    for trial in (first, Trial("kills", 0, "y")):
        kept.add(trial)
    assert kept.read() == [Trial("kills", 0, "y"), first]
    kept.add(Trial("kills", 1, "x"))
    assert all(trial.held for trial in kept.read())


@dataclass(frozen=True)
class Drawn:
    """A case."""

    number: int
    what: str

    def __str__(self) -> str:
        return self.what


def test_what_was_made_of_another_draw_does_not_count(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kills-1.jsonl")
    same = Trial("kills", 0, "x", saw="5 sent again")
    for trial in (same, Trial("kills", 1, "y"), Trial("kills", 7, "z")):
        kept.add(trial)
    assert kept.of([Drawn(0, "x"), Drawn(1, "other"), Drawn(2, "y")]) == ([same], 2)


def test_the_table_says_how_many_were_held_and_how_fast() -> None:
    trials = [Trial("kills", n, "x", begun_s=n / 10, undone_s=n / 5) for n in range(1, 11)]
    trials += [Trial("kills", 11, "x", ("left",)), Trial("pairs", 0, "x")]
    table = markdown(HEAD, rows(trials))
    kills, pairs = table.splitlines()[2:]
    assert [cell.strip() for cell in kills.split("|")[1:-1]] == [
        *("kills", "11", "10 of 11", "0.50 s", "1.00 s", "1.00 s", "2.00 s"),
    ]
    assert [cell.strip() for cell in pairs.split("|")[1:-1]] == ["pairs", "1", "1 of 1", "-", "-", "-", "-"]
    assert len({len(line) for line in table.splitlines()}) == 1


def test_a_trial_that_failed_says_what_was_left_and_where_it_is_kept() -> None:
    line = Trial("alone", 7, "db_failure, alone killed", ("a", "b"), kept="reports/torture/alone-1/7").line()
    assert line == "alone 7: db_failure, alone killed: FAILED: a; b; kept: reports/torture/alone-1/7 (0 s)"


def test_a_quantile_is_a_value_that_was_seen() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert quantile([1.0], 0.0) == 1.0


def test_a_trial_whose_moment_never_came_proves_nothing() -> None:
    never = Trial("cuts", 1, "x", came=False)
    assert "(which never came): held" in never.line()
    assert [row[1] for row in rows([Trial("cuts", 0, "x"), never])] == ["1"]
    assert [row[2] for row in rows([Trial("cuts", 0, "x"), Trial("cuts", 1, "x", ("left",), came=False)])] == ["1 of 2"]


def test_what_safety_md_says_was_held_is_what_is_kept() -> None:
    trials = [trial for path in sorted((ROOT / "torture/held").glob("*.jsonl")) for trial in Kept(path).read()]
    assert [trial.line() for trial in trials if not trial.held or not trial.commit] == []
    trials.sort(key=lambda trial: list(PARTS).index(trial.part))
    assert markdown(HEAD, rows(trials)) in (ROOT / "docs/safety.md").read_text(encoding="utf-8")
