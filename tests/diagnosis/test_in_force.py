"""While a drill's fault is in force its cause is named, and what is suggested mends it: whole drills, held as they are,
in which nobody but the diagnosis says which procedure is to be run.

`python -m selfcheck diagnose` holds all of them and prints what was found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from selfcheck.diagnose import LEFT_OUT, Diagnosed, names, read
from selfcheck.diagnosing import CONFTEST, LOOKS, Look
from tests.drill_project import ROOT

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

DRILLS = [
    f"{path.name}::{name}"
    for path in sorted((ROOT / "drills").glob("test_*.py"))
    if path.stem not in LEFT_OUT
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    if name.removeprefix("test_") not in LEFT_OUT
]


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
@pytest.mark.parametrize("drill", DRILLS)
def test_what_is_suggested_mends_it(drill_project: DrillProject, drill: str) -> None:
    drill_project.write("conftest.py", CONFTEST)
    looks = str(drill_project.root / "looks.jsonl")
    session = drill_project.pytest(f"drills/{drill}", PYTHONPATH=str(ROOT), **{LOOKS: looks})
    (found,) = read(drill_project.root)
    assert (found.misnamed, found.unmended) == ("", ""), session.output


def test_a_drill_that_was_not_held_is_not_passed_over() -> None:
    assert {name.partition("::test_")[2] for name in DRILLS} == set(names())
    assert Diagnosed("db_failure", "unknown", "?").misnamed == "it was not diagnosed"
    assert Diagnosed("db_failure", "unknown", "?").unmended == "no procedure was run"


def seen(suggested: str, *found: str, with_record: str = "promote-standby", besides: tuple[str, ...] = ()) -> Look:
    said = {"first": [], "procedure": with_record, "besides": list(besides)}
    return Look("db_failure", "in force", 1.0, suggested, list(found), said, [])


RIGHT = seen("muster recover promote-standby", "P1 Database db: has no primary")
CLEAN = seen("")


@pytest.mark.parametrize(
    ("look", "trouble"),
    [
        (RIGHT, ""),
        (None, "it was not diagnosed"),
        (seen(""), "'nothing' is suggested: nothing is found"),
        (seen("muster undo", "P1 Fault"), "'muster undo' is suggested: P1 Fault"),
        (
            seen("muster recover promote-standby", with_record=""),
            "with the fault's record on sight nothing is suggested",
        ),
    ],
)
def test_another_suggestion_than_what_mends_it_is_told(look: Look | None, trouble: str) -> None:
    assert Diagnosed("db_failure", "met", "promote-standby", look, "", CLEAN).misnamed == trouble


@pytest.mark.parametrize(
    ("outcome", "after", "trouble"),
    [
        ("", CLEAN, ""),
        ("", seen("", "P3 Database db: 0 of 1 standbys stream"), ""),  # by the record it follows from the fault
        ("", seen("", besides=("Database db",)), "still found: Database db"),
        ("", seen("", "P1 Database db: is lost"), "still found: P1 Database db: is lost"),
        ("", None, "it was not diagnosed again"),
        ("step verify: no", CLEAN, "the procedure failed: step verify: no"),
        (None, CLEAN, "no procedure was run"),
    ],
)
def test_what_was_not_mended_is_told(outcome: str | None, after: Look | None, trouble: str) -> None:
    assert Diagnosed("db_failure", "met", "promote-standby", RIGHT, outcome, after).unmended == trouble
