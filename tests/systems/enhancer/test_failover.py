"""The databases and the API when a database goes: nothing acknowledged is lost, and never two primaries."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from enhancer_support.block import Block
from enhancer_support.databases import Pair
from enhancer_support.programs import Program, Service
from enhancer_support.waiting import until

SYSTEM = Path(__file__).parents[3] / "systems" / "enhancer"


@pytest.fixture
def pair(block: Block, tmp_path: Path) -> Iterator[Pair]:
    """A pair of this test's own, to break."""
    with Pair(block, tmp_path, SYSTEM) as databases:
        yield databases


@pytest.fixture
def db(pair: Pair, block: Block) -> Iterator[Service]:
    """The Service `db` of this test's own pair."""
    with Service(block.address()) as service:
        service.target = pair.a.address
        yield service


def stored(url: str, workflow: str, payload: object = None) -> httpx.Response:
    """Hand in a workflow."""
    return httpx.post(f"{url}/workflows", json={"id": workflow, "title": "t", "payload": payload}, timeout=30)


def wait_stored(url: str, workflow: str) -> None:
    """Hand in a workflow until it is acknowledged, as a client would; a repeated request is answered with 200."""
    until(f"{workflow} acknowledged", lambda: stored(url, workflow).status_code in {200, 201})


def test_a_commit_that_no_standby_confirmed_is_not_acknowledged(
    pair: Pair, db: Service, program: Callable[..., Program]
) -> None:
    api = program("api", request_limit_s=0.6).wait_ready()
    wait_stored(api.url, "before")
    pair.b.kill()

    answer = stored(api.url, "alone")

    assert (answer.status_code, answer.json()["error"]) == (503, "indeterminate")
    assert "retry-after" not in answer.headers
    assert httpx.get(f"{api.url}/workflows/before").status_code == 200, "reading needs no standby"
    # It is there on the primary, unconfirmed: asking again must not pass it for stored.
    assert stored(api.url, "alone").status_code == 503
    pair.b.start()
    pair.wait_synchronous(pair.a)
    until("the workflow confirmed", lambda: stored(api.url, "alone").status_code == 200)
    assert pair.b.sql("select count(*) from workflows where id = 'alone'") == "1"


def test_a_commit_whose_wait_was_cancelled_is_not_acknowledged(
    pair: Pair, db: Service, program: Callable[..., Program]
) -> None:
    """PostgreSQL reports such a commit as a success, with a warning."""
    api = program("api", request_limit_s=30).wait_ready()
    pair.b.kill()
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(stored, api.url, "cancelled")
        cancel = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"
        until("the wait cancelled", lambda: pair.a.sql(cancel))

    assert (answer.result().status_code, answer.result().json()["error"]) == (503, "indeterminate")
    assert "the standby did not confirm" in answer.result().json()["detail"]
    assert pair.a.sql("select count(*) from workflows where id = 'cancelled'") == "1", "it was committed locally"


def test_losing_the_primary_loses_no_acknowledged_workflow(
    pair: Pair, db: Service, program: Callable[..., Program]
) -> None:
    api = program("api", request_limit_s=6, unready_after_s=0.5).wait_ready()
    acknowledged = [f"kept-{n}" for n in range(50) if stored(api.url, f"kept-{n}", n).status_code == 201]
    assert len(acknowledged) == 50
    pair.a.kill()
    assert stored(api.url, "lost").status_code == 503
    until("the pod not ready", lambda: api.probe("/readyz") == 503)

    pair.name_primary("db-b")
    assert pair.b.promote() == "db-b is primary on timeline 2"
    db.target = pair.b.address

    wait_stored(api.url, "after")
    for workflow in acknowledged:
        found = httpx.get(f"{api.url}/workflows/{workflow}").json()
        assert (found["id"], found["payload"]) == (workflow, int(workflow.split("-")[1]))
    assert httpx.get(f"{api.url}/status").json()["database"]["instance"] == "db-b"
    assert pair.b.promote() == "db-b is primary on timeline 2", "doing it again must change nothing"

    # The old primary rejoins, rebuilt; from then on commits wait for it, and it can be promoted in its turn.
    pair.a.start()
    pair.wait_synchronous(pair.b)
    assert pair.a.logged("rebuilding from db-b")
    assert pair.a.sql("select pg_is_in_recovery()") == "t"
    wait_stored(api.url, "both")
    assert pair.a.sql("select count(*) from workflows where id = 'both'") == "1"


def test_a_primary_whose_successor_was_promoted_stops_and_does_not_come_back(
    pair: Pair, db: Service, program: Callable[..., Program]
) -> None:
    primary, standby = pair.a, pair.b
    api = program("api", request_limit_s=0.6).wait_ready()
    # The mounted copy of the topology that the old primary sees is not refreshed yet.
    pair.name_primary(standby.name, seen_by=(standby,))
    standby.promote()

    assert stored(api.url, "split").status_code == 503, "the old primary must not acknowledge"
    until("the old primary stopped", primary.exited)
    primary.start()
    until("the old primary refused to start", primary.exited)
    assert primary.logged("refusing to be a second primary")

    pair.name_primary(standby.name)
    db.target = standby.address
    primary.start()
    pair.wait_synchronous(standby)
    wait_stored(api.url, "one-again")


def test_an_empty_volume_does_not_become_a_primary_beside_data(pair: Pair) -> None:
    pair.a.kill(signal.SIGINT)
    pair.a.volume.rename(pair.a.volume.with_suffix(".aside"))
    pair.a.volume.mkdir()

    pair.a.start()

    until("the empty volume refused", pair.a.exited)
    assert pair.a.logged("refusing to create an empty database: db-b has data")


def test_a_standby_does_not_give_up_a_newer_history(pair: Pair) -> None:
    pair.b.promote()  # by mistake: db-topology still names db-a
    pair.b.kill(signal.SIGINT)

    pair.b.start()

    until("the newer history kept", lambda: pair.b.logged("this volume holds a newer history than db-a"))
    assert not pair.b.exited()
    assert (pair.b.volume / "data" / "PG_VERSION").exists()


def test_nothing_is_acknowledged_before_there_is_a_standby(
    block: Block, tmp_path: Path, program: Callable[..., Program], db: Service
) -> None:
    (tmp_path / "second").mkdir()
    young = Pair(block, tmp_path / "second", SYSTEM)
    try:
        young.a.start()
        until("the first database up", lambda: young.a.answers("select 1"))
        db.target = young.a.address
        api = program("api", request_limit_s=0.5)
        until("the program up", lambda: api.probe("/healthz") == 200)
        until("connected", lambda: "schema" in httpx.get(f"{api.url}/readyz").text)
        assert stored(api.url, "early").status_code == 503
        young.b.start()
        api.wait_ready()
        wait_stored(api.url, "early")
        assert young.b.sql("select count(*) from workflows where id = 'early'") == "1"
    finally:
        young.a.end()
        young.b.end()


def test_a_primary_that_hangs_is_left_behind_and_stops_when_it_wakes(
    pair: Pair, db: Service, program: Callable[..., Program]
) -> None:
    api = program("api", request_limit_s=0.6).wait_ready()
    pair.a.freeze()
    assert stored(api.url, "silence").status_code == 503, "it must be answered although the database is silent"

    pair.name_primary("db-b")
    pair.b.promote()
    db.target = pair.b.address
    wait_stored(api.url, "after")

    pair.a.thaw()
    until("the old primary stopped", pair.a.exited)


def test_replication_that_was_made_asynchronous_loses_what_the_standby_lacks(
    block: Block, tmp_path: Path, program: Callable[..., Program], db: Service
) -> None:
    """What drills sabotage: were this test to fail, they could not prove that they notice a loss."""
    (tmp_path / "second").mkdir()
    with Pair(block, tmp_path / "second", SYSTEM, "asynchronous") as weak:
        db.target = weak.a.address
        api = program("api").wait_ready()
        weak.b.sql("alter system set primary_conninfo = ''")
        weak.b.sql("select pg_reload_conf()")
        until("the standby held back", lambda: weak.b.sql("select count(*) from pg_stat_wal_receiver") == "0")
        wait_stored(api.url, "doomed")
        weak.a.kill()

        weak.name_primary("db-b")
        weak.b.promote()
        db.target = weak.b.address

        wait_stored(api.url, "after")
        assert httpx.get(f"{api.url}/workflows/doomed").status_code == 404
