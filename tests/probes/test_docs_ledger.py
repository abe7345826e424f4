"""The examples of docs/ledger.md, run: a service over HTTP, a table of PostgreSQL, a queue."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from tests.history.test_postgres import server  # noqa: F401 - a fixture
from tests.probes.catalogue import Catalogue
from tests.probes.queue_server import QueueServer
from tests.probes.service import Service, system_of
from tests.probes.watching import count, requests, wait_until, writes

from muster.base.lifeline import descendants
from muster.base.timeline import Event, read_timeline
from muster.probes.ledger.cleaning import clean_up
from muster.probes.ledger.read_back import ReadBack, read_back
from muster.probes.prober.process import Prober
from muster.system.definition import LedgerSpec, PythonLedgerSpec, SystemDefinition

DOCUMENT = Path(__file__).parents[2] / "docs" / "ledger.md"


def example(name: str) -> str:
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found, f"docs/ledger.md must have an example '{name}'"
    return found[1]


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Callable[..., SystemDefinition]]:
    """A system whose ledger is a class of an example that lies beside system.yaml."""
    modules = []

    def make(name: str, class_name: str, **options: Any) -> SystemDefinition:
        module = f"example_{name}_{abs(hash(str(tmp_path))) % 10**8}"
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(example(name))
        spec = {"python": f"{module}:{class_name}", "every_s": 0.03, "limit_s": 1.0, "options": options}
        system = system_of().model_copy(update={"ledger": PythonLedgerSpec.model_validate(spec)})
        system._path = tmp_path / "system.yaml"
        return system

    yield make
    for module in modules:
        sys.modules.pop(module, None)
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]


def ok(times: int, **wanted: object) -> Callable[[list[Event]], bool]:
    return lambda seen: count(seen, name="write", outcome="ok", **wanted) >= times


def threads_of(prober: Prober) -> int:
    [pid, *_] = descendants(prober._child.pid)
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("Threads:")[2].split()[0])


def look(system: SystemDefinition, url: str, timeline: Path) -> tuple[ReadBack, tuple[int, int]]:
    """What is found of the writes, and how many of them were removed and left."""
    result = read_back(system, url, timeline, within_s=2)
    clean_up(system, url, timeline)
    [cleaned] = [event for event in read_timeline(timeline) if event["kind"] == "cleaned"]
    return result, (cleaned["removed"], cleaned["left"])


def test_the_example_over_http(timeline: Path) -> None:
    spec = LedgerSpec.model_validate(yaml.safe_load(example("http"))["ledger"])
    system = system_of().model_copy(update={"ledger": spec})
    with Catalogue() as service:
        with Prober.start(system, service.url, timeline, timeline.parent):
            wait_until(timeline, ok(6), "writes")
        written = len(writes(timeline))
        assert len(service.store) >= 6
        result, (removed, left) = look(system, service.url, timeline)
        assert service.store == {}
    assert dict(result.acknowledged) == {"same": written}
    assert (removed, left) == (written, 0)


def test_the_example_of_a_table(
    timeline: Path,
    beside: Callable[..., SystemDefinition],
    server: str,  # noqa: F811
) -> None:
    address = f"host={server} user=postgres dbname=postgres"
    system = beside("postgresql", "Table", database=address)
    with Service() as service, psycopg.connect(address, autocommit=True) as admin:
        admin.execute("create table muster_ledger (id text, content text)")
        with Prober.start(system, service.url, timeline, timeline.parent):
            wait_until(timeline, ok(3, conn="kept"), "writes over kept connections")
            wait_until(timeline, ok(3, conn="new"), "writes over new connections")
            admin.execute("alter system set default_transaction_read_only = on")
            admin.execute("select pg_reload_conf()")
            wait_until(timeline, lambda seen: count(seen, kind="write", outcome="refused") >= 2, "a standby's refusals")
            admin.execute("alter system reset default_transaction_read_only")
            admin.execute("select pg_reload_conf()")
            wait_until(timeline, lambda seen: count(seen[-4:], name="write", outcome="ok") >= 2, "writes again")
        admin.execute("set default_transaction_read_only = off")
        first, second, third = [e["id"] for e in writes(timeline) if e["outcome"] == "acknowledged"][:3]
        admin.execute("delete from muster_ledger where id = %s", (first,))
        admin.execute("update muster_ledger set content = 'else' where id = %s", (second,))
        admin.execute("insert into muster_ledger select * from muster_ledger where id = %s", (third,))
        admin.execute("insert into muster_ledger values ('theirs', 'theirs')")
        result, (_, left) = look(system, service.url, timeline)
        assert admin.execute("select id from muster_ledger").fetchall() == [("theirs",)]
    assert (result.lost, result.altered, result.duplicated) == ([first], [second], [third])
    assert left == 0


def test_the_example_of_a_queue(timeline: Path, beside: Callable[..., SystemDefinition]) -> None:
    def told(outcome: str, times: int, kind: str = "request") -> Callable[[list[Event]], bool]:
        return lambda seen: (
            sum(e["kind"] == kind and e["outcome"] == outcome and e.get("name", "write") == "write" for e in seen)
            >= times
        )

    with Service() as service, QueueServer() as queue:
        system = beside("queue", "Queue", host="127.0.0.1", port=queue.port)
        with Prober.start(system, service.url, timeline, timeline.parent):
            wait_until(timeline, ok(4), "messages")
            queue.full = True
            wait_until(timeline, told("refused", 2, "write"), "messages that are refused")
            queue.full, queue.dead = False, True
            wait_until(timeline, told("reset", 2), "connections that break")
            queue.dead, queue.forgetful = False, True
            wait_until(timeline, told("wrong", 2), "messages that are acknowledged and not kept")
            queue.forgetful = False
        lost = [e["id"] for e in writes(timeline) if e["outcome"] == "acknowledged" and e["id"] not in queue.kept]
        result, (_, left) = look(system, service.url, timeline)
        assert dict(queue.kept) == {}
    assert result.lost == lost
    assert len(lost) >= 2
    assert left == 0
    assert result.unread == []


def test_a_queue_that_hangs_neither_stops_the_prober_nor_gathers_threads(
    timeline: Path, beside: Callable[..., SystemDefinition]
) -> None:
    with Service() as service, QueueServer() as queue:
        system = beside("queue", "Queue", host="127.0.0.1", port=queue.port)
        quick = system.ledger.model_copy(update={"limit_s": 0.3})
        changed = system.model_copy(update={"ledger": quick})
        with Prober.start(changed, service.url, timeline, timeline.parent) as prober:
            wait_until(timeline, ok(4), "messages")
            queue.flowing.clear()
            wait_until(timeline, lambda seen: count(seen, name="write", outcome="timeout") >= 50, "50 timeouts")
            assert 32 <= threads_of(prober) < 45, "50 calls hung, and nothing can end one"
            reads = len(requests(timeline, "read"))
            wait_until(timeline, lambda seen: count(seen, name="read", outcome="ok") > reads + 5, "reads to go on")
            queue.flowing.set()
            wait_until(timeline, lambda seen: count(seen[-6:], name="write", outcome="ok") >= 2, "messages again")
    never = [e for e in writes(timeline) if e["outcome"] == "refused"]
    assert never, "what found no thread was certainly not written"
    assert not {e["id"] for e in never} & set(queue.kept)
