"""A drill as a result of Allure: sorted, described, step by step, with what a reader wants to open."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from muster.report.allure import Store, Tale, complete_results, note_run, point, write_environment
from muster.report.allure.attachments import LARGE, attachments_of, packed
from muster.report.allure.environment import describe_run, source_url
from muster.report.allure.result import full_name
from muster.report.allure.statistics import statistics_csv
from muster.report.allure.steps import steps_of
from muster.report.summary import Summary, read_summary
from muster.report.testing import STORIES, told_run
from muster.verdict import DrillVerdict, judge
from muster.verdict.reading.saved import Saved
from muster.verdict.testing import DrillStory


def tale(tmp_path: Path, **changes: Any) -> Tale:
    events = DrillStory(**changes).events()
    return Tale(judge(events), tmp_path, tmp_path, Saved.of(events))


def results_of(run: Path) -> dict[str, dict[str, Any]]:
    """The results of a run by drill, written as by a report of a session that wrote none."""
    store = Store(run / "allure-results")
    complete_results(store, read_summary(run), run, run.parent.parent)
    found = [orjson.loads(path.read_bytes()) for path in store.directory.glob("*-result.json")]
    return {labels(result)["drill"]: result for result in found}


def labels(result: dict[str, Any]) -> dict[str, str]:
    return {label["name"]: label["value"] for label in result["labels"]}


def test_verdicts_become_states_and_causes(tmp_path: Path) -> None:
    told_run(tmp_path / "reports" / "run", STORIES)
    results = results_of(tmp_path / "reports" / "run")
    assert {name: (r["status"], labels(r)["cause"]) for name, r in results.items()} == {
        "met": ("passed", "met"),
        "missed_budget": ("failed", "missed"),
        "missed_lost_writes": ("failed", "missed"),
        "unknown_no_load": ("broken", "unknown"),
        "unknown_not_landed": ("broken", "unknown"),
        "overloaded": ("passed", "met"),
    }
    assert labels(results["met"]) | {"severity": "blocker", "epic": "enhancer", "feature": "P1 critical"} == labels(
        results["met"]
    )
    assert results["missed_budget"]["statusDetails"]["message"].startswith("MISSED missed_budget: RTO 6.6")


def test_a_session_that_was_killed_leaves_its_last_drill_unknown(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "run"
    told_run(run, {"first": {}, "last": {"judged": None, "outcome": None}}, finished=False)
    results = results_of(run)
    assert results["first"]["status"] == "passed"
    assert results["last"]["status"] == "broken"
    assert "the session ended while the drill ran" in results["last"]["statusDetails"]["message"]


def test_a_miss_that_was_definite_before_the_session_was_killed_stays_one(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "run"
    told_run(run, {"last": STORIES["missed_budget"]}, finished=False)
    assert results_of(run)["last"]["status"] == "failed"


def test_what_was_told_is_not_told_again(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "run"
    told_run(run, {"met": {}})
    assert len(results_of(run)) == 1
    before = sorted((run / "allure-results").iterdir())
    results_of(run)
    assert sorted((run / "allure-results").iterdir()) == before


def test_a_drill_that_was_not_reached_is_shown_and_one_that_nobody_selected_is_not(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "run"
    told_run(run, {"met": {}})
    summary = Summary(run, system="enhancer", cluster="embedded", evidence="rehearsal")
    summary.not_run("later", "not reached")
    summary.not_run("other", "deselected")
    results = results_of(run)
    assert results["later"]["status"] == "unknown"
    assert labels(results["later"])["cause"] == "not run"
    assert "other" not in results


def test_repetitions_are_results_beside_each_other_and_not_attempts_at_one(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "run"
    stories: dict[str, dict[str, Any]] = {}
    for number in (1, 2):
        repetition, nodeid = {"of": "a", "number": number, "total": 2}, f"drills/test_a.py::test_a[{number}-of-2]"
        stories[f"a-{number}-of-2"] = {"declared": {"nodeid": nodeid, "repetition": repetition}}
    told_run(run, stories)
    first, second = results_of(run).values()
    assert first["fullName"] == second["fullName"] == "drills.test_a#test_a"
    assert first["historyId"] != second["historyId"]
    told = sorted(one["value"] for result in (first, second) for one in result["parameters"])
    assert told == ["1 of 2", "2 of 2"]


def test_damaged_files_of_a_run_are_no_reason_to_have_no_report(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "run"
    told_run(run, {"met": {}, "lost": {}})
    (run / "lost.jsonl").write_text("not a timeline")
    (run / "audit.jsonl").write_text('{"what": "recovery"}\n')
    (run / "allure-results").mkdir()
    (run / "allure-results" / "half-result.json").write_text("{")
    store = Store(run / "allure-results")
    complete_results(store, read_summary(run), run, tmp_path)
    assert len(list(store.directory.glob("*-result.json"))) == 3


def test_a_recovery_is_told_step_by_step_with_durations(tmp_path: Path) -> None:
    story = tale(tmp_path)
    at = story.began
    story.events.extend(
        [
            {"t": at + 4, "kind": "phase", "phase": "inject", "detail": "db-failure"},
            {"t": at + 5.9, "kind": "phase", "phase": "recover", "detail": "promote-standby"},
            {"t": at + 12, "kind": "phase", "phase": "good", "detail": ""},
        ]
    )
    fault, recovery, _, verdict = steps_of(story)
    assert fault.name == "fault: db-failure"
    assert [step.name for step in fault.steps] == [
        "steady",
        "injected: strike",
        "landed, as seen from outside: pod db-a-0 is gone",
    ]
    promote = recovery.steps[1]
    assert (promote.name, promote.status, promote.stop - promote.start) == ("promote", "passed", 5300)
    assert recovery.stop - recovery.start == 6100
    assert verdict.steps[0].name.startswith("RTO 6.6")


def test_a_failed_step_shows_where(tmp_path: Path) -> None:
    story = tale(tmp_path, steps=[("promote", 6.3, 11.6, "failed")], recovery_ok=False)
    story.events.extend([{"t": story.began + 6, "kind": "phase", "phase": "recover", "detail": ""}])
    recovery = steps_of(story)[0]
    assert recovery.status == "broken"
    assert [step.status for step in recovery.steps if step.name == "promote"] == ["failed"]


def test_statistics_count_by_stream_and_window(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(statistics_csv(tale(tmp_path)))))
    load = {row["window"]: row for row in rows if row["requests of"] == "load: load"}
    assert {row["requests of"] for row in rows} == {"load: load", "probe: read", "probe: write"}
    assert int(load["whole drill"]["requests"]) == 1500
    assert load["before the fault"]["failed"] == load["after"]["failed"] == "0"
    assert int(load["until good again"]["failed"]) == int(load["whole drill"]["failed"]) > 300
    assert "refused" in load["whole drill"]["failures by kind"]
    assert 4 < float(load["after"]["P95 ms"]) <= 10


def test_statistics_keep_clean_refusals_apart_where_overload_is_declared(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(statistics_csv(tale(tmp_path, **STORIES["overloaded"])))))
    whole = next(row for row in rows if row["requests of"] == "load: load" and row["window"] == "whole drill")
    assert int(whole["refused cleanly"]) > 1000
    assert "shed" not in whole["failures by kind"]


def test_a_reader_finds_what_there_is(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "run"
    (entry,) = told_run(run, {"missed_budget": STORIES["missed_budget"]})
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "db-failure.yaml").write_text("title: x\n")
    work = run / "missed_budget.d"
    for name, content in {"fault/journal.json": "{}", "pods/api.log": "boom", "empty.log": ""}.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(content)
    (work / "events.txt").write_text("Killing\n")
    told = Tale(entry, run, tmp_path, Saved.of(DrillStory(**STORIES["missed_budget"]).events()))
    names = [attachment.name for attachment in attachments_of(told)]
    assert names[0] == "picture"
    for wanted in ("load statistics", "events", "verdict", "experiment db-failure.yaml", "journal of the experiment",
                   "log pods/api.log"):  # fmt: skip
        assert wanted in names
    assert any(name.startswith("procedure promote-standby") for name in names)
    assert not any("empty" in name for name in names)


def test_large_files_are_compressed_and_can_be_opened() -> None:
    small, large = packed("x", b"1" * LARGE, ".log"), packed("x", b"1" * (LARGE + 1), ".log")
    assert (small.content, small.suffix) == (b"1" * LARGE, ".log")
    assert gzip.decompress(large.content) == b"1" * (LARGE + 1)
    assert (large.suffix, large.media) == (".log.gz", "application/gzip")
    assert "gzip" in large.name


def test_names_cannot_break_out_of_the_description(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "run"
    told_run(run, {"met": {}})
    entry = DrillVerdict(name="<script>alert(1)</script>", nodeid="drills/x.py::x", why="<b>", evidence="rehearsal")
    summary = Summary(run, system="enhancer", cluster="embedded", evidence="rehearsal")
    summary.update(entry)
    html = results_of(run)["<script>alert(1)</script>"]["descriptionHtml"]
    assert "<script>" not in html


def test_the_environment_is_told_as_allure_reads_it(tmp_path: Path) -> None:
    run, results = tmp_path / "run", tmp_path / "results"
    for directory in (run / "a.d", results):
        directory.mkdir(parents=True)
    note_run(run, tmp_path, {"commit": "abc (dirty)", "evidence": "rehearsal"})
    (run / "a.d" / "cluster.json").write_text('{"version": "v1.36.0", "images": {"postgres:18": ["sha256:1"]}}')
    write_environment(results, run)
    lines = (results / "environment.properties").read_text().splitlines()
    assert lines == [
        "commit=abc (dirty)",
        "evidence=rehearsal",
        "Kubernetes=v1.36.0",
        "image\\ postgres\\:18=sha256:1",
    ]


def test_outside_a_work_tree_the_commit_is_unknown(tmp_path: Path) -> None:
    facts = describe_run(tmp_path, cluster="embedded", evidence="rehearsal", system="enhancer", seed=7)
    assert (facts["commit"], facts["seed"]) == ("unknown", "7")


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        ("drills/test_pod_crash.py::test_pod_crash", "drills.test_pod_crash#test_pod_crash"),
        ("drills/test_x.py::TestX::test_y[a/b::c]", "drills.test_x.TestX#test_y"),
    ],
)
def test_a_drill_is_named_as_allure_names_it(nodeid: str, name: str) -> None:
    assert full_name(nodeid) == name


def test_sources_are_linked_where_the_pipeline_says_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA", "CI_PROJECT_URL", "CI_COMMIT_SHA"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "experiments" / "x.yaml"
    assert source_url(path, tmp_path) is None
    monkeypatch.setenv("CI_PROJECT_URL", "https://git.example/group/project")
    monkeypatch.setenv("CI_COMMIT_SHA", "abc")
    assert source_url(path, tmp_path) == "https://git.example/group/project/-/blob/abc/experiments/x.yaml"
    assert source_url(Path("/elsewhere/x.yaml"), tmp_path) is None


def test_the_link_to_the_latest_results_takes_the_place_of_an_old_directory(tmp_path: Path) -> None:
    (tmp_path / "allure-results").mkdir()
    (tmp_path / "allure-results" / "old-result.json").write_text("{}")
    for run in ("one", "two"):
        (tmp_path / run / "allure-results").mkdir(parents=True)
        point(tmp_path / "allure-results", Path(run) / "allure-results")
    assert (tmp_path / "allure-results").resolve() == tmp_path / "two" / "allure-results"
    assert not list((tmp_path / "allure-results").iterdir())
