"""A working day on the enhancer: three kinds of people, each with habits of their own.

Of 20 requests 12 come from people who read, 5 from people who watch their workflow's progress, 3 from people who create
workflows. Readers and watchers keep a connection for as long as a browser does; creators are scripts that open one for
each request, and wait longer. By hand, all of them or one kind alone:

    locust -f loadtests/mixed.py --headless -u 1 --host http://ADDRESS:8080 --rate 200
    locust -f loadtests/mixed.py Creators --headless -u 1 --host http://ADDRESS:8080 --rate 20
"""

from __future__ import annotations

import uuid

from _workflows import AGENTS, Known, Made, check_list
from locust import task

from muster.load.openloop import OpenLoopUser

PHASES = 8
known = Known()  # what was acknowledged to a creator
through: dict[str, Made] = {}  # "last": the one of them that was last seen to be done


def state_of(done: int) -> str:
    """The state of a workflow of which so many phases are done."""
    return "waiting" if done == 0 else "done" if done == PHASES else "running"


class Readers(OpenLoopUser):
    """People who look things up: lists most of all, and single workflows."""

    rate = 100
    weight = 12
    renew_after = 20

    @task(6)
    def list_newest(self) -> None:
        """The first page."""
        newest = known.newest
        with self.rest("GET", "/workflows?limit=20", name="GET /workflows") as answer:
            check_list(answer, known, newest)

    @task(5)
    def read_one(self) -> None:
        """A workflow that somebody created; while nobody has, the first page."""
        if not known:
            self.list_newest()
            return
        made = known.any(self.random)
        with self.rest("GET", f"/workflows/{made.id}", name="GET /workflows/{id}", reads=made.id) as answer:
            assert made.fits(answer.js)
            if answer.js["state"] == "done":
                through["last"] = made

    @task(1)
    def list_done(self) -> None:
        """What is through: of no other state, and one that was seen to be through is among it."""
        seen = through.get("last")
        with self.rest("GET", "/workflows?state=done&limit=20", name="GET /workflows?state=done") as answer:
            assert all(shown["state"] == "done" for shown in check_list(answer, known, seen))


class Watchers(OpenLoopUser):
    """People who wait for their workflow, and screens on a wall."""

    rate = 100
    weight = 5
    renew_after = 20
    limit_s = 1.0  # whoever watches asks again sooner than waiting for longer

    @task(6)
    def progress(self) -> None:
        """How far the newest workflow is; while there is none, the status."""
        if not known.newest:
            self.status()
            return
        made = known.newest
        path, name = f"/workflows/{made.id}", "GET /workflows/{id} progress"
        with self.rest("GET", path, name=name, reads=made.id) as answer:
            shown = answer.js
            assert made.fits(shown)
            done = shown["done"]
            if (shown["state"], len(shown["phases"])) != (state_of(done), done):
                answer.failure(f"state {shown['state']}, {len(shown['phases'])} phases, and {done} of them done")

    @task(3)
    def status(self) -> None:
        """What the service says of itself."""
        with self.rest("GET", "/status") as answer:
            assert answer.js["version"]

    @task(1)
    def agents(self) -> None:
        """All the agents, also those that nobody holds just now."""
        with self.rest("GET", "/agents") as answer:
            assert {agent["name"] for agent in answer.js["agents"]} == AGENTS


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
        title = f"workflow {self.created}"
        body = {
            "id": f"{self.prefix}-{self.created}",
            "title": title,
            "payload": {"text": title * self.random.randint(1, 40)},
        }
        with self.rest("POST", "/workflows", name="POST /workflows", json=body, status=(201,)) as answer:
            known.take(body, answer)
