"""What is killed are the project's own drills, all of them, made short."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from rbac.stage import ROOT
from torture.calls import EXPERIMENTS, NOT_CALLED, read_calls
from torture.moments import NOT_KILLED, read_courses
from torture.project import ADMITTED, RATE, shorten


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("drills", "experiments", "systems"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def drills_of(project: Path) -> dict[str, str]:
    """The text of each drill's module, by the drill's name."""
    texts = [path.read_text() for path in (project / "drills").glob("test_*.py")]
    return {name: text for text in texts for name in re.findall(r"def test_(\w+)\(", text)}


def test_every_drill_is_made_short_and_asks_for_little(project: Path) -> None:
    shorten(project)
    drills = drills_of(project)
    assert len(drills) == 26
    for name, text in drills.items():
        compile(text, name, "exec")
        assert text.count("steady_s=1, hold_s=1") == text.count("@pytest.mark.drill("), name
        assert set(re.findall(r"load\(rate=(\d+)\)", text)) == {str(RATE)}, name
    settings = yaml.safe_load((project / "systems/enhancer/manifests/30-enhancer-settings.yaml").read_text())
    assert yaml.safe_load(settings["data"]["settings.yaml"])["admission_rate"] == ADMITTED


def test_what_the_project_does_not_say_any_more_is_not_passed_over(project: Path) -> None:
    path = project / "experiments/high-load.yaml"
    path.write_text(path.read_text().replace("rate: 450", "rate: 500"))
    with pytest.raises(ValueError, match="does not say 'rate: 450' any more"):
        shorten(project)


def test_every_drill_and_every_experiment_was_rehearsed(project: Path) -> None:
    """After a new one: python -m torture --rehearse --drills NAME."""
    assert read_courses().keys() == drills_of(project).keys() - NOT_KILLED
    own = {path.stem for path in (project / "experiments").glob("*.yaml")}
    assert own - NOT_CALLED <= set(EXPERIMENTS) == read_calls().keys()
    assert all({"fault.sent", "phase undo"} <= set(course) for course in read_courses().values())
