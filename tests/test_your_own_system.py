"""docs/your-own-system.md works as it stands: a real application, in a folder of its own, to a first met drill."""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from muster.system import read_system

from .drill_project import ROOT, DrillProject

PAGE = (ROOT / "docs/your-own-system.md").read_text()
SHOWN = re.compile(r"^```(?:yaml|python)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VENDORED = re.compile(r"^\$ pip install --no-warn-conflicts --target (\S+) (.*?) +#", re.MULTILINE)
HELD = re.compile(r"^\$ muster (run drills .*)$", re.MULTILINE)
LOGIN = base64.b64encode(b"admin:s3cret").decode()


@dataclass(frozen=True)
class Installed:
    """What `pip install pytest-muster` gives: the wheel, in a virtual environment of its own, and a folder to work in.

    What the package depends on lies where the tests have it.
    The environment finds it there, and nothing of the sources.
    """

    environment: Path
    folder: Path

    def run(self, program: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment to its end, in the folder."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MUSTER_", "PYTEST_", "PYTHON", "KUBECONFIG"))}
        environment = {
            **kept, "HOME": str(self.folder), "PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}", **more,
        }  # fmt: skip
        command = [str(self.environment / "bin" / program), *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = made.glob("*.whl")
    return path


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Installed:
    environment, folder = tmp_path / "environment", tmp_path / "folder"
    folder.mkdir()
    python = environment / "bin/python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--python", str(python), str(wheel)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    return Installed(environment, folder)


@pytest.fixture
def kinto(installed: Installed) -> DrillProject:
    """The folder of the page: its manifests, what `muster init` makes of them, and then the files that it shows."""
    project = DrillProject(installed.folder)
    files = dict(SHOWN.findall(PAGE))
    assert files.keys() == {"deploy/kinto.yaml", "systems/kinto/system.yaml", "drills/test_notes.py"}
    project.write("deploy/kinto.yaml", files["deploy/kinto.yaml"])
    done = installed.run("muster", "init", "deploy", "--name", "kinto")
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        if line.startswith(("kinto:", "  ")):
            assert line in PAGE, "what the page shows of muster init"
    for name, text in files.items():
        project.write(name, text)
    return project


def test_nothing_of_the_sources_is_found_by_what_is_installed(installed: Installed) -> None:
    asked = "import muster, sys; print(muster.__file__, *sys.path, sep='\\n')"
    where, *path = installed.run("python", "-c", asked).stdout.splitlines()
    assert Path(where).is_relative_to(installed.environment)
    assert not {str(ROOT), str(ROOT / "src"), str(ROOT / "systems/enhancer")} & set(path)
    for brought in (("experiments",), ("loads",), ("guard", "--manifest")):
        assert installed.run("muster", *brought).returncode == 0


def test_muster_reads_the_folder_of_the_page(kinto: DrillProject, installed: Installed) -> None:
    (kinto.root / "vendor/kinto/bin").mkdir(parents=True)
    system = read_system(kinto.root / "systems/kinto")
    assert system.ledger is not None
    said = installed.run("python", "-m", "pytest", "drills", "--collect-only", "-q", KINTO_LOGIN=LOGIN)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "test_notes.py::test_no_note_is_lost" in said.stdout
    without = installed.run("python", "-m", "pytest", "drills", "--collect-only", "-q")
    assert without.returncode != 0
    assert "environment variable KINTO_LOGIN holds, which is not set" in without.stdout + without.stderr


@pytest.mark.whole_machine
@pytest.mark.long(of="what the docs tell to do")
def test_the_drills_of_the_page_are_met(kinto: DrillProject, installed: Installed) -> None:
    vendored, held = VENDORED.search(PAGE), HELD.search(PAGE)
    assert vendored is not None
    assert held is not None
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", vendored[1]]
    done = subprocess.run(
        [*command, *shlex.split(vendored[2])], cwd=kinto.root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"Kinto cannot be had here: {done.stderr[-300:]}")
    written = (kinto.root / "drills/test_kinto.py").read_text()
    assert written.count("budget_s=60") == 1
    # How soon a pod with three programs to start is back is a matter of the machine, and the budget is a guess.
    kinto.write("drills/test_kinto.py", written.replace("budget_s=60", "budget_s=300"))
    session = installed.run("muster", *shlex.split(held[1]), KINTO_LOGIN=LOGIN)
    assert session.returncode == 0, session.stdout + session.stderr
    verdicts = {one["name"]: one["verdict"] for one in kinto.summary()["drills"]}
    assert verdicts == {"kinto_crash": "met", "no_note_is_lost": "met"}
