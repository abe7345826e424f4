"""A load goes to the system under drill, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.load.test_run import of_kind
from tests.probes.service import Service

from muster.base.errors import UsageError
from muster.base.waiting import wait_for
from muster.load.destination import Destination
from muster.load.request_line import check_headers, encoded
from muster.load.run import LoadError, LoadRun

PROFILE = """
import socket
import requests
from locust import events, task
from muster.load.openloop import OpenLoopUser

OTHER = "{other}"

class Items(OpenLoopUser):
    {body}

    @task
    def status(self):
        {first}
        with self.rest("GET", "/status", name="status"):
            pass
"""


def start(timeline: Path, url: str, other: str, *, body: str = "rate = 60", first: str = "pass") -> LoadRun:
    profile = timeline.parent / "items.py"
    profile.write_text(PROFILE.format(other=other, body=body, first=first))
    return LoadRun.start(profile, rate=60, url=url, timeline=timeline, directory=timeline.parent, ceiling=1000, seed=1)


AS_IT_IS_MADE = """
    def __init__(self, environment):
        self.host = environment.host = OTHER
        super().__init__(environment)
"""
AS_IT_STARTS = """
    def on_start(self):
        self.host = OTHER
"""
AS_THE_TEST_STARTS = """
    @events.test_start.add_listener
    def later(environment, **_):
        environment.host = environment.user_classes[0].host = OTHER
"""
OF_SEVERAL = """
    tasks = [print]

class Others(Items):
    def __init__(self, environment):
        self.host = OTHER
        super().__init__(environment)

class Third(OpenLoopUser):
"""
ELSEWHERE = "has the host {other}, and the load goes to {url}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (AS_IT_IS_MADE, f"Items {ELSEWHERE}"),
        (AS_IT_STARTS, f"Items {ELSEWHERE}"),
        (AS_THE_TEST_STARTS, f"Items {ELSEWHERE}"),
        (OF_SEVERAL, f"Others {ELSEWHERE}"),
        ("def on_start(self): raise ValueError('no data')", "ValueError: no data"),
    ],
    ids=["as it is made", "as it starts", "as the test starts", "of one kind of several", "a start that fails"],
)
def test_a_kind_that_would_go_elsewhere_is_refused_at_start(body: str, said: str, timeline: Path) -> None:
    with Service() as service, Service() as other:
        run = start(timeline, service.url, other.url, body=body)
        with pytest.raises(LoadError) as refused, run:
            pytest.fail("entered")
        assert not service.requests
        assert not other.requests
    assert said.format(other=other.url, url=service.url) in str(refused.value)


@pytest.mark.parametrize(
    "first",
    [
        "requests.get(OTHER + '/status')",
        "socket.socket().connect_ex((OTHER[7:].split(':')[0], int(OTHER[7:].split(':')[1])))",
    ],
)
def test_what_a_task_asks_elsewhere_is_not_sent_and_refuses_the_load(first: str, timeline: Path) -> None:
    with Service() as service, Service() as other:
        run = start(timeline, service.url, other.url, first=first)
        with pytest.raises(LoadError, match=f"was about to connect to {other.url[7:]}, while the load goes to"), run:
            wait_for(lambda: not run.alive(), within=20, reason="the load")
        assert not other.requests
        assert not other.connections


def test_what_goes_elsewhere_later_is_told_on_the_timeline(timeline: Path) -> None:
    first = "self.asked = getattr(self, 'asked', 0) + 1\n        if self.asked > 30: requests.get(OTHER + '/status')"
    with Service() as service, Service() as other:
        with start(timeline, service.url, other.url, first=first):
            wait_for(
                lambda: any(event["state"] == "elsewhere" for event in of_kind(timeline, "load")),
                within=20,
                reason="it to be told",
            )
        assert not other.requests
    told = [event for event in of_kind(timeline, "load") if event["state"] == "elsewhere"]
    assert (told[0]["address"], told[0]["wanted"]) == (other.url[7:], service.url)
    assert f"was about to connect to {other.url[7:]}" in told[0]["reason"]
    stopped = next(event for event in of_kind(timeline, "load") if event["state"] == "stopped")
    assert stopped.get("broken") is None


def test_a_login_before_the_load_begins_may_go_where_it_must_and_another_name_is_no_other_host(timeline: Path) -> None:
    body = """
    def on_start(self):
        requests.get(OTHER + "/login")
        self.host = self.host.replace("127.0.0.1", "localhost")
    """
    with Service() as service, Service() as other:
        with start(timeline, service.url, other.url, body=body):
            assert of_kind(timeline, "request")
        assert other.requests == [("GET", "/login")]
    assert {event["outcome"] for event in of_kind(timeline, "request")} == {"ok"}
    assert "elsewhere" not in {event["state"] for event in of_kind(timeline, "load")}


def test_a_redirect_is_not_followed(timeline: Path) -> None:
    with Service() as service, Service() as other:
        service.behaviour, service.headers = 302, {"Location": f"{other.url}/status"}
        with start(timeline, service.url, other.url):
            assert of_kind(timeline, "request")
        assert not other.connections
    assert {(event["outcome"], event["status"]) for event in of_kind(timeline, "request")} == {("wrong", 302)}


@pytest.mark.parametrize("url", ["localhost:8080", "127.0.0.1", "ftp://a/b", "http://:80", "http://a:port", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="right would be an address like http"):
        Destination.of(url)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://127.0.0.1:8080", "http://localhost:8080/", True),
        ("http://A.example", "http://a.example:80", True),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081", False),
        ("http://127.0.0.1:8080", "http://127.0.0.2:8080", False),
        ("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/b", False),
        ("http://127.0.0.1:443", "https://127.0.0.1", False),
    ],
)
def test_another_name_of_the_same_address_is_the_same(one: str, other: str, same: bool) -> None:
    assert Destination.of(one).leads_to(Destination.of(other)) is same


def test_what_is_secret_in_an_address_is_not_shown() -> None:
    assert str(Destination.of("https://user:secret@[::1]:8443/api/")) == "https://[::1]:8443/api"


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/items?limit=20&x=a,b", "/items?limit=20&x=a,b"),
        ("/items/two words", "/items/two%20words"),
        ("/items/Zoë?q=日本", "/items/Zo%C3%AB?q=%E6%97%A5%E6%9C%AC"),
        ("/items/a%20b", "/items/a%20b"),
        ("/items/1#part", "/items/1"),
        ("/items\r\nX-More: 1", "/items%0D%0AX-More:%201"),
    ],
)
def test_paths_are_encoded(path: str, sent: str) -> None:
    assert encoded(path) == sent


@pytest.mark.parametrize("path", ["http://other:1/items", "items", "", "//other.example/items"])
def test_what_is_no_path_on_the_service_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="right would be one that begins with '/'"):
        encoded(path)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Host": "other.example"}, "asks for another service than 127.0.0.1:8080"),
        ({"X-A": "1\r\nHost: other"}, "holds a line break"),
        ({"X-A\n": "1"}, "holds a line break"),
    ],
)
def test_headers_that_lead_elsewhere_are_refused(headers: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_headers(headers, Destination.of("http://127.0.0.1:8080"))
