"""Drills are tests: in classes, with parameters, in folders of their own, from wherever pytest is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.told import HEAD, STORIES

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

DRILLS = """
class TestDatabase:
    @marked()
    def test_in_class(self, drill):
        pass

    @pytest.mark.parametrize("size", ["a/b", "ü", 3], ids=str)
    @marked()
    def test_sized(self, drill, size):
        pass

@marked()
class TestAll:
    def test_marked_by_class(self, drill):
        pass
"""


def test_drills_are_held_and_their_verdict_found_from_a_folder_of_the_project(drill_project: DrillProject) -> None:
    drill_project.write("conftest.py", STORIES)
    folder = drill_project.write("rehearsals/database/test_it.py", HEAD + DRILLS).parent
    programs = Path(sys.executable).parent
    for command in (["pytest", "-p", "no:cacheprovider", ".", "--import-mode=append"], ["muster", "verdict"]):
        done = subprocess.run(
            [str(programs / command[0]), *command[1:]],
            cwd=folder,
            env=drill_project.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    held = {entry["nodeid"].partition("::")[2]: entry["name"] for entry in drill_project.summary()["drills"]}
    assert sorted(held.values()) == ["in_class", "marked_by_class", "met", "sized-3", "sized-a-b", held_as(held)]
    assert not (folder / "reports").exists()


def held_as(held: dict[str, str]) -> str:
    """The name of the drill whose parameter pytest writes in ASCII."""
    (name,) = (name for name in held.values() if name not in ("sized-3", "sized-a-b") and name.startswith("sized-"))
    return name
