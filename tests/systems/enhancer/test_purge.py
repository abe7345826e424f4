"""What drills wrote is deleted by the prefix of its ids, with all that belongs to it, and nothing else is."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from enhancer_support.databases import Pair
from enhancer_support.programs import Program, Service
from enhancer_support.waiting import until

SYSTEM = Path(__file__).resolve().parents[3] / "systems" / "enhancer"

NOWHERE = "127.0.0.9"  # nobody listens there


def purge(address: str, *prefixes: str) -> subprocess.CompletedProcess[str]:
    """Run the program as `kubectl exec` in an API pod does."""
    environment = {**os.environ, "PYTHONPATH": str(SYSTEM), "DB_SERVICE_HOST": address, "DB_PASSWORD": "secret"}
    command = [sys.executable, "-m", "enhancer", "purge", *prefixes]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_what_begins_so_is_deleted_with_its_phases_and_its_place_in_the_queue(
    program: Callable[..., Program], pair: Pair, db: Service
) -> None:
    api = program("api").wait_ready()
    program("agents", idle_poll_s=0.05, batch_s=0.01, heartbeat_s=0.2, agent_expiry_s=1.0).wait_ready()
    names = ["muster-a-1", "muster-a-2", "load-b-1", "order-muster-1", "loader"]
    for name in names:
        httpx.post(f"{api.url}/workflows", json={"id": name, "title": "t"}).raise_for_status()
    until("all done", lambda: pair.a.sql("select count(*) from queue") == "0")
    api.kill()  # what is created while nobody works stays in the queue
    pair.a.sql("insert into workflows (id, content, digest) values ('muster-a-3', '{}', '')")
    pair.a.sql("insert into queue (workflow, due) values ('muster-a-3', now() + interval '1 hour')")

    done = purge(db.address, "muster-", "load-")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "removed 3 workflows whose ids begin with muster-",
        "removed 1 workflows whose ids begin with load-",
    ]
    assert pair.a.sql("select string_agg(id, ' ' order by id) from workflows") == "loader order-muster-1"
    assert pair.a.sql("select string_agg(distinct workflow, ' ' order by workflow) from phases") == (
        "loader order-muster-1"
    )
    assert pair.a.sql("select count(*) from queue") == "0"
    assert purge(db.address, "muster-").stdout == "removed 0 workflows whose ids begin with muster-\n"


@pytest.mark.parametrize("prefixes", [(), ("",), ("a",), ("mus",), ("%%%%%",), ("muster-", "")])
def test_what_would_delete_too_much_is_refused(prefixes: tuple[str, ...]) -> None:
    done = purge(NOWHERE, *prefixes)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m enhancer purge PREFIX...")


def test_without_a_database_it_says_so() -> None:
    done = purge(NOWHERE, "muster-")
    assert done.returncode == 1
    assert done.stderr.startswith("enhancer: not all could be removed, run it again: ")
