"""docs/your-own-system.md works as it stands: a real application, in a folder of its own, to a first met drill."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import pytest

from muster.system import read_system

from .drill_project import ROOT, DrillProject

PAGE = (ROOT / "docs/your-own-system.md").read_text()
SHOWN = re.compile(r"^```(?:yaml|python)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLED = re.compile(r"^\$ pip install --target (\S+) (.*?) +#", re.MULTILINE)
LOGIN = base64.b64encode(b"admin:s3cret").decode()


@pytest.fixture
def kinto(tmp_path: Path) -> DrillProject:
    """The folder of the page: its manifests, what `muster init` makes of them, and then the files that it shows."""
    project = DrillProject(tmp_path)
    files = dict(SHOWN.findall(PAGE))
    assert files.keys() == {"deploy/kinto.yaml", "systems/kinto/system.yaml", "drills/test_notes.py"}
    project.write("deploy/kinto.yaml", files["deploy/kinto.yaml"])
    command = [sys.executable, "-c", "from muster.cli import main; main()", "init", "deploy", "--name", "kinto"]
    done = subprocess.run(command, cwd=tmp_path, env=project.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        if line.startswith(("kinto:", "  ")):
            assert line in PAGE, "what the page shows of muster init"
    for name, text in files.items():
        project.write(name, text)
    return project


def test_muster_reads_the_folder_of_the_page(kinto: DrillProject) -> None:
    (kinto.root / "vendor/kinto/bin").mkdir(parents=True)
    system = read_system(kinto.root / "systems/kinto")
    assert system.ledger is not None
    said = kinto.pytest("drills", "--collect-only", "-q", KINTO_LOGIN=LOGIN)
    assert said.code == 0, said.output
    assert "test_notes.py::test_no_note_is_lost" in said.output
    without = kinto.pytest("drills", "--collect-only", "-q")
    assert without.code != 0
    assert "environment variable KINTO_LOGIN holds, which is not set" in without.output


@pytest.mark.whole_machine
@pytest.mark.long(of="what the docs tell to do")
def test_the_drills_of_the_page_are_met(kinto: DrillProject) -> None:
    found = INSTALLED.search(PAGE)
    assert found is not None
    wanted = [word.strip("'") for word in found[2].split()]
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", found[1], *wanted]
    done = subprocess.run(command, cwd=kinto.root, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Kinto cannot be had here: {done.stderr[-300:]}")
    session = kinto.pytest("drills", "-k", "crash or no_note", timeout=900.0, KINTO_LOGIN=LOGIN)
    assert session.code == 0, session.output
    verdicts = {one["name"]: one["verdict"] for one in kinto.summary()["drills"]}
    assert verdicts == {"kinto_crash": "met", "no_note_is_lost": "met"}
