"""A disk that fills up while a drill is held: never green, told in a sentence, and no older green stands for it.

The reports of these projects are on a small disk of their own, in a private namespace of mounts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.drill_project import DrillProject, Session

from .holding import find, left_behind, muster, prepare

SIZE = "24m"
# In a name space of its own the disk is gone with its last process: what is on it is copied out before that.
WITH_A_SMALL_DISK = f"""
mount -t tmpfs -o size={SIZE} tmpfs reports && cp -a older/. reports/ || exit 99
if [ -n "$FULL_FROM_THE_START" ]; then cat /dev/zero > reports/filler 2> /dev/null; fi
"$@"
code=$?
rm -f reports/filler reports/*/filler
cp -a reports/. kept
exit $code
"""
NO_SPACE = "No space left on device"


@dataclass
class Full:
    """A session whose disk was full."""

    project: DrillProject
    session: Session

    @property
    def latest(self) -> Path:
        return self.project.root / "reports/latest"


@pytest.fixture
def hold_on_full_disk(drill_project: DrillProject) -> Callable[..., Full]:
    """Hold `db_failure`, sabotaged, with a green run on the disk that is older."""

    def hold(sabotage: str, **environment: str) -> Full:
        project = drill_project
        prepare(project)
        for name in ("tmp", "reports", "kept", "older/20200101T000000Z-0123456789ab"):
            (project.root / name).mkdir(parents=True)
        green = {"schema": "muster/summary/v1", "system": "enhancer", "cluster": "embedded", "evidence": "rehearsal"}
        green |= {"started": "2020-01-01T00:00:00Z", "finished": "2020-01-01T00:01:00Z", "verdict": "met"}
        green |= {"drills": [{"name": "db_failure", "nodeid": "", "verdict": "met", "why": "RTO 1 s"}]}
        project.write("older/20200101T000000Z-0123456789ab/summary.json", json.dumps(green))
        (project.root / "older/latest").symlink_to("20200101T000000Z-0123456789ab")
        environment |= {"SABOTAGES": f"db_failure={sabotage}", "TMPDIR": str(project.root / "tmp"), "COLUMNS": "1000"}
        command = [
            "unshare",
            "-Urm",
            "sh",
            "-c",
            WITH_A_SMALL_DISK,
            "sh",
            *project.command(find(project, "db_failure")),
        ]
        done = subprocess.run(
            command,
            check=False,
            cwd=project.root,
            env=project.environment(**environment),
            capture_output=True,
            text=True,
            timeout=240,
        )
        if done.returncode == 99 or "unshare failed" in done.stderr:
            pytest.skip(f"the kernel allows no private mounts here: {done.stderr.strip()}")
        (project.root / "reports").rmdir()
        shutil.move(project.root / "kept", project.root / "reports")
        return Full(project, Session(done.returncode, done.stdout + done.stderr))

    return hold


def assert_not_green(full: Full) -> None:
    said = full.session.output
    assert full.session.code not in (0, 5), said
    assert muster("verdict", str(full.latest)) in (1, 2), said
    assert NO_SPACE in said or "the disk was full" in said, said
    assert "Traceback" not in said, said
    assert "INTERNALERROR" not in said, said
    assert not left_behind(full.project)


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
def test_a_disk_that_stays_full_is_not_green(hold_on_full_disk: Callable[..., Full]) -> None:
    full = hold_on_full_disk("disk_full")
    assert_not_green(full)


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
def test_a_disk_that_was_full_for_a_while_is_unknown(hold_on_full_disk: Callable[..., Full]) -> None:
    full = hold_on_full_disk("disk_full_for_a_while")
    assert_not_green(full)
    (entry,) = full.project.summary()["drills"]
    assert entry["verdict"] == "unknown"
    assert f"UNKNOWN {entry['name']}: {entry['why']}" in full.session.output
    assert "the timeline cannot be judged" in entry["why"], entry["reasons"]


def test_on_a_disk_that_is_full_from_the_start_no_older_green_stands(hold_on_full_disk: Callable[..., Full]) -> None:
    full = hold_on_full_disk("control", FULL_FROM_THE_START="yes")
    assert_not_green(full)
