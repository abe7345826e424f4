"""`muster up` with a system that does not start, and without a system."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from muster.base.process import processes_of_run

ROOT = Path(__file__).resolve().parents[2]
MUSTER = Path(sys.executable).parent / "muster"


class Project:
    """A project whose system is one Deployment of one pod."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.system = root / "systems/small"
        (self.system / "manifests").mkdir(parents=True)
        content = yaml.safe_load((ROOT / "systems/enhancer/system.yaml").read_text())
        kept = {key: content[key] for key in ("schema", "name", "service", "read", "ledger")}
        images = {"shop:1": {"command": ["sh", "-c", "echo no such table; exit 7"]}}
        (self.system / "system.yaml").write_text(yaml.safe_dump({**kept, "namespace": "small", "images": images}))

    def deploy(self, image: str) -> None:
        later = {"exec": {"command": ["true"]}, "initialDelaySeconds": 60}
        container = {"name": "main", "image": image, "readinessProbe": later}
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
        spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
        (self.system / "manifests/web.yaml").write_text(yaml.safe_dump(deployment))

    def muster(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "TMPDIR": str(self.root), "MUSTER_RUN_ID": self.run_id}
        return subprocess.run(
            [str(MUSTER), *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    @property
    def run_id(self) -> str:
        return f"up-{os.getpid()}-{self.root.name}"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path)
    yield project
    project.muster("down")
    assert not processes_of_run(project.run_id)


def test_a_program_that_crashes_is_shown_and_the_cluster_kept_where_one_wants_it(project: Project) -> None:
    project.deploy("shop:1")
    done = project.muster("up", "--keep")
    assert done.returncode == 1
    assert "CrashLoopBackOff" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "ended with exit code 7, 2 restarts\n    | no such table\n" in done.stdout
    assert "stop it with 'muster down'" in done.stdout
    assert (project.root / ".muster/kubeconfig").exists()
    assert "cluster stopped" in project.muster("down").stdout


def test_an_image_that_nobody_knows_takes_everything_down_at_once(project: Project) -> None:
    project.deploy("shop:2")
    done = project.muster("up")
    assert done.returncode == 1
    assert "image 'shop:2' stands for no environment of this machine" in done.stderr
    assert "container main: ErrImagePull" in done.stdout
    assert not (project.root / ".muster/kubeconfig").exists()
    assert not processes_of_run(project.run_id)


def test_a_bare_cluster_has_the_systems_images(project: Project) -> None:
    project.deploy("shop:1")
    done = project.muster("up", "--bare")
    assert done.returncode == 0, done.stderr
    table = next(project.root.glob("muster-up-*/images.yaml"))
    assert yaml.safe_load(table.read_text())["shop:1"]["command"][0] == "sh"


def test_a_bare_cluster_needs_no_system(project: Project) -> None:
    (project.system / "system.yaml").unlink()
    assert project.muster("up", "--bare").returncode == 0
    assert project.muster("up").returncode == 64


def test_images_are_listed_with_how_to_map_one(project: Project) -> None:
    done = project.muster("images")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("shop:1 ")
    assert lines[0].endswith("runs sh -c echo no such table; exit 7")
    assert any(line.startswith("postgres:18 ") for line in lines)
    assert "python_path" in lines[-1]
