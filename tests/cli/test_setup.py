"""`muster setup` as a person types it: what is made, what is said, and that a second time changes nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muster.backup.keys import make_key
from muster.cli.main import commands
from muster.notices.testing import LocalReceiver

SYSTEM = """
schema: muster/system/v1
name: shop
namespace: shop
service: {name: web, port: 80}
read: {request: {path: /}}
database: {service: db, instances: [a, b], selector_key: instance, topology: t, topology_key: primary, container: pg}
backup: {store: ../../kept, recipients: [RECIPIENT]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a system whose backups can be opened by a key that is here, and no cluster."""
    recipient = make_key(tmp_path / "backup.key")
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "systems/shop"
    (folder / "manifests").mkdir(parents=True)
    (folder / "system.yaml").write_text(SYSTEM.replace("RECIPIENT", recipient))
    monkeypatch.chdir(tmp_path)
    for name in ("MUSTER_HISTORY", "MUSTER_KUBE_CONTEXT", "MUSTER_BACKUP_STORE", "MUSTER_BACKUP_RECIPIENTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MUSTER_BACKUP_KEY_FILE", str(tmp_path / "backup.key"))
    return tmp_path


def run(*said: str) -> Result:
    return CliRunner().invoke(commands, ["setup", *said], catch_exceptions=False)


def told(*said: str) -> dict[str, dict[str, str]]:
    """Each check's finding by its name."""
    return {check["name"]: check for check in json.loads(run("--json", *said).output)["checks"]}


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_what_is_missing_is_made_and_a_second_time_changes_nothing(project: Path) -> None:
    before = set(tree(project))
    assert told()["configuration"]["seen"] == "muster.env is written, with every setting as a comment"
    made = tree(project)
    assert set(made) - before == {"muster.env", "reports/history.sqlite"}
    assert (project / "muster.env").stat().st_mode & 0o777 == 0o600
    assert told()["configuration"]["seen"] == "muster.env: nothing is set yet"
    assert tree(project) == made


def test_with_plan_nothing_is_made(project: Path) -> None:
    before = tree(project)
    found = told("--plan")
    assert {found[name]["state"] for name in ("configuration", "store")} == {"unknown"}
    assert tree(project) == before


def test_each_thing_that_is_wrong_says_how_it_is_mended(project: Path) -> None:
    done = run()
    assert done.exit_code == 1
    assert "✗ channels      nobody would be told of P1 and P2\n" in done.output
    assert "                   MUSTER_NOTICES_ONCALL=...\n" in done.output
    assert "? cluster " in done.output
    assert "✓ the key " in done.output
    assert max(len(line) for line in done.output.splitlines() if str(project) not in line) <= 80
    assert done.output.endswith("Something is wrong: mend what is marked ✗, and run it again.\n")


def test_a_test_is_sent_to_each_channel_where_it_is_asked_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalReceiver() as there:
        monkeypatch.setenv("MUSTER_NOTICES_OPS", there.webhook)
        quiet = told()
        assert (quiet["channels"]["seen"], there.arrived) == ("P1: ops; P2: ops", [])
        loud = told("--send-test")
        assert loud["a notice"]["seen"] == "a test arrived by ops"
        assert len(there.arrived) == 1
        there.status = 500
        refused = told("--send-test")
    assert refused["a notice"]["state"] == "failed"
    assert "ops" in refused["a notice"]["seen"]


def test_a_key_that_opens_nothing_is_found(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_key(project / "other.key")
    monkeypatch.setenv("MUSTER_BACKUP_KEY_FILE", str(project / "other.key"))
    found = told()["the key"]
    assert found["state"] == "failed"
    assert "is not for the key in" in found["seen"]
    assert found["mend"].endswith("make one: muster backup key FILE")


def test_settings_that_are_not_loaded_or_that_others_may_read_are_found(project: Path) -> None:
    settings = project / "muster.env"
    settings.write_text("# mine\nMUSTER_NOTICES_TEAM=slack://SECRET\nMUSTER_HISTORY=\n")
    settings.chmod(0o600)
    found = told()["configuration"]
    assert found["seen"] == "MUSTER_NOTICES_TEAM stands in muster.env and not in the environment"
    assert found["mend"] == "quote what holds & or spaces, and load it: set -a; . ./muster.env; set +a"
    settings.chmod(0o644)
    assert told()["configuration"]["mend"] == "keep them out: chmod 600 muster.env"


def test_a_line_that_is_no_setting_is_named(project: Path) -> None:
    (project / "muster.env").write_text("# mine\nnonsense\n")
    (project / "muster.env").chmod(0o600)
    assert told()["configuration"]["seen"] == "muster.env, line 2, is neither a comment nor NAME=VALUE"


def test_settings_that_git_would_take_up_are_found(project: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    told()
    assert told()["configuration"]["mend"] == "ignore it: echo muster.env >> .gitignore"
    (project / ".gitignore").write_text("muster.env\n")
    assert told()["configuration"]["state"] == "fine"


def test_a_database_that_does_not_answer_is_not_called_one_that_is_to_be_made(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_HISTORY", "postgresql://me@127.0.0.1:1/none?password=SECRET")
    for said in ((), ("--plan",)):
        found = told(*said)["store"]
        assert found["state"] == "failed"
        assert "SECRET" not in found["seen"]


def test_what_was_not_tried_is_not_called_fine(project: Path) -> None:
    assert "a notice" not in told()
    assert not {"an incident", "a notice"} & told("--plan").keys()


def test_no_secret_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_NOTICES_TEAM", "slack://SECRETA/SECRETB/SECRETC")
    monkeypatch.setenv("MUSTER_NOTICES_ODD", "nonsense://user:SECRETD@host")
    monkeypatch.setenv("MUSTER_HISTORY", "postgresql://me:SECRETE@127.0.0.1:1/none")
    for said in ((), ("--json",)):
        assert "SECRET" not in run(*said).output


def test_a_system_yaml_that_is_wrong_is_one_finding_and_the_rest_is_looked_at(project: Path) -> None:
    (project / "systems/shop/system.yaml").write_text("schema: muster/system/v1\nname: shop\n")
    found = told()
    assert found["system"]["state"] == "failed"
    assert "system.yaml" in found["system"]["seen"]
    assert found["an incident"]["state"] == "fine"
