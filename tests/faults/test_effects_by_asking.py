"""What an HTTP answer, a database or a Prometheus tells is an effect where it is as wanted, and was not before."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import TypeAdapter, ValidationError

from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.faults.effects import Effect, Observer, build_observer, check_observable, queries
from muster.kube import Cluster
from muster.system import SystemDefinition, read_system

EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
SYSTEM = Path(__file__).resolve().parents[2] / "systems/enhancer"
NOBODY = cast("Cluster", None)


class Server(ThreadingHTTPServer):
    """Answers as it is told."""

    daemon_threads = True
    status, body, headers, wait_s = 200, "{}", {"X-Version": "1"}, 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = cast("Server", self.server)
        time.sleep(server.wait_s)
        self.send_response(server.status)
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(server.body.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def observer(url: str = "", system: SystemDefinition | None = None, **effect: Any) -> Observer:
    return build_observer(EFFECT.validate_python(effect), NOBODY, "shop", url, system)


@pytest.mark.parametrize(
    ("effect", "change"),
    [
        ({"status": [503]}, {"status": 503}),
        ({"not_status": [200]}, {"status": 404}),
        ({"contains": "maintenance"}, {"body": "under maintenance"}),
        ({"lacks": "{"}, {"body": "nothing"}),
        ({"field": {"path": "queue.length", "above": 10}}, {"body": '{"queue": {"length": 11}}'}),
        ({"field": {"path": "queue", "changed": True}}, {"body": '{"queue": 1}'}),
        ({"header": {"name": "x-version", "equals": 2}}, {"headers": {"X-Version": "2"}}),
        ({"header": {"name": "x-version", "changed": True}}, {"headers": {}}),
        ({"slower_than_s": 0.5, "limit_s": 9}, {"wait_s": 0.6}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_an_answer_is_seen_to_be_another(server: Server, effect: dict[str, Any], change: dict[str, Any]) -> None:
    seen = observer(server.url, kind="http", **effect)
    assert not seen.look().observed
    for name, value in change.items():
        setattr(server, name, value)
    assert seen.look().observed, seen.look().evidence


def test_no_answer_is_seen_where_nobody_answers(server: Server) -> None:
    seen = observer(server.url, kind="http", no_answer=True)
    assert not seen.look().observed
    server.socket.close()
    server.server_close()
    assert seen.look().observed
    assert "no answer (" in seen.look().evidence


@pytest.mark.parametrize("effect", [{"status": [200]}, {"not_status": [503]}, {"lacks": "no such"}, {"contains": "{"}])
def test_an_answer_that_was_so_before_is_no_effect(server: Server, effect: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="before anything was injected"):
        observer(server.url, kind="http", **effect)


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        ({}, "right would be one of status"),
        ({"status": [503], "no_answer": True}, "right would be one of status"),
        ({"status": []}, "at least 1 item"),
        ({"status": [503], "service": "db"}, "'service' and 'port' belong together"),
        ({"slower_than_s": 2}, "'slower_than_s' must be below 'limit_s'"),
        ({"status": [503], "method": "POST"}, "'GET', 'HEAD' or 'OPTIONS'"),
    ],
)
def test_an_effect_of_http_that_cannot_be_meant_so_is_refused(effect: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EFFECT.validate_python({"kind": "http", **effect})


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (state text)")
    monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{path}")
    return path


def test_a_value_of_a_database_is_seen(database: Path) -> None:
    count = "select count(*) from orders where state = 'stuck'"
    seen = observer(kind="sql", query=count, above=1, url_env="SHOP_DATABASE")
    assert seen.look() == (False, f"'{count}' is 0")
    with sqlite3.connect(database) as connection:
        connection.execute("insert into orders values ('stuck'), ('stuck')")
    assert seen.look() == (True, f"'{count}' is 2")


def test_a_query_changes_nothing(database: Path) -> None:
    change = "insert into orders values ('new') returning state"
    with pytest.raises(ClusterError, match="readonly"):
        observer(kind="sql", query=change, equals="old", url_env="SHOP_DATABASE")
    with sqlite3.connect(database) as connection:
        assert connection.execute("select count(*) from orders").fetchone() == (0,)


def test_a_secret_in_the_address_of_a_database_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (
        "postgresql://u:s3cret@127.0.0.1:1/db",
        "nonsense+x://u:s3cret@h/db",
        "u:s3cret",
        "http://u:s3cret@h:x/",
    ):
        monkeypatch.setenv("SHOP_DATABASE", url)
        with pytest.raises((UsageError, ClusterError)) as caught:
            observer(kind="sql", query="select 1", above=1, url_env="SHOP_DATABASE")
        assert "s3cret" not in str(caught.value)


def test_a_value_of_the_systems_own_database_is_asked_by_psql(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    told = ["0", "7"]

    class State:
        def __init__(self, *_: Any) -> None:
            pass

        def primaries(self) -> list[str]:
            return ["db-b"]

        def query(self, instance: str, sql: str) -> str | None:
            asked.append((instance, sql))
            return f"SET\n{told[0]}|rest"

    monkeypatch.setattr(queries, "SystemState", State)
    seen = observer(system=read_system(SYSTEM), kind="sql", query="select 1", above=5)
    told.pop(0)
    assert seen.look() == (True, "'select 1' is 7")
    assert asked[0] == ("db-b", "set transaction read only; select 1")


def samples(*values: Any) -> str:
    result = [{"metric": {}, "value": [1.0, str(value)]} for value in values]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})


def test_a_value_of_a_prometheus_is_seen(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS", server.url)
    server.body = samples(0.1, "NaN")
    seen = observer(kind="promql", query="errors", above=0.5, url_env="PROMETHEUS")
    assert seen.look() == (False, "'errors' is 0.1")
    server.body = samples()
    assert seen.look() == (False, "'errors' is without samples")
    server.body = samples(0.1, 0.7)
    assert seen.look() == (True, "'errors' is 0.1, 0.7")
    server.body = json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "2"]}})
    assert seen.look().observed
    server.body = json.dumps({"status": "success", "data": {"resultType": "string", "result": [1.0, "x"]}})
    with pytest.raises(ClusterError, match="did not answer 'errors' with numbers"):
        seen.look()
    server.status = 503
    with pytest.raises(ClusterError, match="answered 503"):
        seen.look()


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        ({"kind": "sql", "above": 1, "url_env": "NOT_SET"}, "the environment variable NOT_SET says, which is not set"),
        ({"kind": "sql", "above": 1, "instance": "db-x"}, r"'db-x', which .* does not name \(there are: db-a, db-b\)"),
        ({"kind": "promql", "above": 1, "url_env": "NOT_SET"}, "NOT_SET says, which is not set"),
        ({"kind": "promql", "above": 1}, r"asks the 'monitoring\.prometheus' of system.yaml, or a 'url_env'"),
    ],
)
def test_what_there_is_nobody_to_ask_for_is_refused_at_start(effect: dict[str, Any], message: str) -> None:
    declared = EFFECT.validate_python({"kind": "all", "of": [{"query": "x", **effect}]})
    with pytest.raises(UsageError, match=message):
        check_observable(declared, read_system(SYSTEM))


def test_a_system_without_a_database_cannot_be_asked() -> None:
    system = read_system(SYSTEM).model_copy(update={"database": None})
    with pytest.raises(UsageError, match=r"asks the 'database' of kind streaming in system.yaml, which has none"):
        check_observable(EFFECT.validate_python({"kind": "sql", "query": "select 1", "above": 1}), system)
