"""The summary: there from the first second, never greener than its drills, readable or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from muster.objectives.declaration import Repetition
from muster.report import Summary, SummaryError, exit_code, read_summary
from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.testing import DrillStory


def begun(directory: Path, **more: object) -> Summary:
    return Summary(directory, system="enhancer", cluster="embedded", evidence="rehearsal", **more)  # type: ignore[arg-type]


def entry(name: str, verdict: str) -> DrillVerdict:
    return DrillVerdict(name=name, nodeid=f"drills/{name}", verdict=Verdict(verdict), why="because")


def test_it_is_there_at_once_and_unknown(tmp_path: Path) -> None:
    begun(tmp_path)
    content = orjson.loads((tmp_path / "summary.json").read_bytes())
    assert content["schema"] == "muster/summary/v1"
    assert (content["verdict"], content["finished"], content["drills"]) == ("unknown", None, [])
    assert exit_code(read_summary(tmp_path)) == 2


def test_a_crashed_run_stays_unknown_although_its_drills_were_met(tmp_path: Path) -> None:
    begun(tmp_path).update(entry("a", "met"))
    assert read_summary(tmp_path).verdict is Verdict.UNKNOWN
    assert exit_code(read_summary(tmp_path)) == 2


def test_a_crashed_run_with_a_missed_drill_exits_1(tmp_path: Path) -> None:
    begun(tmp_path).update(entry("a", "missed"))
    assert exit_code(read_summary(tmp_path)) == 1


@pytest.mark.parametrize(
    ("verdicts", "verdict", "code"),
    [
        (["met", "met"], "met", 0),
        (["met", "missed", "unknown"], "missed", 1),
        (["met", "unknown"], "unknown", 2),
        ([], "unknown", 2),
    ],
)
def test_the_run_is_what_its_drills_are(tmp_path: Path, verdicts: list[str], verdict: str, code: int) -> None:
    summary = begun(tmp_path)
    for number, value in enumerate(verdicts):
        summary.update(entry(f"drill_{number}", value))
    assert summary.finish() == verdict
    assert exit_code(read_summary(tmp_path)) == code


def test_a_required_drill_that_did_not_run_makes_the_run_unknown(tmp_path: Path) -> None:
    summary = begun(tmp_path, required=["a", "b"])
    summary.update(entry("a", "met"))
    assert summary.finish() is Verdict.UNKNOWN
    assert read_summary(tmp_path).why == "required but not run: b"


def test_a_drill_that_was_deselected_counts_only_where_it_is_required(tmp_path: Path) -> None:
    summary = begun(tmp_path)
    summary.update(entry("a", "met"))
    summary.not_run("b", "deselected")
    assert summary.finish() is Verdict.MET
    summary.not_run("b", "deselected", required=True)
    assert summary.finish() is Verdict.UNKNOWN


def test_an_interrupted_run_is_never_green(tmp_path: Path) -> None:
    summary = begun(tmp_path)
    summary.update(entry("a", "met"))
    summary.interrupt("interrupted by Ctrl-C")
    assert exit_code(read_summary(tmp_path)) == 2


@pytest.mark.parametrize(
    "verdicts", [("missed", "met"), ("unknown", "met"), ("met", "missed", "unknown"), ("met",) * 2]
)
def test_of_several_runs_of_one_drill_the_worst_stays(tmp_path: Path, verdicts: tuple[str, ...]) -> None:
    summary = begun(tmp_path)
    for number, verdict in enumerate(verdicts):
        summary.update(entry("a", verdict).model_copy(update={"why": f"run {number}"}))
    (kept,) = read_summary(tmp_path).drills
    assert kept.verdict == next(worst for worst in ("missed", "unknown", "met") if worst in verdicts)
    assert kept.reasons == ["the drill ran more than once: the worst of its runs counts"]


def test_an_entry_that_is_told_twice_is_one_run(tmp_path: Path) -> None:
    summary = begun(tmp_path)
    summary.update(entry("a", "met"))
    summary.update(entry("a", "met"))
    assert [drill.reasons for drill in read_summary(tmp_path).drills] == [[]]


@pytest.mark.parametrize("why", ["skipped", "not reached", "its worker crashed", ""])
def test_a_drill_that_was_to_run_and_did_not_makes_the_run_unknown(tmp_path: Path, why: str) -> None:
    summary = begun(tmp_path)
    summary.update(entry("a", "met"))
    summary.not_run("b", why)
    summary.not_run("c", "deselected")
    assert summary.finish() is Verdict.UNKNOWN
    assert read_summary(tmp_path).why == f"not run: b ({why})"
    assert exit_code(read_summary(tmp_path)) == 2


def test_a_run_of_nothing_but_deselected_drills_is_unknown(tmp_path: Path) -> None:
    summary = begun(tmp_path)
    summary.not_run("b", "deselected")
    assert summary.finish() is Verdict.UNKNOWN


def test_a_missed_drill_outweighs_one_that_did_not_run(tmp_path: Path) -> None:
    summary = begun(tmp_path)
    summary.update(entry("a", "missed"))
    summary.not_run("b", "skipped")
    assert summary.finish() is Verdict.MISSED


def test_a_judged_drill_survives_the_file(tmp_path: Path) -> None:
    judged = judge(DrillStory(lost={"w-80": "lost"}).events())
    begun(tmp_path).update(judged)
    assert read_summary(tmp_path / "summary.json").drills[0].to_json() == judged.to_json()


def test_a_file_that_was_painted_green_does_not_pass(tmp_path: Path) -> None:
    summary = begun(tmp_path)
    summary.update(entry("a", "unknown"))
    summary.finish()
    content = orjson.loads(summary.path.read_bytes())
    summary.path.write_bytes(orjson.dumps({**content, "verdict": "met"}))
    assert exit_code(read_summary(tmp_path)) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no summary at .*summary.json: hold drills first"),
        (b"{", "is not JSON"),
        (b"[]", "its schema is None"),
        (b'{"schema": "muster/summary/v9"}', "its schema is 'muster/summary/v9', right would be 'muster/summary/v1'"),
        (b'{"schema": "muster/summary/v1"}', "system: Field required"),
    ],
)
def test_what_is_no_summary_is_refused_with_a_reason(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_bytes(content)
    with pytest.raises(SummaryError, match=message):
        read_summary(tmp_path)


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SummaryError, match=r"nowhere.summary\.json cannot be written"):
        begun(tmp_path / "nowhere")


def again(number: int, verdict: str = "met", total: int = 3) -> DrillVerdict:
    told = entry(f"a-{number}-of-{total}", verdict)
    told.repetition = Repetition(of="a", number=number, total=total)
    return told


def test_a_required_drill_ran_where_one_of_its_repetitions_did(tmp_path: Path) -> None:
    summary = begun(tmp_path, required=["a"])
    summary.update(again(2))
    assert summary.finish() is Verdict.MET


def test_repetitions_are_counted_in_the_file(tmp_path: Path) -> None:
    summary = begun(tmp_path)
    for number in (1, 2, 3):
        summary.update(again(number))
    (repeat,) = orjson.loads((tmp_path / "summary.json").read_bytes())["repeats"]
    assert (repeat["name"], repeat["runs"], repeat["total"], repeat["success"]["needed"]) == ("a", 3, 3, 56)


@pytest.mark.parametrize(
    ("verdicts", "claim", "verdict", "why"),
    [
        (["met"] * 59, 0.95, "met", "1 drill met, 59 times in all"),
        (["met"] * 58, 0.95, "unknown", "claim not proved: a: 58 of 58 met"),
        (["met"] * 58 + ["unknown"], 0.5, "unknown", "a-59-of-59: because"),
        (["met"] * 58 + ["missed"], 0.5, "missed", "a-59-of-59: because"),
    ],
)
def test_a_gate_counts_a_claim_again(tmp_path: Path, verdicts: list[str], claim: float, verdict: str, why: str) -> None:
    summary = begun(tmp_path, claim=claim)
    for number, value in enumerate(verdicts, 1):
        summary.update(again(number, value, len(verdicts)))
    assert summary.finish() == verdict
    found = read_summary(tmp_path)
    assert found.why.startswith(why)
    greener = found.model_copy(update={"verdict": Verdict.MET})
    assert exit_code(greener) == {"met": 0, "missed": 1, "unknown": 2}[verdict]
