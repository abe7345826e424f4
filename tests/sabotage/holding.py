"""Holding sabotaged drills: several in one session, as a session costs seconds, and what must be true of each.

A test says which drill it sabotages and how (`saboteurs.py`) by the marker `sabotage`, and asks for the fixture
`sabotaged`. The first test that does so holds the drills of all selected tests, side by side on two clusters; the
others find what came of theirs. A module whose drills need a project of their own (`arrange`), or would spoil the
session for others (`ALONE`), has a session of its own.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from tests.drill_project import DrillProject, Session

from muster.base.errors import TimeoutExceededError
from muster.base.packaged import EXPERIMENTS, own_first
from muster.base.process import processes_of_run
from muster.base.timeline import Event, read_timeline
from muster.base.waiting import wait_for
from muster.cli.main import main
from muster.report.manifest import write_manifest

Case = tuple[str, str]  # a drill, and its sabotage
Arrange = Callable[[DrillProject], None]  # changes a project before its drills are held
GATE = {"met": 0, "missed": 1, "unknown": 2}
SESSION_S = 90.0  # what a session takes at most, beside 60 s for each drill
HERE = Path(__file__).parent

IDLE_LOAD = """
from locust import User, task

class Idle(User):
    @task
    def nothing(self):
        self.environment.runner.quit()
"""

MUTE_LOAD = """
from locust import task

from muster.load.openloop import OpenLoopUser

class Mute(OpenLoopUser):
    @task
    def nothing(self):
        pass
"""

# Appended to modules of the API, and without effect until a saboteur makes the file.
FLAGGED = """

def _flagged(flag):
    import os
    from pathlib import Path

    return (Path(__file__).parents[%d] / f"{flag}-{os.environ['DB_SERVICE_HOST']}").exists()
"""
TAUGHT = {
    "systems/enhancer/enhancer/api/workflows.py": (FLAGGED % 2)
    + """

_true = _shown


def _shown(workflow):
    lie = {"payload": {"content": "what somebody else wrote"}} if _flagged("lies") else {}
    return _true(workflow) | lie
""",
    "systems/enhancer/enhancer/admission.py": (FLAGGED % 1)
    + """

class _Headers(list):
    def __iter__(self):
        kept = list.__iter__(self)
        return (each for each in kept if each[0] != b"retry-after") if _flagged("no-retry-after") else kept


_SHED_HEADERS = _Headers(_SHED_HEADERS)
""",
}

LASTING = {"remember_field", "scale_statefulset", "scale_deployment"}


@dataclass(frozen=True)
class Sabotaged:
    """What came of one sabotaged drill. `session` is the session that it was held in, with others."""

    project: DrillProject
    session: Session
    entry: dict[str, Any]
    left_behind: str

    @property
    def timeline(self) -> Path:
        return self.project.root / self.entry["timeline"]

    def events(self, kind: str) -> list[Event]:
        """The events of a kind on the drill's timeline."""
        return [event for event in read_timeline(self.timeline) if event["kind"] == kind]

    def ends(self, verdict: str, why: str) -> None:
        """Assert the verdict, everywhere that it is told, and that `why` (a pattern) is the first thing said.

        A sabotage that ends right for another reason than its own has not been noticed.
        """
        entry, said = self.entry, self.session.output
        assert entry["verdict"] == verdict, f"it ends {entry['verdict']}: {entry['reasons']}\n{said}"
        assert re.match(why, entry["why"]), f"it says: {entry['why']}; and also: {entry['reasons'][1:]}"
        if verdict != "met":
            assert self.session.code == 1, said
            assert f"{verdict.upper()} {entry['name']}: {entry['why']}" in said
        assert self._gate() == GATE[verdict], "muster verdict says otherwise"
        assert not self.left_behind, f"left behind: {self.left_behind}"

    def _gate(self) -> int:
        """The exit code of `muster verdict` where this drill is the only one of its run."""
        summary = self.project.summary()
        alone = {**summary, "drills": [self.entry], "not_run": [], "verdict": self.entry["verdict"]}
        run = self.timeline.parent / f"{self.entry['name']}.alone"
        run.mkdir(exist_ok=True)
        (run / "summary.json").write_text(json.dumps(alone))
        write_manifest(run)
        return muster("verdict", str(run))


def muster(*arguments: str) -> int:
    """The exit code of the command line."""
    with mock.patch.object(sys, "argv", ["muster", *arguments]), pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def prepare(project: DrillProject) -> None:
    """Put into a project what sabotages need."""
    shutil.copy(HERE / "saboteurs.py", project.root / "conftest.py")
    project.write("loadtests/idle.py", IDLE_LOAD)
    project.write("loadtests/mute.py", MUTE_LOAD)
    for name, taught in TAUGHT.items():
        project.write(name, (project.root / name).read_text() + taught)
    for name in ("db-failure", "pod-crash"):
        vary(project, name, "silent", lambda method: method[-1:])
    image = {"kind": "Deployment", "name": "agents", "path": "spec.template.spec.containers[name=worker].image"}
    heals = [
        _own("patch_field", **image, after="enhancer:not-there"),
        _own("crashed", label_selector="app=agents", within_s=30),
        _own("undo"),
    ]
    effect = {"kind": "crash-loop", "labels": "app=agents"}
    vary(project, "agent-failure", "heals", lambda method: [*heals, method[-1]], effect=effect)
    gone = {"kind": "pods-replaced", "labels": "app in (api, agents, db)", "at_least": 9}
    kept = lambda method: [step for step in method if step["provider"]["func"] not in LASTING]  # noqa: E731
    vary(project, "full-outage", "heals", kept, effect=gone)


def vary(project: DrillProject, name: str, how: str, change: Any, *, effect: dict[str, Any] | None = None) -> None:
    """Write a variant `<name>-<how>` of an experiment, with its method changed."""
    found = own_first(project.root / "experiments", EXPERIMENTS, "*.yaml")[name]
    experiment = yaml.safe_load(found.read_text())
    experiment["method"] = change(experiment["method"])
    experiment["extensions"][0] |= {"experiment": f"{name}-{how}"} | ({"effect": effect} if effect else {})
    project.write(f"experiments/{name}-{how}.yaml", yaml.safe_dump(experiment))


def _own(func: str, **arguments: Any) -> dict[str, Any]:
    """An activity of muster's own, as an experiment names it."""
    provider = {"type": "python", "module": "muster.faults.activities", "func": func, "arguments": arguments}
    return {"type": "action", "name": func, "provider": provider}


def hold_once(home: Path, cases: Sequence[Case], arrange: Arrange | None) -> Mapping[str, Sabotaged]:
    """Hold drills in a project that is made in `home`, unless that was done before; what came of them by
    `drill-sabotage`. To be called by one worker at a time."""
    told = home / "session.json"
    if told.exists():
        done = json.loads(told.read_text())
        return outcomes(DrillProject(home), Session(done["code"], done["output"]))
    project = DrillProject.copy(home)
    prepare(project)
    if arrange:
        arrange(project)
    session = hold(project, cases)
    told.write_text(json.dumps({"code": session.code, "output": session.output}))
    return outcomes(project, session)


def hold(project: DrillProject, cases: Iterable[Case]) -> Session:
    """Hold drills, each with its sabotage, in one session."""
    wanted: dict[str, list[str]] = {}
    for drill, sabotage in cases:
        wanted.setdefault(drill, []).append(sabotage)
    count = sum(map(len, wanted.values()))
    (project.root / "tmp").mkdir()
    return project.pytest(
        *(find(project, drill) for drill in wanted),
        *(["-n", "2", "--dist", "worksteal"] if count > 1 else []),
        timeout=SESSION_S + 60 * count,
        SABOTAGES=" ".join(f"{drill}={','.join(names)}" for drill, names in wanted.items()),
        TMPDIR=str(project.root / "tmp"),
        COLUMNS="1000",  # what is said is looked for by the line
    )


def find(project: DrillProject, drill: str) -> str:
    """The node id of a drill."""
    for path in sorted((project.root / "drills").glob("test_*.py")):
        if f"def test_{drill}(" in path.read_text():
            return f"drills/{path.name}::test_{drill}"
    raise AssertionError(f"no drill {drill} in {project.root / 'drills'}")


def outcomes(project: DrillProject, session: Session) -> Mapping[str, Sabotaged]:
    """What came of each drill of a session that has ended."""
    assert (project.root / "reports/latest/summary.json").is_file(), session.output
    left = left_behind(project)
    return {entry["name"]: Sabotaged(project, session, entry, left) for entry in project.summary()["drills"]}


def left_behind(project: DrillProject) -> str:
    """What a session left that it should not have: processes, and directories of its clusters; empty in a moment."""
    run = (project.root / "reports/latest").resolve().name.rpartition("-")[2]

    def left() -> str:
        directories = [path.name for path in (project.root / "tmp").glob("muster-*")]
        return " ".join([*map(str, processes_of_run(run)), *directories])

    try:
        wait_for(lambda: not left(), within=20, reason="nothing to be left", latest=left)
    except TimeoutExceededError:
        return left()
    return ""
