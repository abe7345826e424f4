"""The load's own HTTP, against a real server that misbehaves."""

from __future__ import annotations

import pytest
from tests.probes.service import CUT, CUT_EARLY, EMPTY, GARBAGE, HANG, RESET, Service, silent_port, unused_port

from muster.load.connection import Connections, NoAnswerError, Reply
from muster.load.destination import Destination
from muster.probes.http.outcomes import Outcome

LIMIT_S = 0.3


def connections(url: str, *, renew_after: int = 20) -> Connections:
    return Connections(Destination.of(url), limit_s=LIMIT_S, renew_after=renew_after)


def get(to: Connections, path: str = "/status") -> Reply:
    return to.request("GET", path, None, {})


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (HANG, Outcome.TIMEOUT),
        (RESET, Outcome.RESET),
        (EMPTY, Outcome.EMPTY),
        (CUT, Outcome.EMPTY),
        (CUT_EARLY, Outcome.EMPTY),
        (GARBAGE, Outcome.WRONG),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_each_way_to_misbehave_has_its_outcome(behaviour: str, outcome: Outcome, kept: bool) -> None:
    with Service() as service:
        to = connections(service.url)
        if kept:
            get(to)
        service.behaviour = behaviour
        with pytest.raises(NoAnswerError) as raised:
            get(to)
        assert raised.value.outcome is outcome, raised.value
        assert raised.value.conn == ("kept" if kept else "new")
        service.behaviour = None
        assert get(to).conn == "new", "a connection that failed is not used again"
        to.close()


def test_a_closed_port_is_refused() -> None:
    with pytest.raises(NoAnswerError) as raised:
        get(connections(f"http://127.0.0.1:{unused_port()}"))
    assert (raised.value.outcome, str(raised.value)) == (Outcome.REFUSED, "Connection refused")


def test_a_port_that_takes_no_connection_times_out() -> None:
    with silent_port() as url, pytest.raises(NoAnswerError) as raised:
        get(connections(url))
    assert raised.value.outcome is Outcome.TIMEOUT


def test_an_answer_is_whole_and_tells_its_status() -> None:
    with Service() as service:
        service.pages["/large"] = {"text": "x" * 300_000}
        to = connections(service.url)
        reply = get(to, "/large")
        assert (reply.status, len(reply.body) > 300_000, reply.retry_after) == (200, True, False)
        created = to.request("POST", "/items", b'{"id": "7"}', {"Content-Type": "application/json"})
        assert (created.status, created.conn, service.store) == (201, "kept", {"7": {"id": "7"}})
        service.behaviour, service.headers = 503, {"Retry-After": "1"}
        assert (get(to).status, get(to).retry_after) == (503, True)
        to.close()


def test_connections_are_renewed_after_their_requests() -> None:
    with Service() as service:
        to = connections(service.url, renew_after=3)
        conns = [get(to).conn for _ in range(7)]
        to.close()
    assert conns == ["new", "kept", "kept", "new", "kept", "kept", "new"]
    assert service.connections == 3


def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    with Service() as service:
        service.headers = {"Connection": "close"}
        to = connections(service.url)
        assert [get(to).conn for _ in range(2)] == ["new", "new"]
        service.headers = {}
        get(to)
        service.close_port()
        service.open_port()
        assert get(to).conn == "new", "an idle connection that was broken is no violation"
        to.close()


def test_a_request_is_never_repeated_behind_our_back() -> None:
    with Service() as service:
        to = connections(service.url)
        get(to)
        service.behaviour = RESET
        with pytest.raises(NoAnswerError):
            get(to)
        assert len(service.requests) == 2
        to.close()
