"""One request, against a real server that misbehaves in every way there is a word for."""

from __future__ import annotations

import asyncio

import pytest
from tests.probes.service import CUT, CUT_EARLY, EMPTY, GARBAGE, HANG, RESET, Service, silent_port, unused_port

from muster.probes.exchange import Answer, Exchange
from muster.probes.outcomes import Outcome
from muster.system.definition import Request

STATUS = Request(path="/status")
LIMIT_S = 0.3


def ask(url: str, *, kept: bool = False, times: int = 1, request: Request = STATUS) -> list[Answer]:
    async def ask_all() -> list[Answer]:
        async with Exchange(url) as exchange:
            return [await exchange.send(request, kept=kept, limit_s=LIMIT_S) for _ in range(times)]

    return asyncio.run(ask_all())


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (None, Outcome.OK),
        (HANG, Outcome.TIMEOUT),
        (RESET, Outcome.RESET),
        (EMPTY, Outcome.EMPTY),
        (CUT, Outcome.EMPTY),
        (CUT_EARLY, Outcome.EMPTY),
        (GARBAGE, Outcome.WRONG),
        (500, Outcome.ERROR),
        (503, Outcome.ERROR),
        (404, Outcome.WRONG),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_each_way_to_misbehave_has_its_outcome(behaviour: str | int | None, outcome: Outcome, kept: bool) -> None:
    with Service() as service:
        service.behaviour = behaviour
        [answer] = ask(service.url, kept=kept)
    assert answer.outcome is outcome, answer.why
    assert answer.asked
    assert bool(answer.why) == (outcome is not Outcome.OK), "all but ok say why"
    assert answer.sent <= answer.done


def test_a_clean_refusal_of_excess_load_is_shed() -> None:
    with Service() as service:
        service.behaviour, service.headers = 503, {"Retry-After": "1"}
        [answer] = ask(service.url)
    assert (answer.outcome, answer.status) == (Outcome.SHED, 503)


def test_a_closed_port_is_refused_and_nothing_was_asked() -> None:
    [answer] = ask(f"http://127.0.0.1:{unused_port()}")
    assert (answer.outcome, answer.asked, answer.why) == (Outcome.REFUSED, False, "Connection refused")


def test_a_port_that_takes_no_connection_times_out_and_nothing_was_asked() -> None:
    with silent_port() as url:
        [answer] = ask(url)
    assert (answer.outcome, answer.asked) == (Outcome.TIMEOUT, False)


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    [answer] = ask("http://no-such-service.invalid")
    assert answer.outcome in (Outcome.UNREACHABLE, Outcome.TIMEOUT)  # some resolvers take their time
    assert not answer.asked


def test_the_limit_bounds_the_whole_of_a_slow_answer() -> None:
    with Service() as service:
        service.delay = LIMIT_S * 1.5
        [answer] = ask(service.url)
    assert answer.outcome is Outcome.TIMEOUT
    assert answer.done - answer.sent >= LIMIT_S


def test_a_kept_connection_is_used_again_and_a_new_one_is_not() -> None:
    with Service() as service:
        assert [answer.conn for answer in ask(service.url, kept=True, times=3)] == ["new", "kept", "kept"]
        assert service.connections == 1
        assert [answer.conn for answer in ask(service.url, kept=False, times=3)] == ["new", "new", "new"]
        assert service.connections == 4


def test_a_kept_connection_that_the_server_ended_is_replaced_and_told_to_be_new() -> None:
    async def ask_around_a_restart(service: Service) -> list[Answer]:
        async with Exchange(service.url) as exchange:
            before = await exchange.send(STATUS, kept=True, limit_s=LIMIT_S)
            service.close_port()
            service.open_port()
            return [before, await exchange.send(STATUS, kept=True, limit_s=LIMIT_S)]

    with Service() as service:
        answers = asyncio.run(ask_around_a_restart(service))
    assert [answer.conn for answer in answers] == ["new", "new"]
    assert [answer.outcome for answer in answers] == [Outcome.OK, Outcome.OK]


def test_a_request_is_never_repeated_behind_our_back() -> None:
    with Service() as service:
        service.behaviour = RESET
        ask(service.url, kept=True, request=Request(method="POST", path="/items", body={"id": "1"}))
        assert service.requests == [("POST", "/items")]
