"""A right that is missing is named before anything is done, and is never taken for a database that is gone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from muster.base.errors import RefusedError
from muster.drill import Drill, UnprovableError
from muster.drill.needs import rights_of_drill
from muster.faults import find_experiment
from muster.faults.aim import NOBODY
from muster.kube import ApiError, Cluster, connect
from muster.recovery import find_procedure, procedures
from muster.recovery.needs import needs_of
from muster.safety import AuditLog
from muster.safety.rights import EXEC, REVIEWS, Right, check_rights, is_forbidden, missing_rights, rights
from muster.steps import Context, run
from muster.system import SystemState, read_system

ROOT = Path(__file__).resolve().parents[2]
MESSAGE = (
    'pods "db-a-0" is forbidden: User "ann" cannot create resource "pods/exec" in API group "" in namespace "shop"'
)


class ApiServer:
    """Answers questions for rights, and forbids all else."""

    def __init__(self, denied: set[Right], *, reviews: bool = True) -> None:
        self.denied, self.reviews = denied, reviews
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/version":
                    self.answer(200, {"gitVersion": "v1.36.2"})
                    return
                server.asked.append(f"GET {self.path.partition('?')[0]}")
                if self.path.partition("?")[0].endswith("/pods"):
                    owner = [{"name": "db-a"}]
                    pod = {"metadata": {"name": "db-a-0", "ownerReferences": owner}, "status": {"phase": "Running"}}
                    self.answer(200, {"items": [pod]})
                else:
                    self.answer(403, {"kind": "Status", "reason": "Forbidden", "message": MESSAGE})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path != REVIEWS or not server.reviews:
                    self.answer(403, {"kind": "Status", "reason": "Forbidden", "message": "not this either"})
                    return
                asked = body["spec"]["resourceAttributes"]
                right = Right(asked["verb"], asked["resource"], asked.get("group", ""), asked.get("subresource", ""))
                assert asked["namespace"] == "shop"
                self.answer(201, {**body, "status": {"allowed": right not in server.denied}})

            def answer(self, code: int, body: dict[str, Any]) -> None:
                content = json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@contextmanager
def serving(directory: Path, server: ApiServer) -> Iterator[Cluster]:
    """A client of the server, which runs meanwhile."""
    host, port = server.http.server_address[:2]
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "prod",
        "clusters": [{"name": "prod", "cluster": {"server": f"http://{host!s}:{port}"}}],
        "users": [{"name": "ann", "user": {}}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "ann"}}],
    }  # fmt: skip
    (directory / "kubeconfig").write_text(yaml.safe_dump(config))
    thread = threading.Thread(target=server.http.serve_forever, daemon=True)
    thread.start()
    try:
        with connect(directory / "kubeconfig") as cluster:
            yield cluster
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()


def shop() -> Any:
    return read_system(ROOT / "systems" / "enhancer").model_copy(update={"namespace": "shop"})


def test_what_is_missing_is_named_with_verb_resource_and_namespace(tmp_path: Path) -> None:
    denied = rights("patch", "StatefulSet", sub="scale") | EXEC
    with serving(tmp_path, ApiServer(set(denied))) as cluster:
        needed = denied | rights("list", "Pod")
        assert missing_rights(cluster, "shop", needed) == sorted(denied)
        expected = (
            r"refused: drill 'x' needs rights in namespace 'shop' of context 'prod' that you do not have: "
            r"create pods/exec, get pods/exec, patch statefulsets/scale\.apps; nothing was done"
        )
        with pytest.raises(RefusedError, match=expected):
            check_rights(cluster, "shop", needed, who="drill 'x'")
        check_rights(cluster, "shop", rights("list", "Pod"), who="drill 'x'")


def test_where_the_question_may_not_be_put_nothing_is_called_missing(tmp_path: Path) -> None:
    with serving(tmp_path, ApiServer(set(EXEC), reviews=False)) as cluster:
        assert missing_rights(cluster, "shop", EXEC) == []


@pytest.mark.parametrize("procedure", procedures(), ids=lambda procedure: procedure.name)
def test_a_procedure_that_lacks_any_of_its_rights_does_not_take_its_first_step(tmp_path: Path, procedure: Any) -> None:
    context = Context(cast("Cluster", None), shop(), "shop", None, AuditLog(tmp_path / "audit.jsonl"))
    last = max(needs_of(procedure, context))
    server = ApiServer({last})
    with serving(tmp_path, server) as cluster:
        context = Context(cluster, shop(), "shop", None, AuditLog(tmp_path / "audit.jsonl"))
        outcome = run(procedure, context)
    assert not outcome.ok
    assert f"refused: '{procedure.name}' needs rights in namespace 'shop'" in outcome.why
    assert f"that you do not have: {last}; nothing was done" in outcome.why
    assert outcome.steps == ()
    assert server.asked == [], "it was looked at before the rights were asked for"


def test_a_command_that_may_not_be_run_says_nothing_of_a_database(tmp_path: Path) -> None:
    with serving(tmp_path, ApiServer(set())) as cluster:
        state = SystemState(cluster, shop())
        forbidden = r"in pod db-a-0 may not be run: pods .*db-a-0.* is forbidden: .*pods/exec"
        with pytest.raises(ApiError, match=forbidden) as e:
            state.query("db-a", "select 1")
        assert is_forbidden(e.value)
        for look in (state.primaries, state.replication_trouble):
            with pytest.raises(ApiError, match="forbidden"):
                look()


@pytest.mark.parametrize("lacking", [Right("delete", "pods"), Right("update", "configmaps"), *EXEC])
def test_a_drill_that_lacks_a_right_is_unknown_before_anything_is_written(tmp_path: Path, lacking: Right) -> None:
    with serving(tmp_path, ApiServer({lacking})) as cluster:
        system = shop()
        context = Context(cluster, system, "shop", None, AuditLog(tmp_path / "audit.jsonl"))
        drill = SimpleNamespace(
            _entitled=False, declaration=SimpleNamespace(name="db", fault="db-failure", recovery="promote-standby"),
            project=SimpleNamespace(experiments=ROOT / "experiments"), state=SystemState(cluster, system), aim=NOBODY,
            operated=lambda: context, procedure=lambda: find_procedure("promote-standby"),
        )  # fmt: skip
        with pytest.raises(UnprovableError, match=rf"drill 'db' needs rights .*: {lacking}; nothing was done"):
            Drill.check_rights(cast("Drill", drill))


def test_an_experiment_needs_what_its_activities_do_its_effect_and_its_undo() -> None:
    def of(name: str) -> set[str]:
        return {str(right) for right in find_experiment(ROOT / "experiments", name, shop()).needs}

    execs = {"create pods/exec", "get pods/exec"}
    kills = {"list pods", "delete pods"}
    assert of("high-load") == set()
    assert of("config-wrong") == {"get configmaps", "patch configmaps"}
    assert of("config-broken") == {"get configmaps", "patch configmaps", "get deployments.apps"} | kills
    assert of("pod-crash") == {"get deployments.apps", "patch deployments.apps"} | kills
    assert (
        of("db-failure")
        == {"get statefulsets.apps", "patch statefulsets.apps", "get services", "get pods"} | kills | execs
    )


def test_a_drill_needs_all_of_its_parts(tmp_path: Path) -> None:
    context = Context(cast("Cluster", None), shop(), "shop", None, AuditLog(tmp_path / "audit.jsonl"))
    experiment = find_experiment(ROOT / "experiments", "db-failure", shop())
    needed = rights_of_drill(context, experiment, "promote-standby")
    assert needed >= experiment.needs | needs_of(find_procedure("promote-standby"), context)
    assert needed >= rights("create get patch", "Lease") | rights("get", "Namespace")
    assert not needed & rights("get list", "Secret"), "Secrets are nobody's business"
