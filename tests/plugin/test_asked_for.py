"""A green belongs to the run that was asked for: a session that held no drill leaves no older verdict in its place."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.told import HEAD, STORIES

from muster.cli.main import commands
from muster.report import Summary
from muster.report.manifest import write_manifest
from muster.verdict import DrillVerdict, Verdict

if TYPE_CHECKING:
    from tests.drill_project import DrillProject, Session

OLDER = "20260101T000000Z-0123456789ab"
BROKEN, SKIPPED = "import nothing_like_this\n", "import pytest\npytest.skip('x', allow_module_level=True)\n"
DIES = "import os\nos._exit(0)\n"


@pytest.fixture
def project(drill_project: DrillProject) -> DrillProject:
    """A project with a told drill, a test beside it, and an older run that was met."""
    run = drill_project.root / "reports" / OLDER
    run.mkdir(parents=True)
    (run.parent / "latest").symlink_to(OLDER)
    summary = Summary(run, system="enhancer", cluster="embedded", evidence="rehearsal")
    summary.update(DrillVerdict(name="met", nodeid="rehearsals/test_it.py::test_met", verdict=Verdict.MET, why="well"))
    summary.finish()
    write_manifest(run)
    drill_project.write("conftest.py", STORIES)
    drill_project.write("rehearsals/test_it.py", HEAD)
    drill_project.write("unit/test_unit.py", "def test_unit():\n    pass\n")
    return drill_project


def ask(project: DrillProject, *arguments: str) -> Session:
    """A session, with no other plugins than it needs: what they take to import is most of what it takes."""
    others = ("allure_pytest", "locust", "hypothesispytest", "anyio", "rerunfailures", "xdist")
    return project.pytest(*arguments, *(part for name in others for part in ("-p", f"no:{name}")))


def verdict(project: DrillProject, *arguments: str) -> tuple[int, str]:
    """What `muster verdict` answers in the project."""
    with contextlib.chdir(project.root):
        done = CliRunner().invoke(commands, ["verdict", *arguments])
    return done.exit_code, done.output


def muster(project: DrillProject, *arguments: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("muster")), *arguments],
        cwd=project.root,
        env=project.environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def assert_unknown(project: DrillProject, output: str) -> None:
    code, said = verdict(project)
    assert code == 2, f"{said}\n{output}"


# What is typed before `muster verdict`, and how a file of the project is changed before it.
CAME_TO_NOTHING: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "an option that there is not": (("rehearsals", "--nosuch"), {}),
    "a place that there is not": (("rehearsals/test_other.py",), {}),
    "nothing is selected": (("-k", "nothing"), {}),
    "drills cannot be imported": (("rehearsals",), {"rehearsals/test_it.py": BROKEN}),
    "drills are skipped as a whole": (("rehearsals",), {"rehearsals/test_it.py": SKIPPED}),
    "a test cannot be imported that may be a drill": (("unit",), {"unit/test_unit.py": BROKEN}),
    "a conftest.py cannot be imported": (("rehearsals",), {"conftest.py": BROKEN}),
    "pytest dies while it begins": (("rehearsals",), {"conftest.py": DIES}),
    "pytest dies while a drill runs": (("rehearsals",), {"rehearsals/test_it.py": f"{HEAD}    os._exit(0)\n"}),
    "the plugin is switched off": (("rehearsals", "-p", "no:muster"), {}),
}


@pytest.mark.parametrize(("arguments", "changes"), CAME_TO_NOTHING.values(), ids=CAME_TO_NOTHING.keys())
def test_no_older_green_stands_for_a_session_that_held_no_drill(
    project: DrillProject, arguments: tuple[str, ...], changes: dict[str, str]
) -> None:
    for name, text in changes.items():
        project.write(name, text)
    session = ask(project, *arguments)
    assert_unknown(project, session.output)


def test_what_asks_for_no_drill_leaves_the_verdict_as_it_is(project: DrillProject) -> None:
    for arguments in (("unit",), ("--collect-only",)):
        session = ask(project, *arguments)
        assert session.code == 0, session.output
    code, said = verdict(project)
    assert (code, said.splitlines()[-1][:5]) == (0, "met: "), said


def test_an_older_run_that_is_named_stands_for_itself(project: DrillProject) -> None:
    ask(project, "--nosuch")
    code, said = verdict(project)
    assert (code, f"the run before it was met, and stands for itself alone: reports/{OLDER}" in said) == (2, True), said
    assert verdict(project, f"reports/{OLDER}")[0] == 0
    assert "UNKNOWN" in muster(project, "summary", "--format", "markdown")[1]


def test_a_run_that_is_held_takes_the_place_of_what_came_to_nothing(project: DrillProject) -> None:
    ask(project, "--nosuch")
    session = ask(project, "rehearsals")
    assert session.code == 0, session.output
    code, said = verdict(project)
    assert (code, said.splitlines()[-1].startswith("met: 1 drill met")) == (0, True), said
    assert not list((project.root / "reports").glob(".asked-*"))


def test_muster_run_exits_by_the_run_that_it_held(project: DrillProject) -> None:
    code, said = muster(project, "run", "rehearsals", "-q")
    assert (code, said.splitlines()[-1].startswith("met: 1 drill met")) == (0, True), said


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--nosuch",), {}),
        (("unit",), {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
    ],
    ids=["typo", "no plugin"],
)
def test_muster_run_knows_no_run_but_its_own(
    project: DrillProject, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    code, said = muster(project, "run", *arguments, **environment)
    assert (code, "unknown: pytest ended with" in said, "and held no drill" in said) == (2, True, True), said
    assert_unknown(project, said)


def test_muster_run_is_no_green_where_a_test_beside_the_drills_failed(project: DrillProject) -> None:
    project.write("unit/test_unit.py", "def test_unit():\n    assert 0\n")
    code, said = muster(project, "run", "rehearsals", "unit")
    assert (code, "pytest ended with 1: a test beside the drills failed" in said) == (1, True), said


def test_muster_run_believes_no_exit_code_alone(project: DrillProject) -> None:
    project.write("rehearsals/test_it.py", f"{HEAD}    os._exit(0)\n")
    code, said = muster(project, "run", "rehearsals")
    assert (code, "\nunknown: " in said) == (2, True), said
