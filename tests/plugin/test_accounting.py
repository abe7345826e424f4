"""A run is green only if every drill that was collected came to its end and is met. Session logic alone is tested
here: in place of a real drill each test gets one whose timeline is a told story."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.told import run

if TYPE_CHECKING:
    from tests.drill_project import DrillProject


def test_a_met_drill_alone_is_green(drill_project: DrillProject) -> None:
    code, summary, output = run(drill_project, "")
    assert (code, summary["verdict"]) == (0, "met"), output


SPOILT = {
    "missed": "@marked()\ndef test_b(drill):\n    drill.story = {'rto_budget_s': 1.0}\n",
    "xfail, missed": "@pytest.mark.xfail\n@marked()\ndef test_b(drill):\n    drill.story = {'rto_budget_s': 1.0}\n",
    "xfail, failed check": "@pytest.mark.xfail(strict=True)\n@marked()\ndef test_b(drill):\n    assert 0\n",
    "skipped in its body": "@marked()\ndef test_b(drill):\n    pytest.skip('not today')\n",
    "exits with 0": "@marked()\ndef test_b(drill):\n    raise SystemExit(0)\n",
    "uses no fixture": "@marked()\ndef test_b():\n    pass\n",
    "tearing down fails": "@pytest.fixture\ndef bad():\n    yield\n    raise RuntimeError('undo failed')\n"
    "@marked()\ndef test_b(drill, bad):\n    pass\n",
    "setting up fails": "@pytest.fixture\ndef bad():\n    raise RuntimeError('no cluster')\n"
    "@marked()\ndef test_b(bad, drill):\n    pass\n",
}


@pytest.mark.parametrize("body", SPOILT.values(), ids=SPOILT.keys())
def test_a_drill_that_is_not_met_fails_pytest_and_the_run(drill_project: DrillProject, body: str) -> None:
    code, summary, output = run(drill_project, body)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert summary["verdict"] in ("missed", "unknown"), output
    assert {entry["name"]: entry["verdict"] for entry in summary["drills"]}["met"] == "met"


UNMARKED = "@pytest.fixture\ndef managed_system():\n    pass\ndef test_b(drill, managed_system):\n    pass\n"
NOT_RUN = {
    "lost its marker": (UNMARKED, ()),
    "skipped": ("@pytest.mark.skip(reason='later')\n@marked()\ndef test_b(drill):\n    pass\n", ()),
    "stopped by -x": ("def test_a():\n    assert 0\n@marked()\ndef test_b(drill):\n    pass\n", ("-x",)),
    "pytest.exit": ("@marked()\ndef test_b(drill):\n    pytest.exit('bye', returncode=0)\n", ()),
    "killed worker": ("@marked()\ndef test_b(drill):\n    os.kill(os.getpid(), 9)\n", ("-n", "1")),
}


@pytest.mark.parametrize(("body", "arguments"), NOT_RUN.values(), ids=NOT_RUN.keys())
def test_a_drill_that_did_not_come_to_its_end_is_no_green_run(
    drill_project: DrillProject, body: str, arguments: tuple[str, ...]
) -> None:
    _, summary, output = run(drill_project, body, *arguments)
    assert summary["verdict"] == "unknown", output
    named = [entry["name"] for entry in [*summary["drills"], *summary["not_run"]] if entry["name"] != "met"]
    assert named, output


def test_a_file_of_drills_that_is_skipped_or_broken_is_no_green_run(drill_project: DrillProject) -> None:
    drill_project.write("drills/test_other.py", "")
    for text in ("import pytest\npytest.skip('x', allow_module_level=True)\n", "import nothing_like_this\n"):
        conftest = f"open({str(drill_project.root / 'drills/test_other.py')!r}, 'w').write({text!r})\n"
        _, summary, output = run(drill_project, "", "--continue-on-collection-errors", conftest=conftest)
        assert summary["verdict"] == "unknown", output


def test_an_internal_error_is_no_green_run(drill_project: DrillProject) -> None:
    hook = "def pytest_runtest_logfinish():\n    raise RuntimeError('broken plugin')\n"
    code, summary, output = run(drill_project, "", conftest=hook)
    assert (code, summary["verdict"]) == (3, "unknown"), output


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("@marked()\ndef test_audit(drill):\n    pass\n", "the name 'audit' is taken by muster itself"),
        ("class TestX:\n    @marked()\n    def test_met(self, drill):\n        pass\n", "the name 'met' is taken by"),
        ("@marked(budget_s=-1)\ndef test_b(drill):\n    pass\n", "budget"),
        ("@marked(objectives=3)\ndef test_b(drill):\n    pass\n", "'objectives' of the drill marker must be a dict"),
    ],
)
def test_what_cannot_be_declared_is_refused_before_anything_runs(
    drill_project: DrillProject, body: str, message: str
) -> None:
    code, summary, output = run(drill_project, body)
    assert (code, summary["verdict"]) == (pytest.ExitCode.USAGE_ERROR, "unknown")
    assert message in output
    assert "Traceback" not in output
