"""Steady load on the enhancer: people who look at their workflows, and now and then begin one.

Of 100 requests about 60 read one workflow, 25 list the newest, 5 ask for status or agents, 10 create one. By hand:

    locust -f loadtests/steady.py --headless -u 1 --host http://ADDRESS:8080 --rate 200
"""

from __future__ import annotations

import uuid

from _workflows import AGENTS, Known, check_list
from locust import task

from muster.load.openloop import OpenLoopUser


class Steady(OpenLoopUser):
    """Everybody who uses the enhancer, as one schedule."""

    rate = 100

    def on_start(self) -> None:
        self.prefix = f"load-{uuid.uuid4().hex[:12]}"
        self.created = 0
        self.own = Known()
        super().on_start()

    @task(60)
    def read_own(self) -> None:
        """One of the workflows that were acknowledged to us; while there is none, create one."""
        if not self.own:
            self.create()
            return
        made = self.own.any(self.random)
        with self.rest("GET", f"/workflows/{made.id}", name="GET /workflows/{id}", reads=made.id) as answer:
            assert made.fits(answer.js)

    @task(25)
    def list_newest(self) -> None:
        """The list that everybody's screen shows."""
        newest = self.own.newest
        with self.rest("GET", "/workflows?limit=20", name="GET /workflows") as answer:
            check_list(answer, self.own, newest)

    @task(3)
    def status(self) -> None:
        """What the service says of itself."""
        with self.rest("GET", "/status") as answer:
            assert answer.js["version"]

    @task(2)
    def agents(self) -> None:
        """All the agents, also those that nobody holds just now."""
        with self.rest("GET", "/agents") as answer:
            assert {agent["name"] for agent in answer.js["agents"]} == AGENTS

    @task(10)
    def create(self) -> None:
        """A new workflow. It is ours only once it was acknowledged."""
        self.created += 1
        title = f"workflow {self.created}"
        body = {"id": f"{self.prefix}-{self.created}", "title": title, "payload": {"text": title * 4}}
        with self.rest("POST", "/workflows", name="POST /workflows", json=body, status=(201,)) as answer:
            self.own.take(body, answer)
