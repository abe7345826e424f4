"""Told drills: in place of a real one a test gets one whose timeline is a told story, so that what pytest and the
plugin make of drills is tested without a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

STORIES = """
from types import SimpleNamespace
import pytest
from muster.base.errors import MusterError
from muster.plugin.declare import drill_name
from muster.plugin.fixtures import DRILL
from muster.verdict import judge
from muster.verdict.testing import DrillStory

class Told:
    def __init__(self, item, root):
        self.name, self.nodeid = drill_name(item), item.nodeid
        self.state = self.live = SimpleNamespace(update=lambda: None, events=[])
        self.pump = lambda: None
        self.project = SimpleNamespace(root=root, experiments=root / "experiments")
        self.declaration = SimpleNamespace(system="told", fault="pod-crash")
        self.directory = root / "reports"
        self.timeline_path = root / "reports" / f"{self.name}.jsonl"
        self.story = {}

    def conclude(self, error):
        declared = {"name": self.name, "nodeid": self.nodeid, **self.story}
        outcome = "passed" if error is None else f"{type(error).__name__}: {error}"
        return judge(DrillStory(declared=declared, outcome=outcome).events())

@pytest.fixture
def drill(request, tmp_path):
    request.node.stash[DRILL] = told = Told(request.node, request.config.rootpath)
    yield told
"""

HEAD = """
import os
import pytest

def marked(**more):
    return pytest.mark.drill(severity="P1", fault="pod-crash", load="steady", recovery="repair-crashed-pods", **more)

@marked()
def test_met(drill):
    pass
"""


def tell(project: DrillProject, body: str, *, conftest: str = "") -> None:
    """Have a project whose drills are a met one and what is in `body`, all of them told."""
    project.write("conftest.py", STORIES + conftest)
    for path in (project.root / "drills").glob("test_*.py"):
        path.unlink()
    project.write("drills/test_it.py", HEAD + body)


def run(project: DrillProject, body: str, *arguments: str, conftest: str = "") -> tuple[int, dict[str, Any], str]:
    """Run a met drill and what is in `body`; the exit code, the summary, the output."""
    tell(project, body, conftest=conftest)
    session = project.pytest("drills", *arguments)
    return session.code, project.summary(), session.output
