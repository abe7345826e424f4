"""`muster backup list`, `prune` and `restore --plan` need no cluster, and tell what there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from muster.backup import Store, Verification
from muster.backup.keys import KEY_VARIABLE, make_key
from muster.backup.store import STORE_VARIABLE, VERIFIED
from muster.cli.main import commands
from muster.schemas import DIRECTORY

from .made import START, at, base

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = str(ROOT / "systems/enhancer")


def muster(*arguments: str) -> Result:
    return CliRunner().invoke(commands, [*arguments, "--system", SYSTEM])


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    found = Store(tmp_path / "store", "enhancer")
    for ended in (10, 20):
        with found.begin(f"base-{ended}"):
            found.end(base(ended, ended))
    verification = Verification(at=at(30), ok=True, why="", took_s=1.5, rows={"a.b.c": 1})
    found.keep_verification(found.base("base-10"), verification)
    return found


def valid(name: str, content: object) -> bool:
    return bool(Draft202012Validator(json.loads((DIRECTORY / name).read_text())).is_valid(content))


def test_the_list_tells_which_were_verified_and_to_which_moment_they_lead(store: Store) -> None:
    said = muster("backup", "list").output.splitlines()
    assert [line.split()[0] for line in said[:2]] == ["base-10", "base-20"]
    assert "verified 2026-03-01T00:00" in said[0]
    assert "never verified" in said[1]
    assert said[2] == f"the archive leads to {at(20)}"
    listed = json.loads(muster("backup", "list", "--json").output)
    assert valid("backups-v1.json", listed)
    assert [one["verified"] is not None for one in listed["backups"]] == [True, False]


def test_what_lies_in_the_store_is_as_its_schemas_say(store: Store) -> None:
    folder = store.directory / "bases" / "base-10"
    assert valid("backup-v1.json", json.loads((folder / "manifest.json").read_text()))
    assert valid("backup-verification-v1.json", json.loads((folder / VERIFIED).read_text()))


def test_pruning_says_what_would_go_and_then_lets_it_go(store: Store) -> None:
    for ended in (30, 40, 50):
        with store.begin(f"base-{ended}"):
            store.end(base(ended, ended))
    assert "would delete base-20 and 0 segments; 4 backups are kept" in muster("backup", "prune", "--plan").output
    assert len(store.bases()) == 5
    assert "deleted base-20" in muster("backup", "prune").output
    assert [one.id for one in store.bases()] == ["base-10", "base-30", "base-40", "base-50"]


def test_the_plan_of_a_restore_names_the_backup_and_the_moment(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(tmp_path / "key")
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key"))
    said = muster("restore", "--plan", "--to", "2026-03-01T00:00:15Z")
    assert said.exit_code != 0
    assert f"the archive leads to {at(10)}, not to {START:%Y-%m-%dT}00:00:15Z" in str(said.exception)
    said = muster("restore", "--plan")
    assert f"bring them back as of {at(20)}, from backup base-20 (never verified)" in said.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["restore", "--to", "yesterday"], "'yesterday' is no time"),
        (["restore"], "no key is named that opens backups"),
        (["backup", "verify", "nothing"], "there is no backup 'nothing' of enhancer"),
        (["backup"], "nobody is named who could open a backup"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_asked(store: Store, arguments: list[str], said: str) -> None:
    done = muster(*arguments)
    assert done.exit_code != 0
    assert said in str(done.exception)
