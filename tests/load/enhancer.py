"""A server that stands for the enhancer's API: it keeps workflows, lists the newest, and can be told to lose some."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.probes.service import Service

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


class Enhancer(Service):
    """Workflows get on by one phase whenever they are read. `empty_lists` and `stripped` are what it may do wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.empty_lists = False
        self.stripped = False
        self.progress: dict[str, Any] = {}
        self.pages = {
            "/status": {"version": "5.1"},
            "/agents": {"agents": [{"name": f"agent-{number:02}"} for number in range(1, 62)]},
        }

    def _act(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        url = urlsplit(target)
        if method == "POST":
            created = (BEGIN + timedelta(milliseconds=len(self.requests))).isoformat()
            made = {**json.loads(body), "created": created, "done": 0, "state": "waiting"}
            if not self.forgetful:
                self.store[made["id"]] = made
            return 201, made
        if url.path == "/workflows":
            return 200, {"workflows": [] if self.empty_lists else self._newest(parse_qs(url.query))}
        if url.path.startswith("/workflows/") and (made := self.store.get(url.path.rpartition("/")[2])):
            made["done"] = min(made["done"] + 1, 8)
            made["state"] = "done" if made["done"] == 8 else "running"
            return 200, {**self._shown(made), "phases": [{}] * made["done"], **self.progress}
        return super()._act(method, target, body)

    def _newest(self, wanted: dict[str, list[str]]) -> list[Any]:
        state = wanted.get("state", [None])[0]
        fitting = [made for made in self.store.values() if state in (None, made["state"])]
        newest = sorted(fitting, key=lambda made: made["created"], reverse=True)
        return [self._shown(made) for made in newest[: int(wanted["limit"][0])]]

    def _shown(self, made: dict[str, Any]) -> dict[str, Any]:
        return {**made, "payload": None} if self.stripped else made
