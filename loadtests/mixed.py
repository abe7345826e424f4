"""A working day on the enhancer: three kinds of people, each with habits of their own.

Of 20 requests 12 come from people who read, 5 from people who watch their workflow's progress, 3 from people who create
workflows. Readers and watchers keep a connection for as long as a browser does; creators are scripts that open one for
each request, and wait longer. By hand, all of them or one kind alone:

    locust -f loadtests/mixed.py --headless -u 1 --host http://ADDRESS:8080 --rate 200
    locust -f loadtests/mixed.py Creators --headless -u 1 --host http://ADDRESS:8080 --rate 20
"""

from __future__ import annotations

import uuid
from collections import deque

from locust import task

from muster.load.openloop import OpenLoopUser

AGENTS = 61
PHASES = 8
STATES = ("waiting", "running", "done")
known: deque[tuple[str, str]] = deque(maxlen=1000)  # workflows that were acknowledged to a creator: id, title


class Readers(OpenLoopUser):
    """People who look things up: lists most of all, and single workflows."""

    rate = 100
    weight = 12
    renew_after = 20

    @task(6)
    def list_newest(self) -> None:
        """The first page."""
        with self.rest("GET", "/workflows?limit=20", name="GET /workflows") as answer:
            listed = answer.js["workflows"]
            assert len(listed) <= 20
            assert all(workflow["id"] for workflow in listed)

    @task(5)
    def read_one(self) -> None:
        """A workflow that somebody created; while nobody has, the first page."""
        if not known:
            self.list_newest()
            return
        identity, title = self.random.choice(known)
        with self.rest("GET", f"/workflows/{identity}", name="GET /workflows/{id}") as answer:
            assert answer.js["id"] == identity
            assert answer.js["title"] == title

    @task(1)
    def list_done(self) -> None:
        """What is through: of no other state."""
        with self.rest("GET", "/workflows?state=done&limit=20", name="GET /workflows?state=done") as answer:
            assert all(workflow["state"] == "done" for workflow in answer.js["workflows"])


class Watchers(OpenLoopUser):
    """People who wait for their workflow, and screens on a wall."""

    rate = 100
    weight = 5
    renew_after = 20
    limit_s = 1.0  # whoever watches asks again sooner than waiting for longer

    @task(6)
    def progress(self) -> None:
        """How far the newest workflow is; while there is none, the status."""
        if not known:
            self.status()
            return
        identity, _ = known[-1]
        with self.rest("GET", f"/workflows/{identity}", name="GET /workflows/{id} progress") as answer:
            assert answer.js["id"] == identity
            assert answer.js["state"] in STATES
            assert 0 <= answer.js["done"] <= PHASES

    @task(3)
    def status(self) -> None:
        """What the service says of itself."""
        with self.rest("GET", "/status") as answer:
            assert answer.js["version"]

    @task(1)
    def agents(self) -> None:
        """All the agents, also those that nobody holds just now."""
        with self.rest("GET", "/agents") as answer:
            assert len(answer.js["agents"]) == AGENTS


class Creators(OpenLoopUser):
    """Scripts that create workflows."""

    rate = 100
    weight = 3
    renew_after = 1
    limit_s = 5.0

    def on_start(self) -> None:
        self.prefix = f"mixed-{uuid.uuid4().hex[:12]}"
        self.created = 0
        super().on_start()

    @task
    def create(self) -> None:
        """A new workflow, of a size that varies. It is known only once it was acknowledged."""
        self.created += 1
        identity, title = f"{self.prefix}-{self.created}", f"workflow {self.created}"
        body = {"id": identity, "title": title, "payload": {"text": title * self.random.randint(1, 40)}}
        with self.rest("POST", "/workflows", name="POST /workflows", json=body, status=(201,)) as answer:
            assert answer.js["id"] == identity
            known.append((identity, title))
