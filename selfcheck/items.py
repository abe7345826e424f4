"""The load on the scripted service: a Locust file."""

from __future__ import annotations

import uuid

from locust import task

from muster.load.openloop import OpenLoopUser


class Items(OpenLoopUser):
    """Reads, and now and then a write."""

    limit_s = 1.0  # these as in selfcheck.cases, which a Locust file cannot import
    renew_after = 4

    @task(8)
    def status(self) -> None:
        with self.rest("GET", "/status") as answer:
            assert answer.js["status"]["ok"] is True

    @task(2)
    def create(self) -> None:
        identity = uuid.uuid4().hex
        with self.rest("POST", "/items", json={"id": identity, "content": "load"}, status=(201,)) as answer:
            assert answer.js["id"] == identity
