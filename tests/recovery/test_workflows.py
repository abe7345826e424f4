"""What is stuck is found and resumed through the service, however it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from muster.base.errors import ClusterError, RefusedError, TimeoutExceededError, UsageError
from muster.kube import Cluster
from muster.recovery.workflows import StuckWork, name_some
from muster.safety import AuditLog
from muster.steps import Context
from muster.system import read_system

SYSTEM = """
schema: muster/system/v1
name: mill
namespace: mill
service: {name: web, port: 8080}
read: {request: {path: /}}
ledger:
  create: {method: POST, path: /, body: {id: "{id}", content: "{content}"}}
  read: {path: "/{id}"}
  content: content
"""
OPERATIONS = """
operations:
  workflows:
    stuck: {path: /stuck}
    items: work.late
    id: key
    resume: {method: POST, path: "/work/{id}/resume"}
    workers: millers
"""


class Mill:
    """Lists at most two pieces of stuck work at a time. `deaf` ones are resumed in vain, `passing` ones go on once they
    were listed; `failures` answers fail."""

    def __init__(self, *stuck: str) -> None:
        self.stuck = list(stuck)
        self.deaf: set[str] = set()
        self.passing: set[str] = set()
        self.failures = 0
        self.resumed: list[str] = []
        self.listing: Any = None
        self.url = ""

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        if self.failures:
            self.failures -= 1
            return 500, "not now"
        if method == "GET":
            listed, self.stuck = self.stuck[:2], [name for name in self.stuck if name not in self.passing]
            return 200, self.listing or {"work": {"late": [{"key": name} for name in listed]}}
        name = path.split("/")[2]
        self.resumed.append(name)
        if name not in self.deaf and name in self.stuck:
            self.stuck.remove(name)
        return (404, "unknown") if name.startswith("unknown") else (200, {})

    @contextmanager
    def open(self) -> Iterator[Mill]:
        mill = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                status, document = mill.answer(self.command, self.path)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _serve  # noqa: N815  (the names are the library's)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            yield self
            server.shutdown()
            thread.join()


def work_of(mill: Mill, cluster: Cluster, directory: Path, system: str = SYSTEM + OPERATIONS) -> StuckWork:
    (directory / "system.yaml").write_text(system)
    (directory / "manifests").mkdir(exist_ok=True)
    context = Context(cluster, read_system(directory), "mill", None, AuditLog(directory / "audit.jsonl"), mill.url)
    return StuckWork(context)


def test_everything_is_resumed_once_also_what_a_list_does_not_show_at_first(cluster: Cluster, tmp_path: Path) -> None:
    names = [f"sack-{number}" for number in range(5)]
    with Mill(*names).open() as mill:
        work = work_of(mill, cluster, tmp_path)
        assert work.stuck() == names[:2]
        assert work.clear(30, patience_s=0) == names
    assert sorted(mill.resumed) == names


def test_what_goes_on_by_itself_is_left_alone(cluster: Cluster, tmp_path: Path) -> None:
    with Mill("late", "lost").open() as mill:
        mill.passing = {"late"}
        assert work_of(mill, cluster, tmp_path).clear(30, patience_s=0.5) == ["lost"]
    assert mill.resumed == ["lost"]


def test_an_answer_that_fails_is_asked_for_again(cluster: Cluster, tmp_path: Path) -> None:
    with Mill("a").open() as mill:
        work = work_of(mill, cluster, tmp_path)
        mill.failures = 1
        assert work.clear(30, patience_s=0) == ["a"]
        mill.failures = 2
        assert work.resume(["a"]).done == ["a"]


def test_what_cannot_be_resumed_is_named_with_the_reason(cluster: Cluster, tmp_path: Path) -> None:
    with Mill("unknown-sack", "b").open() as mill:
        work = work_of(mill, cluster, tmp_path)
        done, failed = work.resume(["unknown-sack", "b"])
        assert (done, failed) == (["b"], {"unknown-sack": 'wrong: 404 "unknown"'})
        mill.stuck, mill.deaf = ["unknown-sack"], {"unknown-sack"}
        with pytest.raises(RefusedError, match="1 of 1 not resumed, unknown-sack for one: wrong: 404"):
            work.clear(30, patience_s=0)


def test_what_stays_stuck_is_named(cluster: Cluster, tmp_path: Path) -> None:
    with Mill("deaf").open() as mill:
        mill.deaf = {"deaf"}
        with pytest.raises(TimeoutExceededError, match=r"work to go on after it was resumed; last seen: .* 1 \(deaf\)"):
            work_of(mill, cluster, tmp_path).clear(0.3, patience_s=0)
    assert mill.resumed == ["deaf"]


def test_a_service_that_does_not_list_it_is_told(cluster: Cluster, tmp_path: Path) -> None:
    with Mill().open() as mill:
        work = work_of(mill, cluster, tmp_path)
        mill.listing = {"work": {"late": None}}
        with pytest.raises(ClusterError, match=r"GET /stuck at .* holds no list 'work.late'"):
            work.stuck()
        mill.failures = 1
        with pytest.raises(ClusterError, match=r'GET /stuck at .*: error: 500 "not now"'):
            work.stuck()


def test_a_system_that_does_not_say_how_work_is_found_is_told(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"system 'mill' declares no 'operations.workflows' in its system.yaml"):
        work_of(Mill(), cluster, tmp_path, SYSTEM)


@pytest.mark.parametrize(
    ("names", "said"), [(["a"], "1 (a)"), (["a", "b"], "2 (a, b)"), (["a", "b", "c"], "3 (a, b, ...)")]
)
def test_ids_are_named_in_short(names: list[str], said: str) -> None:
    assert name_some(names) == said
