"""What comes with the package is listed, and copied into a project; nothing that is there is overwritten unasked."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from tests.faults.stranger import stranger

from muster.base.errors import UsageError
from muster.base.packaged import EXPERIMENTS, LOADS
from muster.cli.main import commands
from muster.faults import find_experiment
from muster.schemas import DIRECTORY


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stranger's project, and the present directory."""
    stranger(tmp_path / "systems" / "stranger")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def muster(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


def test_experiments_are_listed_with_what_they_need_and_where_they_come_from(project: Path) -> None:
    (project / "experiments").mkdir()
    (project / "experiments" / "pods-lost.yaml").write_text((EXPERIMENTS / "pods-lost.yaml").read_text())
    listed = json.loads(muster("experiments", "--json").stdout)
    found = {one["name"]: one for one in listed["experiments"]}
    assert listed["schema"] == "muster/experiments/v1"
    for schema, said in (("experiments", listed), ("loads", json.loads(muster("loads", "--json").stdout))):
        checks = Draft202012Validator(json.loads((DIRECTORY / f"{schema}-v1.json").read_text()))
        assert [error.message for error in checks.iter_errors(said)] == []
    assert found.keys() == {path.stem for path in EXPERIMENTS.glob("*.yaml")}
    assert (found["pods-lost"]["from"], found["full-outage"]["from"]) == ("project", "package")
    assert found["db-failure"]["needs"] == ["database"]
    assert "has no 'database'" in found["db-failure"]["lacks"]
    assert found["full-outage"]["lacks"] == ""
    said = muster("experiments").stdout
    assert "full-outage" in said
    assert "not here: it strikes a database, and system 'stranger' has no 'database'" in said


def test_an_experiment_is_copied_with_the_names_of_the_system_and_never_over_another(project: Path) -> None:
    assert muster("experiments", "copy", "pod-crash", "--container", "web").exit_code == 0
    path = project / "experiments" / "pod-crash.yaml"
    taken = {key: value.get("default") for key, value in yaml.safe_load(path.read_text())["configuration"].items()}
    assert taken == {
        "namespace": "stranger",
        "hold_s": 20,
        "target": "front",
        "labels": "component=front",
        "container": "web",
    }
    assert find_experiment(project / "experiments", "pod-crash").path == path, "fit by itself, as by hand"
    path.write_text("mine")
    refused = muster("experiments", "copy", "pod-crash")
    assert isinstance(refused.exception, UsageError)
    assert "is there already" in str(refused.exception)
    assert path.read_text() == "mine"
    assert muster("experiments", "copy", "pod-crash", "--over", "--target", "front").exit_code == 0
    assert path.read_text() != "mine"


def test_what_the_system_lacks_is_told_and_left_open_in_a_copy(project: Path) -> None:
    copied = muster("experiments", "copy", "db-failure")
    assert (copied.exit_code, "has no 'database'" in copied.stderr) == (0, True)
    assert (
        "default"
        not in yaml.safe_load((project / "experiments/db-failure.yaml").read_text())["configuration"]["service"]
    )


def test_names_are_printed_for_a_shell(project: Path) -> None:
    printed = muster("experiments", "env", "workload-lost", "--target", "store").stdout
    script = f'{printed}\nprintf "%s|%s|%s" "$MUSTER_TARGET" "$MUSTER_TARGET_LABELS" "$MUSTER_EXPERIMENT"'
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=True
    )
    assert done.stdout == f"store|component in (store)|{EXPERIMENTS / 'workload-lost.yaml'}"


def test_loads_are_listed_and_copied(project: Path) -> None:
    assert [one["name"] for one in json.loads(muster("loads", "--json").stdout)["loads"]] == ["clients"]
    assert muster("loads", "path", "clients").stdout.strip() == str(LOADS / "clients.py")
    assert muster("loads", "copy", "clients").exit_code == 0
    assert json.loads(muster("loads", "--json").stdout)["loads"][0]["from"] == "project"
    assert muster("loads", "path", "clients").stdout.strip() == str(project / "loadtests/clients.py")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("experiments", "copy", "flood"), "'flood' does not come with the package (there are: config-broken, "),
        (("experiments", "path", "flood"), "'flood' is neither in experiments/ nor in the package (there are: "),
        (("experiments", "env", "flood"), "experiment 'flood' not found"),
        (("experiments", "env", "pods-lost", "--target", "x"), "workload 'x' is not in the manifests"),
        (("loads", "copy", "../clients"), "does not come with the package (there are: clients)"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(project: Path, arguments: tuple[str, ...], said: str) -> None:
    failed = muster(*arguments)
    assert isinstance(failed.exception, UsageError)
    assert said in str(failed.exception)
