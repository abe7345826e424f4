"""One piece of work from beginning to end: through all phases in time, or missed; what is written is removed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from muster.gate.trial import workflow
from muster.system import SystemDefinition

from .held import SYSTEM, said

LEDGER = {
    "create": {"method": "POST", "path": "/orders", "body": {"id": "{id}", "text": "{content}"}, "status": [201]},
    "read": {"path": "/orders/{id}"},
    "content": "text",
    "delete": {"method": "DELETE", "path": "/orders/{id}", "status": [204]},
}
WANTED = {"done": {"state": "done"}, "phases": "phases", "count": 3, "within_s": 5}


class Shop(ThreadingHTTPServer):
    """Work that comes one phase further each time it is read, up to `last`, and is done after `end` phases."""

    daemon_threads = True
    last, end, takes = 3, 3, 201

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.orders = dict[str, dict[str, Any]]()


class Handler(BaseHTTPRequestHandler):
    server: Shop

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.orders[asked["id"]] = {**asked, "phases": []}
        self._answer(self.server.takes, asked)

    def do_GET(self) -> None:
        order = self.server.orders[self.path.rpartition("/")[2]]
        if len(order["phases"]) < self.server.last:
            order["phases"].append("one more")
        self._answer(200, {**order, "state": "done" if len(order["phases"]) >= self.server.end else "running"})

    def do_DELETE(self) -> None:
        self.server.orders.pop(self.path.rpartition("/")[2])
        self._answer(204, None)

    def _answer(self, status: int, document: Any) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tried(shop: Shop, **wanted: Any) -> tuple[str, str]:
    acceptance = {"workflow": {**WANTED, **wanted}}
    told = {**SYSTEM, "ledger": LEDGER, "release": {"acceptance": acceptance}}
    found = said(workflow(f"http://127.0.0.1:{shop.server_port}", SystemDefinition.model_validate(told)))
    assert shop.orders == {} or found[0] == "missed", "what was written is removed"
    return found


def test_it_goes_through_all_phases(shop: Shop) -> None:
    outcome, why = tried(shop)
    assert outcome == "met"
    assert "went through 3 phases in" in why


def test_one_that_leaves_out_a_phase_is_not_whole(shop: Shop) -> None:
    shop.end = 2
    outcome, why = tried(shop)
    assert outcome == "missed"
    assert why.endswith("is done after 2 phases, and 3 are wanted")


def test_one_that_stands_still_is_missed_in_time_and_says_where(shop: Shop) -> None:
    shop.last = 1
    outcome, why = tried(shop, within_s=0.6)
    assert outcome == "missed"
    assert why.endswith('was not done within 0.6 s: \'state\' is "running", not "done"')


def test_work_that_is_not_taken_is_missed(shop: Shop) -> None:
    shop.takes = 500
    assert tried(shop)[1].startswith("work could not be handed in: error")


def test_without_such_work_nothing_is_demanded() -> None:
    assert workflow("http://127.0.0.1:1", SystemDefinition.model_validate(SYSTEM)) is None


def test_work_without_a_ledger_is_unknown(shop: Shop) -> None:
    told = {**SYSTEM, "release": {"acceptance": {"workflow": WANTED}}}
    assert said(workflow("http://127.0.0.1:1", SystemDefinition.model_validate(told)))[0] == "unknown"
