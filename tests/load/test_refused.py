"""What Locust would run, and an open loop cannot, is refused at start by one sentence that says what to write."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.load.test_kinds import by_hand
from tests.load.test_run import of_kind
from tests.probes.service import Service

from muster.base.process import Child
from muster.base.waiting import wait_for
from muster.load.run import LoadError, LoadRun

# What a file says beside a kind of users that is right, and what is said of it.
FILES = {
    "shape": (
        "class Ramp(LoadTestShape):\n    def tick(self):\n        return (100, 10)",
        "Ramp is a LoadTestShape, .* right would be load\\(stages=\\[...\\]\\) in the drill",
    ),
    "abstract shape": (
        "class Ramp(LoadTestShape):\n    abstract = True\n    def tick(self):\n        return (100, 10)",
        "",
    ),
    "sequence": (
        "class Web(OpenLoopUser):\n    @task\n    class Flow(SequentialTaskSet):\n        tasks = [print]",
        "task Flow of Web is a SequentialTaskSet, .* right would be one method below @task that sends its requests one",
    ),
    "set": (
        "class Flow(TaskSet):\n    tasks = [print]\nclass Web(OpenLoopUser):\n    tasks = {Flow: 2}",
        "Flow of Web is a TaskSet",
    ),
    "chain": (
        "class Go(MarkovTaskSet):\n    @transition('a')\n    def a(self): pass\nclass Web(OpenLoopUser): tasks = [Go]",
        "Go of Web is a MarkovTaskSet",
    ),
    "async": (
        "class Web(OpenLoopUser):\n    @task\n    async def read(self): pass",
        "task read of Web is 'async'; right would be a plain 'def'",
    ),
    "yield": (
        "class Web(OpenLoopUser):\n    @task\n    def read(self):\n        yield 1",
        "task read of Web has a 'yield'",
    ),
    "text": ("class Web(OpenLoopUser):\n    tasks = ['read']", "task 'read' of Web cannot be called"),
    "negative kind": (
        "class Web(OpenLoopUser):\n    weight = -1\n    tasks = [print]",
        "the weight of Web is -1; right would be a number, 0 or more",
    ),
    "negative task": (
        "class Web(OpenLoopUser):\n    tasks = [print]\n    @task(-2)\n    def read(self): pass",
        "the weight of task read of Web is -2; right would be a whole number, 0 or more",
    ),
    "weightless kind": ("class Web(OpenLoopUser):\n    weight = 0\n    tasks = [print]", ""),
    "count": ("class Web(OpenLoopUser):\n    fixed_count = 3\n    tasks = [print]", "Web has a fixed_count, .* weight"),
    "wait": (
        "class Web(OpenLoopUser):\n    wait_time = between(1, 2)\n    tasks = [print]",
        "Web has a wait_time, .* right would be to leave it out",
    ),
    "wait method": (
        "class Web(OpenLoopUser):\n    tasks = [print]\n    def wait_time(self): return 1",
        "Web has a wait_time",
    ),
    "other client": (
        "class Web(OpenLoopUser, HttpUser):\n    tasks = [print]",
        "Web is a HttpUser as well, .* right would be OpenLoopUser alone, with self.rest",
    ),
    "other user": ("class Web(HttpUser):\n    tasks = [print]", "users must be .*OpenLoopUser, and Web is not"),
    "no task": ("class Web(OpenLoopUser):\n    pass", "Web has no task"),
    "task by method": ("class Web(OpenLoopUser):\n    @task\n    def read(self): pass", ""),
    "rate": ("class Web(OpenLoopUser):\n    rate = 'fast'\n    tasks = [print]", "rate of Web is 'fast'"),
    "limit": ("class Web(OpenLoopUser):\n    limit_s = 0\n    tasks = [print]", "limit_s of Web is 0"),
    "renewal": ("class Web(OpenLoopUser):\n    renew_after = 0\n    tasks = [print]", "renew_after of Web is 0"),
}

# Locust must not be imported here: it patches the process.
LOOK = """
import json, sys
from locust import *
from locust.env import Environment
from locust.util.load_locustfile import load_locustfile
from muster.base.errors import UsageError
from muster.load.declared import check_file, check_weights
from muster.load.openloop import OpenLoopUser
said = {}
for path in sys.argv[1:]:
    kinds, shapes = load_locustfile(path)
    try:
        check_weights(OpenLoopUser)
        environment = Environment(user_classes=list(kinds.values()), shape_class=shapes[0] if shapes else None)
        check_file(environment, environment.create_local_runner(), OpenLoopUser)
        said[path] = ""
    except UsageError as error:
        said[path] = str(error)
    for kind in kinds.values():
        kind.weight = 1
        for each in list(vars(kind).values()):
            if hasattr(each, "locust_task_weight"):
                each.locust_task_weight = 1  # it stays a kind of users, and is looked at again with the next file
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each file."""
    directory = tmp_path_factory.mktemp("files")
    paths = {name: directory / f"{name.replace(' ', '_')}.py" for name in FILES}
    for name, path in paths.items():
        path.write_text(
            f"from locust import *\nfrom muster.load.openloop import OpenLoopUser\n{FILES[name][0]}\n"
            "class Right(OpenLoopUser):\n    tasks = [print]\n"
        )
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *map(str, paths.values())], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: found[str(path)] for name, path in paths.items()}


@pytest.mark.parametrize("name", FILES)
def test_what_would_be_ignored_is_refused(name: str, said: dict[str, str]) -> None:
    expected = FILES[name][1]
    assert re.search(expected, said[name]) if expected else said[name] == ""


RIGHT = """
from locust import LoadTestShape, SequentialTaskSet, events, task
from locust.exception import StopUser
from muster.load.openloop import OpenLoopUser

class Items(OpenLoopUser):
    @task
    def status(self):
        {body}
        with self.rest("GET", "/status", name="status"):
            pass
{more}
"""


def start(timeline: Path, url: str, *, body: str = "pass", more: str = "") -> LoadRun:
    profile = timeline.parent / "items.py"
    profile.write_text(RIGHT.format(body=body, more=more))
    return LoadRun.start(profile, rate=100, url=url, timeline=timeline, directory=timeline.parent, ceiling=1000)


@pytest.mark.parametrize(
    ("body", "more", "said"),
    [
        ("pass", "class Ramp(LoadTestShape):\n    def tick(self): return (9, 9)", "error: Ramp is a LoadTestShape"),
        ("pass", "class Web(OpenLoopUser):\n    weight = -1\n    tasks = [print]", "error: the weight of Web is -1"),
        ("return", "", "error: task status sent no request, nor did any other; right would be: with self.rest"),
        (
            "self.client.get('/status')",
            "",
            "error: task status sent no request: there is no self.client in an open loop",
        ),
        ("1 / 0", "", "error: task status sent no request: ZeroDivisionError: division by zero, nor did any other"),
        ("self.rest('GET', 'http://other/').__enter__()", "", "'http://other/' is no path on the service"),
    ],
    ids=["shape", "weight", "nothing", "client", "error", "absolute"],
)
def test_a_load_that_is_refused_never_begins_and_says_why(body: str, more: str, said: str, timeline: Path) -> None:
    with Service() as service:
        run = start(timeline, service.url, body=body, more=more)
        with pytest.raises(LoadError) as refused, run:
            pytest.fail("entered")
        assert not service.requests
    assert str(refused.value).startswith("load profile 'items' cannot be run: error: ")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("self.environment.runner.quit()", "its file, or an option like --run-time, ended the run, and a drill's load"),
        (
            "raise StopUser()",
            r"task status ended the run \(StopUser\), and a drill's load runs until the drill ends it",
        ),
    ],
    ids=["quit", "stop"],
)
def test_a_file_that_ends_its_own_run_breaks_the_load(body: str, reason: str, timeline: Path) -> None:
    first = f"self.asked = getattr(self, 'asked', 0) + 1\n        if self.asked == 40: {body}"
    with Service() as service, start(timeline, service.url, body=first) as run:
        wait_for(lambda: not run.alive(), within=20, reason="the load to end by itself")
    stopped = [event for event in of_kind(timeline, "load") if event["state"] == "stopped"]
    assert [event["broken"] for event in stopped] == [True]
    assert re.match(reason, stopped[0]["reason"])
    assert len(of_kind(timeline, "request")) >= 39


def test_by_hand_a_file_that_sends_nothing_ends_with_one_sentence(tmp_path: Path) -> None:
    profile, log = tmp_path / "items.py", tmp_path / "log"
    profile.write_text(RIGHT.format(body="return", more=""))
    command = [*by_hand(profile), "-u", "1", "--host", "http://127.0.0.1:1"]
    with (
        log.open("wb") as output,
        Child(command, stdout=output, stderr=output, cwd=tmp_path) as child,
    ):
        assert child.wait(within=30, reason="Locust to give up") == 1
    assert log.read_text().strip().splitlines()[-1].startswith("error: task status sent no request, nor did any other")
    assert "Traceback" not in log.read_text()
