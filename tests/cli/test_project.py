"""The command line finds a project, and where it keeps its reports, as pytest does: from any folder of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from muster.base.errors import UsageError
from muster.cli.main import commands
from muster.cli.project import find_project
from muster.report import Summary
from muster.report.manifest import write_manifest

CONFIGURATIONS = {
    "pytest.ini": "[pytest]\n",
    ".pytest.ini": "[pytest]\n",
    "pyproject.toml": "[tool.pytest.ini_options]\n",
    "tox.ini": "[pytest]\n",
    "setup.cfg": "[tool:pytest]\n",
    "setup.py": "",
}


@pytest.mark.parametrize(("name", "text"), CONFIGURATIONS.items(), ids=CONFIGURATIONS.keys())
def test_a_project_is_where_its_configuration_is(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    folder = tmp_path / "drills" / "database"
    folder.mkdir(parents=True)
    found = find_project(folder)
    assert (found.root, found.reports) == (tmp_path, Path("../../reports"))
    assert found.history == "../../reports/history.sqlite"


def test_a_folder_without_configuration_is_a_project_of_its_own(tmp_path: Path) -> None:
    assert find_project(tmp_path).root == tmp_path


def test_what_pytest_is_told_by_its_configuration_and_the_environment_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q --reports=out --strict-markers\n")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    assert find_project(tmp_path).reports == Path("out")
    (tmp_path / "pytest.ini").unlink()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = ['--history', 'kept.sqlite']\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--reports 'of today'")
    found = find_project(tmp_path)
    assert (found.reports, found.history) == (Path("of today"), "kept.sqlite")


def test_a_configuration_that_pytest_cannot_read_is_no_reason_for_an_older_green(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest\naddopts")
    with pytest.raises(UsageError, match=r"pytest's configuration cannot be read: .*pytest\.ini"):
        find_project(tmp_path)


def test_the_verdict_is_found_from_a_folder_of_drills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    run = tmp_path / "reports" / "run"
    run.mkdir(parents=True)
    (tmp_path / "reports/latest").symlink_to("run")
    Summary(run, system="shop", cluster="embedded", evidence="rehearsal").finish()
    write_manifest(run)
    (tmp_path / "drills").mkdir()
    monkeypatch.chdir(tmp_path / "drills")
    for command in ("verdict", "summary"):
        assert "unknown: no drill ran (shop on embedded" in CliRunner().invoke(commands, [command]).output
