"""Steady load on the enhancer: people who look at their workflows, and now and then begin one.

Of 100 requests about 60 read one workflow, 25 list the newest, 5 ask for status or agents, 10 create one. By hand:

    locust -f loadtests/steady.py --headless -u 1 --host http://ADDRESS:8080 --rate 200
"""

from __future__ import annotations

import uuid
from collections import deque

from locust import task

from muster.load.openloop import OpenLoopUser

AGENTS = 61
REMEMBERED = 1000


class Steady(OpenLoopUser):
    """Everybody who uses the enhancer, as one schedule."""

    rate = 100

    def on_start(self) -> None:
        self.prefix = f"load-{uuid.uuid4().hex[:12]}"
        self.created = 0
        self.own: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)  # acknowledged workflows: id, title
        super().on_start()

    @task(60)
    def read_own(self) -> None:
        """One of the workflows that were acknowledged to us; while there is none, create one."""
        if not self.own:
            self.create()
            return
        identity, title = self.random.choice(self.own)
        with self.rest("GET", f"/workflows/{identity}", name="GET /workflows/{id}") as answer:
            assert answer.js["id"] == identity
            assert answer.js["title"] == title

    @task(25)
    def list_newest(self) -> None:
        """The list that everybody's screen shows."""
        with self.rest("GET", "/workflows?limit=20", name="GET /workflows") as answer:
            listed = answer.js["workflows"]
            assert len(listed) <= 20
            assert all(workflow["id"] for workflow in listed)

    @task(3)
    def status(self) -> None:
        """What the service says of itself."""
        with self.rest("GET", "/status") as answer:
            assert answer.js["version"]

    @task(2)
    def agents(self) -> None:
        """All the agents, also those that nobody holds just now."""
        with self.rest("GET", "/agents") as answer:
            assert len(answer.js["agents"]) == AGENTS

    @task(10)
    def create(self) -> None:
        """A new workflow. It is ours only once it was acknowledged."""
        self.created += 1
        identity, title = f"{self.prefix}-{self.created}", f"workflow {self.created}"
        body = {"id": identity, "title": title, "payload": {"text": title * 4}}
        with self.rest("POST", "/workflows", name="POST /workflows", json=body, status=(201,)) as answer:
            assert answer.js["id"] == identity
            self.own.append((identity, title))
