"""A backup comes before a release, and is restored once before anything is changed: with a real PostgreSQL."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rbac.files import RELEASES, read_roles
from rbac.releases import BACKUP, DATABASE, way_role
from rbac.roles import rights_in, used
from rbac.stage import admit
from tests.databases import DATABASE as OF_DATABASE
from tests.databases import ROOT
from torture.releasing import Stage, staged

from muster.backup import Store
from muster.backup.keys import KEY_VARIABLE, RECIPIENTS_VARIABLE, make_key
from muster.backup.scratch import SCRATCH_LABEL
from muster.backup.store import STORE_VARIABLE
from muster.base.waiting import wait_for
from muster.kube import read_calls
from muster.safety.locks import PROCEDURE_NAME
from muster.system.manifests import read_manifests

from . import shop

ENHANCER = ROOT / "systems" / "enhancer"
KEEPS_RECORD = {"leases", "configmaps"}


def with_database(home: Path) -> None:
    """Give the shop the reference system's databases."""
    path, reference = home / "system.yaml", yaml.safe_load((ENHANCER / "system.yaml").read_text())
    told = path.read_text().replace("ready_within_s: 30", "ready_within_s: 90")
    path.write_text(told + yaml.safe_dump({"database": reference["database"]}))
    items = [item for item in read_manifests(ENHANCER / "manifests") if item["metadata"]["name"] in OF_DATABASE]
    (home / "manifests" / "database.yaml").write_text(yaml.safe_dump_all(items))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Path]]:
    root, log = tmp_path_factory.mktemp("shop"), tmp_path_factory.mktemp("log") / "audit.jsonl"
    with staged(root, "httproute", audit=log, change=with_database) as found:
        yield found, log


@pytest.fixture
def stage(place: tuple[Stage, Path], tmp_path: Path) -> Iterator[Stage]:
    """The shop as it was deployed, with a store and a key of the test's own."""
    found, _ = place
    found.put_back()
    recipient = make_key(tmp_path / "key")
    found.more = {
        STORE_VARIABLE: str(tmp_path / "store"),
        RECIPIENTS_VARIABLE: recipient,
        KEY_VARIABLE: str(tmp_path / "key"),
    }
    yield found
    if (left := found.release) is not None and not left.is_over:
        found.muster("rollback", "-f", "-r", "the test is over")


def store_of(stage: Stage) -> Store:
    return Store(Path(stage.more[STORE_VARIABLE]), "shop")


def migrating(stage: Stage) -> str:
    release = stage.new()
    shop.migrating(stage.root / release, backward_compatible=True)
    return release


def code_of(done: Any, code: int) -> str:
    assert done.returncode == code, done.stdout
    return str(done.stdout)


def test_it_is_taken_and_verified_before_anything_is_changed(stage: Stage, place: tuple[Stage, Path]) -> None:
    roles = [read_roles(RELEASES)[name] for name in (way_role("httproute"), DATABASE, BACKUP)]
    kept = stage.kubeconfig, stage.context
    stage.kubeconfig, stage.context = admit(stage.cluster, "shop", "keeper", roles, stage.root), "keeper"
    try:
        said = code_of(stage.muster("deploy", migrating(stage), "pre"), 0)
    finally:
        stage.kubeconfig, stage.context = kept

    (base,) = store_of(stage).bases()
    seen = store_of(stage).verification(base)
    assert seen is not None and seen.ok
    assert f"took backup {base.id}, and restored it once to see that it is whole" in said
    found = stage.release
    assert found is not None and found.backup == base.id

    calls = [call for call in read_calls(place[1]) if call.user == "system:serviceaccount:shop:keeper"]
    began = next(number for number, call in enumerate(calls) if call.subresource == "exec")  # trials are over by then
    before = calls[began : next(number for number, call in enumerate(calls) if call.writes and call.resource == "jobs")]
    changed = [call for call in before if call.writes and call.resource not in KEEPS_RECORD and call.code < 400]
    assert {call.resource for call in changed} == {"pods"}, "but for the scratch instance nothing is made"
    assert [call.verb for call in changed if not call.subresource] == ["create", "delete"], "which is gone by then"
    assert not rights_in(roles[2]) - used(before, "shop"), "rights that were never used"


def test_one_that_cannot_be_verified_stops_the_release(stage: Stage, tmp_path: Path) -> None:
    before = stage.objects()
    make_key(tmp_path / "another")
    stage.more[KEY_VARIABLE] = str(tmp_path / "another")
    said = code_of(stage.muster("deploy", migrating(stage)), 1)
    (base,) = store_of(stage).bases()
    (why,) = [line for line in said.splitlines() if line.startswith("why: ")]
    assert f"backup {base.id} was taken and is not whole: " in why
    assert "release 2 of shop: ROLLED BACK" in said
    assert "started Job" not in said
    assert stage.objects() == before


def test_without_a_key_one_that_was_verified_lately_is_wanted_where_the_database_is_changed(stage: Stage) -> None:
    key = stage.more.pop(KEY_VARIABLE)
    said = code_of(stage.muster("deploy", migrating(stage)), 1)
    assert "no backup of shop was verified lately; right would be 'muster backup verify'" in said
    assert "started Job" not in said
    assert "none was verified lately" in code_of(stage.muster("deploy", stage.new(), "pre"), 0)
    code_of(stage.muster("rollback", "-f", "-r", "the next one"), 0)

    code_of(stage.muster("backup", "verify", "--key", key), 0)
    newest = store_of(stage).bases()[-1].id
    assert f"the newest that was verified is {newest}" in code_of(stage.muster("deploy", migrating(stage), "pre"), 0)


def test_whoever_goes_on_verifies_what_was_taken(stage: Stage) -> None:
    release = migrating(stage)
    with stage.begun("deploy", release, "pre") as coordinator:
        wait_for(lambda: scratch(stage), within=60, every=0.02, reason="a backup to be verified")
        assert stage.cluster.find("Lease", PROCEDURE_NAME, "shop") is None, "a recovery may begin meanwhile"
        coordinator.send_signal(signal.SIGKILL)
        coordinator.wait()
    (base,) = store_of(stage).bases()
    assert store_of(stage).verification(base) is None
    said = code_of(stage.muster("deploy", release, "pre"), 0)
    assert f"took backup {base.id}, and restored it once" in said
    assert [one.id for one in store_of(stage).bases()] == [base.id]
    assert not scratch(stage)


def scratch(stage: Stage) -> bool:
    return bool(stage.cluster.list("Pod", "shop", labels=SCRATCH_LABEL))
