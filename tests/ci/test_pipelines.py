"""The pipelines name scripts that exist, hold every drill at its cadence, and their scripts run by hand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.told import HEAD, STORIES

from muster.history.cadence import PERIODS
from muster.history.plan import read_plan

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("pull-request", "nightly", "instrument", "scheduled", "release-gate")
BY_CALENDAR = [f"ci/scheduled {cadence}" for cadence in PERIODS]


def read(name: str) -> dict[Any, Any]:
    content = yaml.safe_load((ROOT / name).read_text())
    assert isinstance(content, dict)
    return content


def github() -> list[str]:
    """What the jobs of GitHub's workflows run."""
    jobs = read(".github/workflows/drills.yml")["jobs"].values()
    own = [step["run"] for job in jobs for step in job.get("steps", []) if "run" in step]
    return own + [job["with"]["script"] for job in jobs if "uses" in job]


def gitlab() -> list[str]:
    """What the jobs of GitLab's pipeline run."""
    (included,) = read(".gitlab-ci.yml")["include"]
    jobs = read(included["local"])
    return [line for name, job in jobs.items() if not name.startswith(".") for line in job["script"]]


@pytest.mark.parametrize("pipeline", [github, gitlab])
def test_each_job_calls_one_script_that_exists(pipeline: Any) -> None:
    commands = pipeline()
    assert len(commands) == len(set(commands)) == 8
    for command in commands:
        path = ROOT / command.split()[0]
        assert path.is_file(), f"{command}: no such script"
        assert os.access(path, os.X_OK), f"{command} cannot be executed"
    assert {"ci/pull-request", "ci/nightly", "ci/instrument", "ci/release-gate", *BY_CALENDAR} <= set(commands)


def test_every_cadence_of_the_drills_has_a_job() -> None:
    cadences = {drill.cadence for drill in read_plan(ROOT).values() if drill.cadence}
    assert cadences
    assert {f"ci/scheduled {cadence}" for cadence in cadences} <= set(github()) & set(gitlab())


def test_each_schedule_starts_one_job() -> None:
    workflow = read(".github/workflows/drills.yml")
    # YAML 1.1 takes `on` for a truth value.
    crons = [one["cron"] for one in workflow[True]["schedule"]]
    conditions = [job.get("if", "") for job in workflow["jobs"].values()]
    for cron in crons:
        assert sum(f"'{cron}'" in condition for condition in conditions) == 1, cron
    told = [cron for condition in conditions for cron in re.findall(r"schedule == '([^']+)'", condition)]
    assert sorted(told) == sorted(crons)


@pytest.mark.parametrize("name", [".github/workflows/drills.yml", ".github/workflows/hold.yml", "ci/gitlab-ci.yml"])
def test_no_pipeline_names_a_secret(name: str) -> None:
    assert "secrets." not in (ROOT / name).read_text()


@pytest.mark.parametrize("name", [*SCRIPTS, "lib.sh"])
def test_a_script_is_understood_by_bash(name: str) -> None:
    subprocess.run(["bash", "-n", str(ROOT / "ci" / name)], check=True)


@pytest.fixture
def clone(drill_project: DrillProject) -> Iterator[DrillProject]:
    """The project with its pipelines, set up already: `make setup` finds nothing to do."""
    root = drill_project.root
    shutil.copytree(ROOT / "ci", root / "ci")
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "conftest.py"):
        shutil.copy(ROOT / name, root / name)
    (root / "pytest.ini").unlink()
    for lock in (ROOT / "src").rglob("package-lock.json"):
        copy = root / lock.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(lock, copy)
    (root / ".venv").mkdir()
    (root / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (root / ".venv/.installed").touch()
    yield drill_project
    (root / ".venv/bin").unlink()


def script(clone: DrillProject, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(clone.root / "ci" / command[0]), *command[1:]],
        cwd="/",
        env=clone.environment(**environment),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_a_drill_is_held_by_the_script_of_a_pull_request(clone: DrillProject) -> None:
    """A told one: what the script makes of a drill is the question, and not how busy the machine is."""
    tell(clone, HEAD)
    page = clone.root / "page.md"
    done = script(clone, "pull-request", GITHUB_STEP_SUMMARY=str(page), MUSTER_KUBE_CONTEXT="production")
    reports = clone.root / "reports"
    summary = clone.summary()
    assert (summary["verdict"], summary["cluster"]) == ("met", "embedded"), done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert page.read_text() == (reports / "summary.md").read_text()
    assert page.read_text().startswith("## 🟢 MET: enhancer on embedded")
    assert 'name="verdict" value="met"' in (reports / "junit.xml").read_text()
    assert (reports / "history.sqlite").is_file()
    assert "1 drill met" in done.stdout


def tell(clone: DrillProject, drills: str) -> None:
    """Have the project no drills but told ones."""
    for path in (clone.root / "drills").glob("test_*.py"):
        path.unlink()
    clone.write("conftest.py", STORIES)
    clone.write("drills/test_it.py", drills)


def test_a_script_believes_no_exit_code_alone(clone: DrillProject) -> None:
    tell(clone, f"{HEAD}    os._exit(0)\n")
    done = script(clone, "nightly")
    assert done.returncode == 2, done.stdout + done.stderr
    assert (clone.root / "reports/summary.md").read_text().startswith("## 🟡 UNKNOWN")


STUCK = """
import pytest

@pytest.mark.drill(severity="P1", fault="pod-crash", load="steady", cadence="monthly")
def test_stuck(drill):
    pass

@pytest.fixture
def managed_system():
    raise RuntimeError("no cluster today")
"""


def test_what_is_not_known_to_be_met_does_not_pass(clone: DrillProject) -> None:
    for path in (clone.root / "drills").glob("test_*.py"):
        path.unlink()
    clone.write("drills/test_stuck.py", STUCK)
    gate = script(clone, "release-gate")
    assert gate.returncode == 2, gate.stdout + gate.stderr
    assert (clone.root / "reports/summary.md").read_text().startswith("## 🟡 UNKNOWN")
    assert clone.summary()["required"] == ["stuck"]
    nothing = script(clone, "release-gate", "-k", "nothing_of_that_name")
    assert nothing.returncode == 2, nothing.stdout + nothing.stderr
    mistaken = script(clone, "nightly", "--no-such-option")
    assert mistaken.returncode == 2
    assert "unknown: pytest ended with 4 and held no drill" in mistaken.stdout
    assert "came to no run: " in (clone.root / "reports/summary.md").read_text()


def test_make_drill_goes_by_the_verdict() -> None:
    """Of that very run: a recipe that calls pytest itself would go by its exit code."""
    recipe = (ROOT / "Makefile").read_text().partition("\ndrill:")[2].partition("\n\n")[0]
    assert '$(BIN)/muster run drills -k "$$1"; code=$$?;' in recipe
    assert "exit $$code" in recipe


def test_a_cadence_that_there_is_not_is_refused() -> None:
    done = subprocess.run([str(ROOT / "ci/scheduled"), "weekly"], capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "'weekly' is no cadence; right would be monthly, quarterly or yearly" in done.stderr
