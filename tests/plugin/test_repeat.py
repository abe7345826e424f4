"""`--repeat N` as a pytest user expects it: an item, an entry and a row for each repetition, and what all of them
prove. In place of drills there are told stories, see `test_accounting`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.told import run

from muster.plugin.repeat import drill_of, gathered, repetition_of, unrepeated

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

MISSES_SECOND = """
@marked(cadence="monthly")
def test_b(drill, repetition):
    if repetition == "2-of-3":
        drill.story = {"rto_budget_s": 1.0}
"""
PARAMETERS = """
@pytest.mark.parametrize("size", [1, 2])
@marked()
def test_b(drill, size):
    pass
"""
THREE = ["met-1-of-3", "met-2-of-3", "met-3-of-3"]


def verdicts(summary: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["verdict"] for entry in summary["drills"]}


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_each_repetition_is_an_item_and_an_entry(drill_project: DrillProject, workers: tuple[str, ...]) -> None:
    code, summary, output = run(drill_project, "", "--repeat", "3", *workers)
    assert (code, summary["verdict"], summary["why"]) == (0, "met", "1 drill met, 3 times in all"), output
    assert sorted(verdicts(summary)) == THREE
    entry = next(entry for entry in summary["drills"] if entry["name"] == "met-2-of-3")
    assert entry["nodeid"] == "drills/test_it.py::test_met[2-of-3]"
    assert entry["repetition"] == {"of": "met", "number": 2, "total": 3}
    (repeat,) = summary["repeats"]
    assert (repeat["name"], repeat["runs"], repeat["met"], repeat["reset"]) == ("met", 3, 3, True)
    assert repeat["success"]["low_95"] == pytest.approx(0.05 ** (1 / 3))
    assert (repeat["success"]["proved"], repeat["success"]["needed"], repeat["success"]["verdict"]) == (False, 56, None)
    assert (repeat["rto"]["n"], repeat["rto"]["p95_high_why"]) == (3, "needs 59")
    assert "met: 3 of 3 met; with 95 % confidence at least 36.8 % recover;" in output
    assert "RTO of 3: 6." in output


def test_one_repetition_that_is_missed_is_told_and_hides_behind_none(drill_project: DrillProject) -> None:
    code, summary, output = run(drill_project, MISSES_SECOND, "--repeat", "3")
    assert (code, summary["verdict"]) == (1, "missed")
    assert summary["why"].startswith("b-2-of-3: RTO")
    assert [entry["missed"] for entry in summary["repeats"]] == [0, 1]
    assert "b: 2 of 3 met, 1 missed; with 95 % confidence at least 13.5 % recover;" in output
    table = [line.split() for line in output.splitlines() if line.startswith(("✓", "✗"))]
    assert [row[1:3] for row in table] == [["met", "met,"], ["met", "b,"], ["missed", "b-2-of-3"]]
    assert [row[3:5] for row in table[:2]] == [["3", "times"], ["2", "times"]]


def test_repetitions_follow_each_other_and_parameters_keep_their_names(drill_project: DrillProject) -> None:
    _, summary, _ = run(drill_project, PARAMETERS, "--repeat", "2", "-k", "test_b")
    assert list(verdicts(summary)) == ["b-1-1-of-2", "b-1-2-of-2", "b-2-1-of-2", "b-2-2-of-2"]
    assert [(one["name"], one["runs"]) for one in summary["repeats"]] == [("b-1", 2), ("b-2", 2)]


@pytest.mark.parametrize(
    ("arguments", "held"),
    [
        (("-k", "met"), THREE),
        (("-k", "2-of-3"), ["b-2-of-3", "met-2-of-3"]),
        (("--deselect", "drills/test_it.py::test_b", "--deselect", "drills/test_it.py::test_met[1-of-3]"), THREE[1:]),
        (("--cadence", "monthly"), ["b-1-of-3", "b-2-of-3", "b-3-of-3"]),
    ],
)
def test_items_are_selected_as_any(drill_project: DrillProject, arguments: tuple[str, ...], held: list[str]) -> None:
    _, summary, _ = run(drill_project, MISSES_SECOND, "--repeat", "3", *arguments)
    assert sorted(verdicts(summary)) == held


def test_a_node_id_is_one_repetition_or_all_of_them(drill_project: DrillProject) -> None:
    run(drill_project, "")
    for node, held in (("[2-of-3]", THREE[1:2]), ("", THREE)):
        drill_project.pytest(f"drills/test_it.py::test_met{node}", "--repeat", "3", "--require", "met")
        summary = drill_project.summary()
        assert sorted(verdicts(summary)) == held
        assert (summary["verdict"], summary["required"]) == ("met", ["met"])


def test_a_drill_that_is_left_out_is_told_once(drill_project: DrillProject) -> None:
    _, summary, _ = run(drill_project, MISSES_SECOND, "--repeat", "3", "-k", "met")
    assert summary["not_run"] == [{"name": "b", "why": "deselected", "required": False}]
    _, summary, output = run(drill_project, MISSES_SECOND, "--repeat", "3", "-x", "-k", "test_b")
    assert [one for one in summary["not_run"] if one["why"] != "deselected"] == [
        {"name": "b-3-of-3", "why": "not reached", "required": False}
    ]
    assert summary["verdict"] == "missed", output


def test_repetitions_that_were_not_reached_are_no_green_run(drill_project: DrillProject) -> None:
    body = "def test_a():\n    pass\ndef test_ab():\n    assert 0\n@marked()\ndef test_b(drill):\n    pass\n"
    _, summary, output = run(drill_project, body, "--repeat", "3", "-x")
    assert summary["verdict"] == "unknown", output
    assert summary["not_run"] == [{"name": "b", "why": "not reached: 3 of 3 repetitions", "required": False}]


def test_a_required_drill_is_one_that_ran_in_some_repetition(drill_project: DrillProject) -> None:
    _, summary, _ = run(drill_project, MISSES_SECOND, "--repeat", "3", "-k", "met", "--require", "all")
    assert (summary["required"], summary["verdict"]) == (["met", "b"], "unknown")
    assert summary["why"] == "required but not run: b"


def test_the_plan_names_each_drill_once(drill_project: DrillProject) -> None:
    run(drill_project, PARAMETERS)
    assert drill_project.pytest("drills", "--repeat", "3", "--drill-plan", "plan.json").code == 0
    drills = json.loads((drill_project.root / "plan.json").read_text())["drills"]
    assert [drill["name"] for drill in drills] == ["met", "b-1", "b-2"]
    assert [drill["nodeid"].partition("::")[2] for drill in drills] == ["test_met", "test_b[1]", "test_b[2]"]


@pytest.mark.parametrize(
    ("claim", "body", "verdict", "why"),
    [
        ("0.2", "", "met", "1 drill met, 3 times in all"),
        ("0.95", "", "unknown", "claim not proved: met: 3 of 3 met; with 95 % confidence at least 36.8 %"),
        ("0.999", MISSES_SECOND, "missed", "b-2-of-3: RTO"),
    ],
)
def test_a_claim_that_is_not_proved_is_no_green_run(
    drill_project: DrillProject, claim: str, body: str, verdict: str, why: str
) -> None:
    _, summary, output = run(drill_project, body, "--repeat", "3", "--claim", claim)
    assert (summary["verdict"], summary["claim"]) == (verdict, float(claim)), output
    assert summary["why"].startswith(why)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--repeat", "0"), "--repeat: '0' is no number of repetitions; right would be 1 to 10000, such as 59"),
        (("--repeat", "many"), "--repeat: 'many' is no number of repetitions; right would be 1 to 10000, such as 59"),
        (("--repeat", "-3"), "--repeat: '-3' is no number"),
        (("--repeat", "2", "--claim", "95"), "--claim: '95' is no rate; right would be a number between 0 and 1"),
        (("--repeat", "2", "--claim", "nan"), "--claim: 'nan' is no rate"),
        (("--claim", "0.95"), "--claim 0.95 needs --repeat: a drill that is held once proves no rate"),
    ],
)
def test_what_cannot_be_repeated_is_refused(
    drill_project: DrillProject, arguments: tuple[str, ...], message: str
) -> None:
    session = drill_project.pytest("drills", *arguments)
    assert session.code == pytest.ExitCode.USAGE_ERROR, session.output
    assert message in session.output
    assert "Traceback" not in session.output


def test_who_begins_is_told_what_it_will_take(drill_project: DrillProject) -> None:
    _, _, output = run(drill_project, "", "--repeat", "2", "--claim", "0.95")
    assert "repeat: each drill 2 times, each on a system deployed anew" in output
    assert "claim: 2 in a row cannot show more than 0.95: 59 can" in output


def test_the_history_has_each_repetition_under_the_drills_name(drill_project: DrillProject) -> None:
    run(drill_project, "", "--repeat", "2")
    with closing(sqlite3.connect(drill_project.root / "reports/history.sqlite")) as connection:
        rows = connection.execute(
            "select name, repetition, repetitions, verdict from muster_drills order by 2"
        ).fetchall()
    assert rows == [("met", 1, 2, "met"), ("met", 2, 2, "met")]


def test_allure_shows_repetitions_side_by_side(drill_project: DrillProject) -> None:
    run(drill_project, "", "--repeat", "3")
    results = [
        json.loads(path.read_text()) for path in (drill_project.root / "reports/allure-results").glob("*-result.json")
    ]
    assert len({result["historyId"] for result in results}) == 3
    told = sorted(parameter["value"] for result in results for parameter in result["parameters"])
    assert told == ["1 of 3", "2 of 3", "3 of 3"]


def test_a_test_that_is_no_drill_is_not_repeated(drill_project: DrillProject) -> None:
    drill_project.write("tests/test_other.py", "def test_other():\n    pass\n")
    assert "1 passed" in drill_project.pytest("tests", "--repeat", "3").output


MANAGED = """
import muster.drill
import muster.probes.http.address
from muster.drill import Project
from muster.system import find_system, read_system

class Managed:
    pristine, deployed, state = False, 0, None
    cluster = SimpleNamespace(kubeconfig=None)

    def __init__(self, root):
        self.definition = read_system(find_system(root))

    def prepare(self):
        self.deployed += not self.pristine
        self.pristine = True

    def spoilt(self):
        self.pristine = False

class Held(Told):
    left_whole = True
    told = ()

    def __init__(self, declaration, **_):
        super().__init__(SimpleNamespace(name="test_" + declaration.name, nodeid=declaration.nodeid), Project.root)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

@pytest.fixture(scope="session")
def managed_system(request):
    muster.drill.Drill, Project.root = Held, request.config.rootpath
    muster.probes.http.address.service_url = lambda *_: ""
    yield (managed := Managed(request.config.rootpath))
    print(f"deployed {managed.deployed} times")

from muster.plugin.fixtures import drill
"""


@pytest.mark.parametrize(("arguments", "deployed"), [((), 1), (("--repeat", "3"), 6)], ids=["once", "repeated"])
def test_each_repetition_finds_a_system_that_was_deployed_anew(
    drill_project: DrillProject, arguments: tuple[str, ...], deployed: int
) -> None:
    body = "@marked()\ndef test_b(drill):\n    pass\n"
    code, summary, output = run(drill_project, body, *arguments, "-s", conftest=MANAGED)
    assert (code, summary["verdict"]) == (0, "met"), output
    assert f"deployed {deployed} times" in output


def test_a_name_tells_which_repetition_it_is_of() -> None:
    assert repetition_of("a-3-of-59", 59) == {"of": "a", "number": 3, "total": 59}
    assert repetition_of("a-3-of-59", None) is None
    assert repetition_of("a-3-of-5", 59) is None
    assert drill_of("wrong-1-2-of-3", 3) == "wrong-1"
    assert unrepeated("t.py::test_a[x-3-of-59]", 59) == "t.py::test_a[x]"
    assert unrepeated("t.py::test_a[3-of-59]", 59) == "t.py::test_a"
    assert unrepeated("t.py::test_a[3-of-59]", None) == "t.py::test_a[3-of-59]"


def test_what_was_left_out_is_told_of_each_only_where_reasons_differ() -> None:
    told = {"a-1-of-2": "deselected", "a-2-of-2": "skipped: x", "b": "deselected", "(worker gw0)": "crashed"}
    assert gathered(told, 2) == told
    assert gathered({"a-1-of-2": "deselected", "a-2-of-2": "deselected"}, 2) == {"a": "deselected"}
    assert gathered({"a-1-of-3": "deselected", "a-2-of-3": "deselected"}, 3) == {
        "a-1-of-3": "deselected",
        "a-2-of-3": "deselected",
    }
