"""A place to send to, for tests: webhooks and PagerDuty's Events API v2 on this machine; it fails, and comes back.

with LocalReceiver() as there:
    monkeypatch.setenv("MUSTER_NOTICES_OPS", there.webhook)      # an address of a webhook
    monkeypatch.setenv("MUSTER_NOTICES_ONCALL", there.events)    # an address of PagerDuty
    there.status = 503                                           # it fails
    there.stop(); there.start()                                  # it is gone, and back on the same port
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from muster.base.local_server import LocalServer

KEY = "0123456789abcdef0123456789abcdef"  # an integration key, as long as a real one
TOKEN = "webhook-t0ken"  # what a webhook's address is secret by  # noqa: S105


class LocalReceiver(LocalServer):
    """The server, on a free port of loopback. A context manager.

    Attributes:
        status: what each request is answered with; 202 and more are told apart by PagerDuty's client.
        hang_s: seconds that an answer takes to begin.
        arrived: the path, headers and content of each request that was taken, in order.
        asked: how many requests came, those that were not taken included.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = 202
        self.hang_s = 0.0
        self.arrived: list[tuple[str, dict[str, str], Any]] = []
        self.asked = 0

    @property
    def webhook(self) -> str:
        """Its address as a webhook of apprise."""
        return f"json://127.0.0.1:{self._port}/{TOKEN}"

    @property
    def events(self) -> str:
        """Its address as a PagerDuty."""
        return f"pagerduty+http://{KEY}@127.0.0.1:{self._port}"

    @property
    def alerts(self) -> dict[str, list[str]]:
        """What PagerDuty would have made of it: by key what happened to its alert, told again counted once."""
        found: dict[str, list[str]] = {}
        for path, _, content in self.arrived:
            if path == "/v2/enqueue":
                states = found.setdefault(content["dedup_key"], [])
                if not states or states[-1] != content["event_action"]:
                    states.append(content["event_action"])
        return found

    @property
    def told(self) -> list[str]:
        """The subjects that arrived at the webhook."""
        return [content["title"] for path, _, content in self.arrived if path == f"/{TOKEN}"]

    def _serving(self, port: int) -> ThreadingHTTPServer:
        return _Server(self, port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, receiver: LocalReceiver, port: int) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever does not wait for an answer is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        content = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        receiver.asked += 1
        if receiver.hang_s:
            receiver.ended.wait(receiver.hang_s)
        if receiver.status < 300:
            receiver.arrived.append((self.path, dict(self.headers), content))
        answer = json.dumps({"status": "success", "dedup_key": content.get("dedup_key", "")}).encode()
        self.send_response(receiver.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""
