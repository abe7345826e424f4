"""A database is lost with its volumes, and comes back from its backup: with a real PostgreSQL."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.databases import Databases

from muster.backup import Base, Identities, Recipients, Store, restore
from muster.backup.keys import KEY_VARIABLE, make_key
from muster.backup.restore import RestoreBackup
from muster.backup.shipping import Shipped, Shipper
from muster.backup.store import BASE_FILE, OBJECTS_FILE, STORE_VARIABLE
from muster.backup.taking import take
from muster.backup.verifying import verify
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.safety import begun_procedures
from muster.steps import Context, Outcome, Procedure, Step, run


class Answering:
    """A service that is well, where there is none."""

    def __init__(self, context: Context) -> None:
        pass

    def unread(self) -> str:
        return ""

    def unwritten(self) -> str:
        return ""


class CutError(Exception):
    """What ends a procedure in its middle, as a kill would."""


class RestoreUntil(RestoreBackup):
    """The procedure, which is cut when a step was done."""

    def __init__(self, step: str) -> None:
        self._step = step

    def steps(self, context: Context) -> Iterator[Step]:
        for step in super().steps(context):
            yield replace(step, verify=self._cut) if step.name == self._step else step

    def _cut(self) -> bool:
        raise CutError


@dataclass
class BackedUp:
    """The databases with a store of their own."""

    databases: Databases
    store: Store
    recipients: Recipients
    key: Path

    def take(self) -> Base:
        databases = self.databases
        return take(
            databases.cluster, databases.system, self.store, self.recipients, audit=databases.context.audit, say=print
        )

    def ship(self) -> Shipped:
        return Shipper(self.databases.cluster, self.databases.system, self.store, self.recipients).turn()

    def lose_all(self) -> None:
        namespace = self.databases.system.namespace
        for instance in ("db-a", "db-b"):
            self.databases.lose(instance)
            claim = f"data-{instance}-0"
            self.databases.cluster.delete("PersistentVolumeClaim", claim, namespace)
            gone = lambda claim=claim: self.databases.cluster.find("PersistentVolumeClaim", claim, namespace) is None  # noqa: E731
            wait_for(gone, within=60, reason=f"{claim} to be gone")

    def restore(self, procedure: Procedure | None = None, **arguments: str) -> Outcome:
        return run(procedure or RestoreBackup(), replace(self.databases.context, arguments=arguments))


@pytest.fixture
def backed_up(cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackedUp:
    databases = Databases(cluster, namespace, tmp_path)
    databases.deploy()
    key = tmp_path / "key"
    recipients = Recipients((make_key(key),))
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    monkeypatch.setenv(KEY_VARIABLE, str(key))
    monkeypatch.setattr(restore, "Service", Answering)
    return BackedUp(databases, Store(tmp_path / "store", databases.system.name), recipients, key)


def test_what_was_shipped_comes_back_and_what_was_not_is_lost(backed_up: BackedUp, tmp_path: Path) -> None:
    databases = backed_up.databases
    databases.write("db-a", "1 in the base")
    base = backed_up.take()
    assert base.rows is not None
    assert base.rows["enhancer.public.kept"] == (1, 1)
    databases.write("db-a", "2 shipped")
    first = backed_up.ship()
    databases.write("db-a", "3 shipped later")
    backed_up.ship()
    databases.write("db-a", "4 never shipped")

    found = verify(
        databases.cluster, databases.system, backed_up.store, base, key=backed_up.key,
        audit=databases.context.audit, say=print,
    )  # fmt: skip
    assert (found.ok, found.why, found.rows["enhancer.public.kept"]) == (True, "", 1)
    assert databases.cluster.list("Pod", databases.system.namespace, labels="muster.dev/scratch") == []

    backed_up.lose_all()
    outcome = backed_up.restore()
    assert outcome.ok, outcome.why
    assert databases.kept("db-a") == databases.kept("db-b") == ["1 in the base", "2 shipped", "3 shipped later"]
    assert databases.state.primaries() == ["db-a"]
    assert backed_up.restore().steps[0].state == "skipped"

    # A database that is well is not replaced unless that is said, and what it held is kept.
    refused = backed_up.restore(to=first.until)
    assert not refused.ok
    assert "would be replaced; right would be replace=yes" in refused.why
    outcome = backed_up.restore(to=first.until, replace="yes")
    assert outcome.ok, outcome.why
    assert databases.kept("db-a") == databases.kept("db-b") == ["1 in the base", "2 shipped"]
    said = next(step.detail for step in outcome.steps if step.name == "replay into the primary's volume")
    aside = said.rpartition("kept in ")[2]
    look = ["sh", "-c", f"test -e {aside}/PG_VERSION"]
    assert databases.cluster.execute("db-a-0", databases.system.namespace, look).code == 0

    # A follower goes on from there, along the new history.
    databases.write("db-a", "5 after the restore")
    assert not backed_up.ship().gap
    backed_up.lose_all()
    outcome = backed_up.restore()
    assert outcome.ok, outcome.why
    assert databases.kept("db-b") == ["1 in the base", "2 shipped", "5 after the restore"]

    content = opened(backed_up, base, BASE_FILE, tmp_path)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert "PG_VERSION" in archive.getnames()
    objects = gzip.decompress(opened(backed_up, base, OBJECTS_FILE, tmp_path)).decode()
    assert '"db-topology"' in objects


def opened(backed_up: BackedUp, base: Base, name: str, directory: Path) -> bytes:
    """What is in a file of the store: opened by the `age` program, where there is one."""
    path = backed_up.store.path(base, name)
    if shutil.which("age"):
        return subprocess.run(
            ["age", "--decrypt", "--identity", backed_up.key, path], capture_output=True, check=True
        ).stdout
    content = io.BytesIO()
    with path.open("rb") as file:
        Identities(backed_up.key).decrypt(file, content, name)
    return content.getvalue()


def test_a_backup_of_one_instance_becomes_another_which_does_not_wait_for_itself(backed_up: BackedUp) -> None:
    databases = backed_up.databases
    databases.write("db-a", "kept")
    backed_up.take()
    databases.lose("db-a")
    assert databases.promote().ok
    backed_up.lose_all()
    outcome = backed_up.restore()
    assert outcome.ok, outcome.why
    assert databases.state.primaries() == ["db-b"]
    assert databases.state.query("db-b", "show synchronous_standby_names") == '"db-a"'
    databases.write("db-b", "written since")
    assert databases.kept("db-a") == ["kept", "written since"]


def test_one_that_was_cut_goes_on_and_nothing_is_done_twice(backed_up: BackedUp) -> None:
    databases = backed_up.databases
    databases.write("db-a", "kept")
    backed_up.take()
    steps = [
        "stop the databases",
        "replay into the primary's volume",
        "set the others' data aside",
        "start the primary",
    ]
    for step in steps:
        with pytest.raises(CutError):
            backed_up.restore(RestoreUntil(step), replace="yes", to="latest")
        # Whoever comes next need not know what was asked for: the record's own command has it.
        (record,) = begun_procedures(databases.cluster, databases.system.namespace)
        assert record.step == step
        assert len(databases.state.primaries()) <= 1
        outcome = backed_up.restore(None, **record.arguments)
        assert outcome.ok, outcome.why
        assert databases.kept("db-a") == databases.kept("db-b") == ["kept"]
        held = databases.cluster.execute(
            "db-a-0", databases.system.namespace, ["sh", "-c", "ls -d $PGDATA.before-* | wc -l"]
        )
        assert int(held.stdout) == steps.index(step) + 1, "each restore sets aside what was there once"
        assert begun_procedures(databases.cluster, databases.system.namespace) == []
