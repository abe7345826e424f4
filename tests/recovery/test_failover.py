"""Databases that a tool of their own looks after: asked, and failed over, in the words of that tool's own API."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.faults.stranger import stranger

from muster.base.errors import ClusterError, UsageError
from muster.base.timeline import Timeline, read_timeline
from muster.faults import find_experiment
from muster.faults.aim import NOBODY
from muster.kube import connect
from muster.recovery import find_procedure
from muster.recovery.needs import needs_of
from muster.safety import AuditLog
from muster.steps import Context, Outcome, run
from muster.system import SystemState

Answer = tuple[int, Any]


class Server:
    """An HTTP server whose answers a function gives, of method, path and body."""

    def __init__(self, answer: Callable[[str, str, Any], Answer]) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def take(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                asked = (self.command, self.path.partition("?")[0], body)
                server.asked.append((*asked[:2], {"auth": self.headers.get("Authorization"), "body": body}))
                code, said = answer(*asked)
                content = said.encode() if isinstance(said, str) else json.dumps(said).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = take  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator[str]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self.url
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()


class Api:
    """An API server that keeps ConfigMaps and Leases, lets everything be done, and has a Cluster of CloudNativePG, with
    an operator that does what its status asks for. Clients of the system are answered by it, too."""

    def __init__(self) -> None:
        self.maps: dict[str, Any] = {}
        self.leases: dict[str, Any] = {}
        self.status: dict[str, Any] = {
            "instanceNames": ["pg-1", "pg-2", "pg-3"],
            "currentPrimary": "pg-1",
            "targetPrimary": "pg-1",
            "instancesStatus": {"healthy": ["pg-1", "pg-2", "pg-3"]},
        }
        self.refuses = False

    def lose(self, *names: str) -> None:
        healthy = [name for name in self.status["instanceNames"] if name not in names]
        self.status["instancesStatus"] = {"healthy": healthy, "failed": list(names)}

    def __call__(self, method: str, path: str, body: Any) -> Answer:  # noqa: PLR0911 - one for each path
        if path == "/version":
            return 200, {"gitVersion": "v1.36.2"}
        if path.endswith("/selfsubjectaccessreviews"):
            return 201, {**body, "status": {"allowed": True}}
        if path == "/apis/postgresql.cnpg.io/v1/namespaces/stranger/clusters/pg":
            return 200, {"kind": "Cluster", "metadata": {"name": "pg"}, "status": self.status}
        if path == "/apis/postgresql.cnpg.io/v1/namespaces/stranger/clusters/pg/status":
            if self.refuses:
                return 422, {"kind": "Status", "code": 422, "message": "invalid"}
            self.status |= body["status"]
            self.status["currentPrimary"] = self.status["targetPrimary"]
            return 200, {"kind": "Cluster", "metadata": {"name": "pg"}, "status": self.status}
        for plural, kept in (("configmaps", self.maps), ("leases", self.leases)):
            if f"/{plural}" in path:
                return self._kept(kept, method, path.rpartition(f"/{plural}")[2].strip("/"), body)
        return (200, "hello") if path == "/hello.txt" else (404, {"kind": "Status", "code": 404, "message": "no"})

    def _kept(self, there: dict[str, Any], method: str, name: str, body: Any) -> Answer:
        if method == "GET" and not name:
            return 200, {"items": list(there.values())}
        if method == "DELETE":
            there.pop(name, None)
            return 200, {}
        if method in {"POST", "PUT"}:
            there[body["metadata"]["name"]] = body
            return 201, body
        found = there.get(name)
        return (404, {"kind": "Status", "code": 404, "message": "no"}) if found is None else (200, found)


class PatroniApi:
    """Patroni's REST API of a cluster with three members, of which `pg-1` leads."""

    def __init__(self) -> None:
        self.members = [
            {"name": "pg-1", "role": "leader", "state": "running", "timeline": 1},
            {"name": "pg-2", "role": "replica", "state": "streaming", "timeline": 1, "lag": 4096},
            {"name": "pg-3", "role": "sync_standby", "state": "streaming", "timeline": 1, "lag": 0},
        ]
        self.refuses = ""

    def lose(self) -> None:
        self.members[0] |= {"role": "replica", "state": "stopped", "lag": "unknown"}

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        if (method, path) == ("GET", "/cluster"):
            return 200, {"members": self.members, "scope": "pg"}
        if (method, path) != ("POST", "/failover"):
            return 404, "not here"
        if self.refuses:
            return 412, self.refuses
        for member in self.members:
            if member["name"] == body["candidate"]:
                member |= {"role": "leader", "state": "running"}
                member.pop("lag", None)
        return 200, f'Successfully failed over to "{body["candidate"]}"'


class Bench:
    """A stranger with a database of some kind, in reach of its procedures."""

    def __init__(self, directory: Path, api: Api) -> None:
        self.directory, self.api, self.server = directory, api, Server(api)

    @contextmanager
    def context(self, database: str) -> Iterator[Context]:
        system = stranger(self.directory / "systems", more=f"database: {database}\n")
        with self.server.serving() as url:
            config = {
                "apiVersion": "v1", "kind": "Config", "current-context": "test",
                "clusters": [{"name": "test", "cluster": {"server": url}}],
                "users": [{"name": "ann", "user": {}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "ann"}}],
            }  # fmt: skip
            (self.directory / "kubeconfig").write_text(yaml.safe_dump(config))
            with (
                connect(self.directory / "kubeconfig") as cluster,
                Timeline.start(self.directory / "timeline.jsonl", run="test", drill="test") as timeline,
            ):
                audit = AuditLog(self.directory / "audit.jsonl")
                yield Context(cluster, system, "stranger", timeline, audit, url=url)

    def changes(self) -> list[tuple[str, str]]:
        events = read_timeline(self.directory / "timeline.jsonl")
        return [(event["verb"], event["object"]) for event in events if event["kind"] == "recovery.change"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Api())


def promote(context: Context) -> Outcome:
    return run(find_procedure("promote-standby"), context)


def states(outcome: Outcome) -> list[str]:
    return [step.state for step in outcome.steps]


CNPG = "{kind: cloudnativepg, cluster: pg}"


def test_a_cluster_of_cloudnativepg_is_told_its_new_primary(bench: Bench) -> None:
    with bench.context(CNPG) as context:
        state = SystemState(context.cluster, context.system)
        assert (state.primaries(), state.replication_trouble()) == (["pg-1"], None)
        assert states(promote(context)) == ["skipped"] * 3
        bench.api.lose("pg-1")
        assert state.replication_trouble() == "0 primaries (none), want 1"
        outcome = promote(context)
        assert outcome.ok, outcome.why
    assert bench.api.status["targetPrimary"] == "pg-2"
    assert bench.api.status["phase"] == "Switchover in progress"
    assert ("patch", "Service/pg-rw") in bench.changes()


def test_what_the_operator_did_by_itself_is_not_done_again(bench: Bench) -> None:
    with bench.context(CNPG) as context:
        bench.api.lose("pg-1")
        replicated = SystemState(context.cluster, context.system).replicated
        assert replicated is not None
        bench.api.status["currentPrimary"] = "pg-3"
        assert states(promote(context)) == ["skipped"] * 3
        assert not [asked for asked in bench.server.asked if asked[0] == "PATCH"]


def test_where_no_standby_is_well_nothing_is_promoted(bench: Bench) -> None:
    with bench.context(CNPG) as context:
        bench.api.lose("pg-1", "pg-2", "pg-3")
        outcome = promote(context)
    assert "no standby is well" in outcome.why
    assert bench.changes() == []


def test_a_cluster_that_is_not_there_is_said(bench: Bench) -> None:
    with bench.context("{kind: cloudnativepg, cluster: gp}") as context:
        state = SystemState(context.cluster, context.system)
        with pytest.raises(ClusterError, match="there is no Cluster 'gp' of CloudNativePG in namespace 'stranger'"):
            state.primaries()
        assert "there is no Cluster 'gp'" in (state.replication_trouble() or "")


def test_patroni_fails_over_to_the_standby_that_is_least_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATRONI_AUTH", "dXNlcjpwYXNz")
    patroni = PatroniApi()
    server = Server(patroni)
    with server.serving() as url:
        database = (
            f"{{kind: patroni, urls: ['http://127.0.0.1:1', '{url}'], service: pg, "
            "headers: {Authorization: {env: PATRONI_AUTH, prefix: 'Basic '}}}"
        )
        with bench.context(database) as context:
            state = SystemState(context.cluster, context.system)
            assert (state.primaries(), state.replication_trouble()) == (["pg-1"], None)
            patroni.members[1]["lag"] = 99_000_000
            assert state.replication_trouble() == "standby pg-2 is 99000000 bytes behind"
            patroni.lose()
            outcome = promote(context)
            assert outcome.ok, outcome.why
            assert state.primaries() == ["pg-3"]
    told = [asked for asked in server.asked if asked[0] == "POST"]
    assert told == [("POST", "/failover", {"auth": "Basic dXNlcjpwYXNz", "body": {"candidate": "pg-3"}})]
    assert bench.changes() == [("patch", "Service/pg")]


def test_what_patroni_refuses_is_told_in_its_words(bench: Bench) -> None:
    patroni = PatroniApi()
    with Server(patroni).serving() as url, bench.context(f"{{kind: patroni, urls: ['{url}'], service: pg}}") as context:
        patroni.lose()
        patroni.refuses = "Failover is possible only to a healthy member"
        outcome = promote(context)
    assert "412 Failover is possible only to a healthy member" in outcome.why


def test_where_no_patroni_answers_that_is_said(bench: Bench) -> None:
    with bench.context("{kind: patroni, urls: ['http://127.0.0.1:1'], service: pg}") as context:
        assert "no Patroni answers at http://127.0.0.1:1" in promote(context).why


def command(bench: Bench, name: str, text: str) -> None:
    path = bench.directory / "systems" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


BY_COMMAND = "{kind: command, instances: cat state, promote: './fail-over.sh {instance}', changes: [Service/pg]}"


def test_any_database_is_asked_and_failed_over_by_commands(bench: Bench) -> None:
    with bench.context(BY_COMMAND) as context:
        state, file = SystemState(context.cluster, context.system), bench.directory / "systems" / "state"
        file.write_text("a primary well\nb standby well 0.2\nc standby well 0.1\n")
        assert (state.primaries(), state.replication_trouble()) == (["a"], None)
        file.write_text("a primary well\nb standby well 7\n")
        assert state.replication_trouble() == "standby b is 7 s behind"
        file.write_text("a primary ill\nb standby well 7\nc standby well 0.1\n")
        command(bench, "fail-over.sh", 'echo "$1 primary well" > state; echo "to $1 in $MUSTER_NAMESPACE"')
        outcome = promote(context)
    assert outcome.ok, outcome.why
    assert outcome.steps[1].detail == "'./fail-over.sh c' ended with 0: to c in stranger"
    assert bench.changes() == [("patch", "Service/pg")]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("a leader well\n", "wrote 'a leader well'; right would be NAME, primary or standby, well or ill"),
        ("a standby well soon\n", "wrote 'a standby well soon'"),
        ("a primary well\nb primary well\n", "2 primaries (a, b), want 1"),
        ("", "0 primaries (none), want 1"),
    ],
)
def test_what_a_command_tells_of_a_database_is_read_strictly(bench: Bench, state: str, said: str) -> None:
    with bench.context(BY_COMMAND) as context:
        (bench.directory / "systems" / "state").write_text(state)
        assert said in (SystemState(context.cluster, context.system).replication_trouble() or "")


def test_two_primaries_are_never_made_three(bench: Bench) -> None:
    with bench.context(BY_COMMAND) as context:
        (bench.directory / "systems" / "state").write_text("a primary well\nb primary well\nc standby well\n")
        outcome = promote(context)
    assert "a and b are primaries at once" in outcome.why
    assert bench.changes() == []


def test_what_only_streaming_replication_has_is_not_asked_of_others(bench: Bench) -> None:
    with bench.context(CNPG) as context:
        with pytest.raises(UsageError, match=r"needs a 'database' of kind 'streaming' .* one of kind 'cloudnativepg'"):
            find_experiment(Path("none"), "db-failure", context.system, NOBODY)
        needed = {str(right) for right in needs_of(find_procedure("promote-standby"), context)}
    assert {"get clusters.postgresql.cnpg.io", "patch clusters/status.postgresql.cnpg.io"} <= needed
    assert not [right for right in needed if "exec" in right or "pods" in right]


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ("{kind: oracle, cluster: pg}", "'kind' 'oracle' of a database is not known"),
        ("{kind: patroni, service: pg}", "'database.urls'"),
        ("{kind: cloudnativepg, clustr: pg}", "clustr"),
        ("{kind: command, instances: x, changes: [pg]}", "database.changes"),
    ],
)
def test_a_database_that_is_described_wrongly_is_answered(tmp_path: Path, database: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        stranger(tmp_path, more=f"database: {database}\n")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_the_api_server_refuses_is_told_and_nothing_is_called_promoted(bench: Bench) -> None:
    with bench.context(CNPG) as context:
        bench.api.lose("pg-1")
        bench.api.refuses = True
        outcome = promote(context)
    assert "Cluster pg does not take pg-2 for its primary: " in outcome.why
    assert bench.changes() == []
