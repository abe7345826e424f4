"""`muster history` as a person and a pipeline use it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from muster.base.clock import utc_iso
from muster.history import History, RunFacts
from muster.objectives.declaration import Repetition
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.entry import RtoEntry, SloEntry

MUSTER = str(Path(sys.executable).with_name("muster"))


def drill(name: str, rto: float, verdict: str = "met") -> DrillVerdict:
    return DrillVerdict(
        name=name,
        nodeid=f"drills/{name}",
        severity="P1",
        cadence="monthly",
        verdict=Verdict(verdict),
        why="=1+1" if verdict == "missed" else "as told",
        rto=RtoEntry(value_s=rto, low_s=rto - 0.01, high_s=rto + 0.01, budget_s=30.0, target_s=900.0),
        slo=[SloEntry(name="error_rate", window="after", target=0.01, value=0.001, samples=2000)],
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory whose history knows ten runs of two drills, and one on a cluster; `db_failure` has become slow."""
    with History.open("reports/history.sqlite", tmp_path, create=True) as history:
        for number in range(10):
            run = RunFacts(f"run-{number}", utc_iso(), "enhancer", "embedded", "rehearsal", "0.1.0")
            history.record(run, drill("db_failure", 2 + number % 3 / 10 + (6 if number == 9 else 0)))
            history.record(run, drill("pod_crash", 1 + number % 4 / 10, "missed" if number == 4 else "met"))
        run = RunFacts("run-c", utc_iso(), "enhancer", "staging", "cluster", "0.1.0")
        history.record(run, drill("db_failure", 12.0))
    return tmp_path


def muster(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MUSTER, "history", *arguments], cwd=project, capture_output=True, text=True, timeout=120, check=False
    )


def test_one_look_says_what_changed_and_how_sure_it_is(project: Path) -> None:
    text = muster(project).stdout
    rehearsal, cluster = text.split("enhancer on staging, evidence: cluster")
    assert rehearsal.startswith("enhancer on embedded, evidence: rehearsal")
    assert "db_failure: RTO slower by 5.9 s than the 9 earlier runs (median 2.1 s, spread 0.148 s)" in rehearsal
    assert "9/10 >60.5 %" in rehearsal
    assert "1 missed" not in rehearsal
    assert "only a cluster's prove the RTO" in rehearsal
    assert "too few: 1" in cluster
    assert "only a cluster's" not in cluster
    assert max(map(len, text.splitlines())) <= 132


def test_json_has_every_run_and_what_follows_from_them(project: Path) -> None:
    content = json.loads(muster(project, "--json", "--evidence", "rehearsal", "--drill", "pod_*").stdout)
    assert content["schema"] == "muster/history/v1"
    (found,) = content["drills"]
    assert (found["name"], found["evidence"], len(found["runs"])) == ("pod_crash", "rehearsal", 10)
    assert found["success"]["lower_bound_95"] == pytest.approx(0.6058, abs=1e-4)
    assert found["rto"]["change"] == "no change beyond noise"
    assert found["runs"][4]["verdict"] == "missed"
    assert found["runs"][0]["objectives"][0]["name"] == "error_rate"


def test_a_verdict_keeps_runs_and_distorts_no_rate(project: Path) -> None:
    content = json.loads(muster(project, "--json", "--verdict", "missed").stdout)
    found = {drill["name"]: drill for drill in content["drills"] if drill["evidence"] == "rehearsal"}
    assert [run["verdict"] for run in found["pod_crash"]["runs"]] == ["missed"]
    assert found["pod_crash"]["success"]["met"] == 9
    assert "no drill in the history fits" in muster(project, "--verdict", "missed").stdout


def test_csv_is_a_line_for_each_run_and_safe_in_a_spreadsheet(project: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(muster(project, "--csv").stdout)))
    assert len(rows) == 21
    assert {row["error_rate_after"] for row in rows} == {"0.001"}
    assert [row["why"] for row in rows if row["verdict"] == "missed"] == ["'=1+1"]


def test_show_lists_the_newest_runs(project: Path) -> None:
    text = muster(project, "show", "db_failure", "--evidence", "rehearsal", "--last", "3").stdout
    assert text.count("  met      ") == 3
    assert "8.00 s [7.99, 8.01]  ███───────  30 s" in text
    assert "error_rate" in text


def test_a_drill_that_there_is_not_is_refused_with_those_that_there_are(project: Path) -> None:
    done = muster(project, "show", "db_failre")
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr == "muster: no run of drill 'db_failre' fits (there are: db_failure, pod_crash)\n"


@pytest.mark.parametrize("where", [(), ("show", "x"), ("--json",)])
def test_without_a_history_there_is_one_sentence(tmp_path: Path, where: tuple[str, ...]) -> None:
    done = muster(tmp_path, *where)
    assert done.returncode == 64
    assert done.stderr.startswith("muster: no history at ")
    assert len(done.stderr.splitlines()) == 1


DRILL = '@pytest.mark.drill(severity="P1", fault="pod-crash", cadence="{cadence}")\ndef test_{name}(drill):\n    pass\n'


def test_what_is_overdue_includes_what_was_never_held(project: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    for name in ("experiments", "systems"):
        (project / name).symlink_to(root / name)
    (project / "pytest.ini").write_text("[pytest]\n")
    (project / "drills").mkdir()
    held = "import pytest\n\n" + DRILL.format(cadence="monthly", name="db_failure")
    (project / "drills/test_it.py").write_text(held)
    done = muster(project, "overdue")
    assert (done.returncode, done.stdout) == (0, "nothing is overdue\n"), done.stderr
    (project / "drills/test_it.py").write_text(held + DRILL.format(cadence="yearly", name="new"))
    done = muster(project, "overdue")
    assert (done.returncode, done.stdout) == (1, "new: yearly, never held\n"), done.stderr


def test_a_plan_names_what_was_never_held(project: Path) -> None:
    drills = [{"name": name, "severity": "P1", "cadence": "monthly"} for name in ("db_failure", "pod_crash", "new")]
    (project / "plan.json").write_text(json.dumps({"schema": "muster/plan/v1", "drills": drills}))
    assert "held nowhere" not in muster(project).stdout
    rehearsal, nowhere = muster(project, "--plan", "plan.json").stdout.split("held nowhere")
    assert "db_failure" in rehearsal
    assert "new" in nowhere
    assert "never held" in nowhere
    assert "held nowhere" not in muster(project, "--plan", "plan.json", "--drill", "db_*").stdout
    content = json.loads(muster(project, "--plan", "plan.json", "--json").stdout)
    assert [drill["name"] for drill in content["drills"] if not drill["runs"]] == ["new"]


@pytest.mark.parametrize(("content", "message"), [(None, "cannot be read"), ("[]", "is no plan"), ("{", "is no plan")])
def test_what_is_no_plan_is_refused(project: Path, content: str | None, message: str) -> None:
    if content is not None:
        (project / "plan.json").write_text(content)
    done = muster(project, "--plan", "plan.json")
    assert done.returncode == 64
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_repetitions_are_one_drill_and_the_worst_of_them_is_the_latest(project: Path) -> None:
    run = RunFacts("run-r", utc_iso(), "enhancer", "embedded", "rehearsal", "0.1.0")
    with History.open("reports/history.sqlite", project) as history:
        for number in range(1, 11):
            one = drill(f"db_failure-{number}-of-10", 1.0 + number / 10, "missed" if number == 4 else "met")
            one.repetition = Repetition(of="db_failure", number=number, total=10)
            history.record(run, one)
    text = muster(project, "show", "db_failure", "--evidence", "rehearsal").stdout
    assert " 4/10 " in text
    assert "db_failure: 9 of 10 met, 1 missed; with 95 % confidence at least 60.5 % recover;" in text
    assert "RTO of 10: 1.10 to 2.00 s, median 1.50 s" in text
    assert "too few runs to tell a regression from noise (10 earlier, 20 needed)" in text
    content = json.loads(muster(project, "--json", "--evidence", "rehearsal", "--drill", "db_*").stdout)
    (found,) = content["drills"]
    assert (found["name"], found["verdict"], len(found["runs"])) == ("db_failure", "missed", 20)
    assert (found["repeats"]["met"], found["repeats"]["reset"]) == (9, True)
    assert (found["regression"]["found"], found["regression"]["runs"]) == (None, 10)
    assert found["rto"]["earlier_runs"] == 10, "a run counts once"


def test_latencies_and_rates_have_units(project: Path) -> None:
    told = drill("pod_crash", 1.0)
    told.slo = [
        SloEntry(name=name, window="after", target=1.0, value=0.25, samples=99) for name in ("latency_p95", "goodput")
    ]
    with History.open("reports/history.sqlite", project) as history:
        history.record(RunFacts("run-u", utc_iso(), "enhancer", "embedded", "rehearsal", "0.1.0"), told)
    rows = [row.split() for row in muster(project, "show", "pod_crash").stdout.splitlines()]
    assert ["latency_p95", "after", "0.25", "s", "1", "s"] in [row[:6] for row in rows]
    assert ["goodput", "after", "0.25/s", "1/s"] in [row[:4] for row in rows]


def test_csv_is_quick_as_it_loads_nothing_that_compares_or_judges(project: Path) -> None:
    code = (
        "import sys\nfrom muster.cli import main\nsys.argv = ['muster', 'history', '--csv']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('muster.verdict', 'numpy', 'sqlalchemy') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, check=True, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "['sqlalchemy']"
    assert done.stdout == muster(project, "--csv").stdout
