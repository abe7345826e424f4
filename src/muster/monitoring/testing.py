"""A monitoring that is none, for tests: it speaks the protocols of an Alertmanager and a Prometheus on this machine.

    with LocalMonitoring() as monitoring:
        ...                                   # monitoring.url is what system.yaml names
        monitoring.fire("DatabaseDown", severity="critical")

An Alertmanager is told of alerts by `POST /api/v2/alerts`, and so is this one; a Prometheus has rules, and here has one
for each alert that was named in `rules` or ever fired.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from muster.base.clock import utc
from muster.base.local_server import LocalServer

NEVER = "0001-01-01T00:00:00Z"
LONG_AGO = "2020-01-01T00:00:00.000Z"  # what an alert says of its own times; nothing here depends on them


class LocalMonitoring(LocalServer):
    """The server, on a free port of loopback. A context manager.

    Attributes:
        answer: where it is set, every question is answered with these (status, content type, body).
        delay_s: how long an answer takes to begin.
        trickle: answer a byte every 0.1 s, and so never to the end.
        asked: the path with query, and the headers, of each question so far.
        values: what each query for a value is answered with (of a Prometheus).
        told: each alert that it was told of so far, as it was told (of an Alertmanager).
    """

    def __init__(self, *, rules: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.answer: tuple[int, str, str] | None = None
        self.delay_s = 0.0
        self.trickle = False
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.values: dict[str, list[float]] = {}
        self.told: list[dict[str, Any]] = []
        self._rules = list(rules)
        self._alerts: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _serving(self, port: int) -> ThreadingHTTPServer:
        return _Server(self, port)

    def fire(self, alert: str, *, state: str = "active", held_by: tuple[str, ...] = (), **labels: str) -> None:
        """Have an alert fire; `state` is `active`, `suppressed` (silenced by `held_by`), `unprocessed` or `pending`."""
        found = {"alertname": alert, **labels}
        with self._lock:
            self._alerts[_key(found)] = {"labels": found, "state": state, "silencedBy": list(held_by)}
            if alert not in self._rules:
                self._rules.append(alert)

    def resolve(self, alert: str, **labels: str) -> None:
        """Have it fire no more."""
        with self._lock:
            self._alerts.pop(_key({"alertname": alert, **labels}), None)

    def alertmanager(self, filters: list[str]) -> list[dict[str, Any]]:
        """What `GET /api/v2/alerts` answers, for filters of the form `label="value"`."""
        wanted = {label: json.loads(value) for label, _, value in (text.partition("=") for text in filters)}
        with self._lock:
            return [
                {
                    "labels": alert["labels"],
                    "annotations": {},
                    "startsAt": LONG_AGO,
                    "updatedAt": LONG_AGO,
                    "endsAt": NEVER,
                    "fingerprint": "0011223344556677",
                    "receivers": [{"name": "pager"}],
                    "status": {"state": alert["state"], "silencedBy": alert["silencedBy"], "inhibitedBy": []},
                }
                for alert in self._alerts.values()
                if alert["state"] != "pending" and wanted.items() <= alert["labels"].items()
            ]

    def prometheus(self) -> dict[str, Any]:
        """What `GET /api/v1/alerts` answers."""
        with self._lock:
            alerts = [
                {
                    "labels": alert["labels"],
                    "annotations": {},
                    "state": "pending" if alert["state"] == "pending" else "firing",
                    "activeAt": LONG_AGO,
                    "value": "1e+00",
                }
                for alert in self._alerts.values()
            ]
        return {"status": "success", "data": {"alerts": alerts}}

    def queried(self, query: str) -> dict[str, Any]:
        """What `GET /api/v1/query` answers."""
        found = [{"metric": {}, "value": [0, str(value)]} for value in self.values.get(query, [])]
        return {"status": "success", "data": {"resultType": "vector", "result": found}}

    def rules(self) -> dict[str, Any]:
        """What `GET /api/v1/rules` answers."""
        rules = [{"name": name, "type": "alerting", "query": "up == 0", "health": "ok"} for name in self._rules]
        return {"status": "success", "data": {"groups": [{"name": "all", "file": "rules.yml", "rules": rules}]}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, monitoring: LocalMonitoring, port: int) -> None:
        self.monitoring = monitoring
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        monitoring = self.server.monitoring
        parts = urlsplit(self.path)
        monitoring.asked.append((self.path, dict(self.headers)))
        monitoring.ended.wait(monitoring.delay_s)
        if monitoring.answer is not None:
            self._say(*monitoring.answer)
        elif parts.path == "/api/v2/alerts":
            self._say_json(monitoring.alertmanager(parse_qs(parts.query).get("filter", [])))
        elif parts.path == "/api/v1/alerts":
            self._say_json(monitoring.prometheus())
        elif parts.path == "/api/v1/query":
            self._say_json(monitoring.queried(parse_qs(parts.query)["query"][0]))
        elif parts.path == "/api/v1/rules":
            self._say_json(monitoring.rules())
        else:
            self._say(404, "text/plain", "404 page not found\n")

    def do_POST(self) -> None:
        for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            self.server.monitoring.told.append(alert)
            labels = dict(alert["labels"])
            over = alert.get("endsAt") and datetime.fromisoformat(alert["endsAt"]) <= utc()
            take = self.server.monitoring.resolve if over else self.server.monitoring.fire
            take(labels.pop("alertname"), **labels)
        self._say(200, "application/json", "")

    def _say_json(self, content: object) -> None:
        self._say(200, "application/json", json.dumps(content))

    def _say(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self._send(body)
        except OSError:  # whoever asked has gone
            self.close_connection = True

    def _send(self, body: bytes) -> None:
        if not self.server.monitoring.trickle:
            self.wfile.write(body)
            return
        for at in range(len(body)):
            if self.server.monitoring.ended.wait(0.1):
                return
            self.wfile.write(body[at : at + 1])
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nobody wants to read it."""


def _key(labels: Mapping[str, str]) -> str:
    return json.dumps(sorted(labels.items()))
