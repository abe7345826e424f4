"""What the prober asks and records, against a real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.probes.service import EMPTY, HANG, RESET, RESET_KEPT, Service, system_of
from tests.probes.watching import count, requests, wait_until, writes

from muster.base.event_buffer import EventBuffer
from muster.base.timeline import Event, Timeline, read_timeline
from muster.probes.http.exchange import Answer, Exchange
from muster.probes.http.outcomes import Outcome
from muster.probes.prober.loop import Probing
from muster.probes.prober.plan import Plan
from muster.system.definition import ExpectProbe, ReadProbe, Request


@contextmanager
def probing(
    service: Service,
    timeline: Path,
    *further: ExpectProbe,
    read: ReadProbe | None = None,
    writing: bool = True,
    **settings: float,
) -> Iterator[None]:
    """The prober's loop in a thread of this process, which is quicker than a process of its own."""
    system = system_of(**settings)  # type: ignore[arg-type]
    plan = Plan(
        timeline=timeline,
        url=service.url,
        run="test",
        read=read or system.read,
        ledger=system.ledger if writing else None,
        further=list(further),
        limits=system.prober,
    )
    loop, failures = asyncio.new_event_loop(), list[BaseException]()
    with Timeline(timeline) as target:
        subject = Probing(plan, EventBuffer(target), Exchange(plan.url))
        thread = threading.Thread(target=lambda: loop.run_until_complete(_run(subject, failures)))
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(subject.stop)
            thread.join()
            loop.close()
    assert not failures


async def _run(subject: Probing, failures: list[BaseException]) -> None:
    try:
        await subject.run()
    except BaseExceptionGroup as group:
        failures.append(group)
    finally:
        await subject._exchange.close()


def test_a_service_that_is_only_read_is_not_written_to(timeline: Path) -> None:
    with Service() as service, probing(service, timeline, writing=False):
        wait_until(timeline, lambda seen: count(seen, name="read") >= 4, "four reads")
    assert {method for method, _ in service.requests} == {"GET"}
    started = next(event for event in read_timeline(timeline) if event["kind"] == "prober")
    assert [probe["name"] for probe in started["probes"]] == ["read"]


def test_a_healthy_service_is_read_and_written_on_new_and_kept_connections(timeline: Path) -> None:
    kinds = [(name, conn) for name in ("read", "write") for conn in ("new", "kept")]

    def all_used(seen: list[Event]) -> bool:
        return all(count(seen, name=name, conn=conn) >= 3 for name, conn in kinds)

    with Service() as service, probing(service, timeline):
        wait_until(timeline, all_used, "three reads and writes over each kind of connection")
    seen = requests(timeline)
    assert {event["outcome"] for event in seen} == {"ok"}
    assert {(event["name"], event["write"]) for event in seen} == {("read", False), ("write", True)}
    assert all(event["intended"] <= event["sent"] <= event["done"] == event["t"] for event in seen)
    acknowledged = [event for event in writes(timeline) if event["outcome"] == "acknowledged"]
    assert {event["id"] for event in acknowledged} == set(service.store)
    assert all(event["asked"] <= event["answered"] for event in acknowledged)


def test_intended_times_do_not_drift_while_the_service_is_silent(timeline: Path) -> None:
    with Service() as service, probing(service, timeline, every_s=0.05, limit_s=0.4):
        service.behaviour = HANG
        wait_until(timeline, lambda seen: count(seen, outcome="timeout", name="read") >= 10, "ten timeouts")
    intended = sorted(event["intended"] for event in requests(timeline, "read"))
    ticks = [(time - intended[0]) / 0.05 * 4 for time in intended]  # quarters, as the edge rhythm has
    assert ticks == pytest.approx([round(tick) for tick in ticks], abs=1e-3), "intended times must not drift"
    skipped = count(read_timeline(timeline), state="behind", name="read")
    own = [tick for tick in ticks if round(tick) % 4 == 0]
    assert len(own) >= round(own[-1]) // 4 + 1 - skipped, "a silent service must not stop the asking"


@pytest.mark.parametrize(
    ("behaviour", "headers", "outcome", "certainty"),
    [
        (RESET, {}, Outcome.RESET, "indeterminate"),
        (EMPTY, {}, Outcome.EMPTY, "indeterminate"),
        (HANG, {}, Outcome.TIMEOUT, "indeterminate"),
        (500, {}, Outcome.ERROR, "indeterminate"),
        (503, {}, Outcome.ERROR, "indeterminate"),
        (503, {"Retry-After": "1"}, Outcome.SHED, "refused"),
        (409, {}, Outcome.WRONG, "refused"),
        (202, {}, Outcome.WRONG, "indeterminate"),
    ],
)
def test_a_write_without_its_acknowledgement(
    timeline: Path, behaviour: str | int, headers: dict[str, str], outcome: str, certainty: str
) -> None:
    with Service() as service:
        service.behaviour, service.headers = behaviour, headers
        with probing(service, timeline):
            wait_until(
                timeline, lambda seen: count(seen, name="write", outcome=outcome) >= 2, f"writes to be {outcome}"
            )
    assert {event["outcome"] for event in writes(timeline)} <= {certainty, "indeterminate"}
    assert certainty in {event["outcome"] for event in writes(timeline)}


def test_writes_to_a_closed_port_are_refused(timeline: Path) -> None:
    with Service() as service:
        service.close_port()
        with probing(service, timeline):
            wait_until(timeline, lambda seen: count(seen, name="write", outcome="refused") >= 2, "refusals")
        service.open_port()
    assert {event["outcome"] for event in writes(timeline)} == {"refused"}
    assert {event["answered"] for event in writes(timeline)} == {None}


@pytest.mark.parametrize(("fault", "why"), [("forgetful", "404"), ("garbling", "has another content")])
def test_an_acknowledged_write_that_is_not_found_as_written_is_a_violation_and_stays_acknowledged(
    timeline: Path, fault: str, why: str
) -> None:
    with Service() as service:
        setattr(service, fault, True)
        with probing(service, timeline):
            wait_until(timeline, lambda seen: count(seen, name="write") >= 2, "two writes")
    assert {event["outcome"] for event in requests(timeline, "write")} == {"wrong"}
    assert all(
        event["why"].startswith("reading back: ") and why in event["why"] for event in requests(timeline, "write")
    )
    assert {event["outcome"] for event in writes(timeline)} == {"acknowledged"}


def test_an_answer_with_the_wrong_content_is_wrong(timeline: Path) -> None:
    with Service() as service:
        service.pages["/status"] = {"status": "fine, they say"}
        with probing(service, timeline):
            wait_until(timeline, lambda seen: count(seen, name="read") >= 2, "two reads")
    [why] = {event["why"] for event in requests(timeline, "read")}
    assert why == "the answer holds no 'status.ok'"


def test_an_empty_list_is_wrong_from_when_something_was_written(timeline: Path) -> None:
    some = {"items": {"at_least": 1}}
    read = ReadProbe.model_validate({"request": {"path": "/items"}, "once_written": some, "every_s": 0.02})
    with Service() as service:
        service.pages["/items"] = {"items": []}
        with probing(service, timeline, read=read):
            wait_until(timeline, lambda seen: count(seen, name="read", outcome="wrong") >= 2, "two reads")
    first_write = min(event["t"] for event in writes(timeline) if event["outcome"] == "acknowledged")
    for event in requests(timeline, "read"):
        assert event["outcome"] == ("wrong" if event["sent"] > first_write + 1 else event["outcome"])
        assert event["outcome"] == "ok" or event["done"] > first_write
    assert {event.get("why") for event in requests(timeline, "read") if event["outcome"] == "wrong"} == {
        "'items' is [], which is 0 long, not at least 1"
    }


def test_a_write_that_is_made_in_time_but_found_too_late_is_a_timeout_and_was_looked_for(timeline: Path) -> None:
    with Service() as service:
        service.delay = 0.4  # less than the limit, and twice that is more
        with probing(service, timeline, every_s=0.2, limit_s=0.6):
            wait_until(timeline, lambda seen: count(seen, name="write", outcome="timeout", status=200) >= 2, "two")
    late = [event for event in requests(timeline, "write") if event["outcome"] == "timeout" and event["status"]]
    assert all(event["why"].startswith("written and read back only after ") for event in late)
    assert all(event["done"] - event["sent"] > 0.6 for event in late)


RIGHT = Answer(sent=100.0, done=100.5, outcome=Outcome.OK, conn="new", asked=True, status=200)
LATE = Answer(sent=100.0, done=101.2, outcome=Outcome.OK, conn="new", asked=True, status=200)
SILENT = Answer(sent=100.0, done=101.0, outcome=Outcome.TIMEOUT, conn="new", asked=True, why="not answered")
RESET_LATE = Answer(sent=100.0, done=101.2, outcome=Outcome.RESET, conn="new", asked=True, why="reset")
FAILED = Answer(sent=100.0, done=101.2, outcome=Outcome.ERROR, conn="new", asked=True, status=500, why="500")


@pytest.mark.parametrize(
    ("answer", "own_s", "recorded"),
    [
        (RIGHT, 0.0, "ok"),
        (RIGHT, 0.5, "ok"),
        (LATE, 0.0, "timeout"),
        (LATE, 0.1, "timeout"),
        (LATE, 0.3, "behind"),
        (SILENT, 0.0, "timeout"),
        (SILENT, 0.4, "timeout"),
        (SILENT, 0.5, "behind"),
        (RESET_LATE, 1.2, "reset"),
        (FAILED, 1.2, "error"),
    ],
)
def test_only_what_this_process_itself_may_have_caused_is_not_charged_to_the_service(
    timeline: Path, answer: Answer, own_s: float, recorded: str
) -> None:
    system = system_of(limit_s=1.0)
    plan = Plan(timeline=timeline, url="http://127.0.0.1", run="test", read=system.read, ledger=system.ledger)
    with Timeline(timeline) as target:
        events = EventBuffer(target)
        subject = Probing(plan, events, Exchange(plan.url))
        subject._lateness.note(100.0, 100.0 + own_s)
        subject._record(subject._schedules()[0], 100.0, answer, "answered")
        events.flush()
    [event] = [event for event in read_timeline(timeline) if event["kind"] in ("request", "prober")]
    assert event.get("state", event.get("outcome")) == recorded
    assert recorded == "ok" or event["why"]
    assert event["intended"] == 100.0


def test_a_further_probe_is_wrong_for_as_long_as_the_answer_is_not_as_expected(timeline: Path) -> None:
    agents = ExpectProbe(name="agents", request=Request(path="/fleet"), expect={"degraded": False}, every_s=0.02)

    def asked(outcome: str, times: int) -> Callable[[list[Event]], bool]:
        return lambda seen: count(seen, name="agents", outcome=outcome) >= times

    with Service() as service:
        service.pages["/fleet"] = {"degraded": True}
        with probing(service, timeline, agents):
            wait_until(timeline, asked("wrong", 2), "two wrong answers")
            service.pages["/fleet"] = {"degraded": False}
            wait_until(timeline, asked("ok", 2), "two right answers")
    (why,) = {event["why"] for event in requests(timeline) if event["outcome"] == "wrong"}
    assert why == "'degraded' is true, not false"
    assert count(requests(timeline), name="agents", write=True) == 0


def outage(seen: list[Event], name: str, conn: str) -> list[Event]:
    """Requests of a probe over one kind of connection that were not answered."""
    of_kind = [event for event in seen if event.get("name") == name and event.get("conn") == conn]
    return [event for event in of_kind if event["outcome"] in ("refused", "reset")]


def in_between(timeline: Path, name: str, every_s: float) -> list[Event]:
    """The turns of a probe that are not of its own rhythm, which began with its first turn."""
    seen = requests(timeline, name)
    first = min(event["intended"] for event in seen)
    return [e for e in seen if abs((turn := (e["intended"] - first) / every_s) - round(turn)) > 0.05]


def test_a_probe_that_is_not_answered_asks_in_between_until_it_is_again(timeline: Path) -> None:
    with Service() as service, probing(service, timeline, every_s=0.1):
        wait_until(timeline, lambda seen: count(seen, name="read", outcome="ok") >= 3, "a healthy service")
        service.close_port()
        wait_until(timeline, lambda seen: count(seen, name="read", outcome="refused") >= 12, "refusals")
        service.open_port()
        back = len(requests(timeline))
        wait_until(timeline, lambda seen: count(seen[back:], name="read", outcome="ok") >= 12, "good answers")
    seen = sorted(requests(timeline, "read"), key=lambda event: event["sent"])
    bad = [event["sent"] for event in seen if event["outcome"] != "ok"]
    between = {event["intended"] for event in in_between(timeline, "read", 0.1)}
    assert len(between) >= 6, "most of the turns of an outage are in between"
    assert not [t for t in between if t < bad[0]], "a healthy service is asked at the probe's own rhythm"
    assert not [event for event in seen[-3:] if event["intended"] in between], "answered, it keeps its own rhythm again"
    assert [e["conn"] for e in seen if e["outcome"] == "ok"].count("kept") >= 3


@pytest.mark.parametrize(("behaviour", "headers"), [(503, {"Retry-After": "1"}), (500, {}), (404, {})])
def test_a_service_that_answers_badly_is_never_asked_more(
    timeline: Path, behaviour: int, headers: dict[str, str]
) -> None:
    with Service() as service:
        service.behaviour, service.headers = behaviour, headers
        with probing(service, timeline, every_s=0.05, limit_s=5):
            wait_until(timeline, lambda seen: count(seen, name="read") >= 12, "bad answers")
    assert not in_between(timeline, "read", 0.05)
    assert not in_between(timeline, "write", 0.05)


@pytest.mark.parametrize("name", ["read", "write"])
def test_an_outage_in_new_connections_only_is_seen_while_kept_ones_serve(timeline: Path, name: str) -> None:
    def told(seen: list[Event]) -> bool:
        return len(outage(seen, name, "new")) >= 4

    with Service() as service, probing(service, timeline, every_s=0.04):
        wait_until(timeline, lambda seen: count(seen, name=name, conn="kept", outcome="ok") >= 2, "kept connections")
        service.refuse_new()
        wait_until(timeline, told, "refused new connections")
    seen = sorted(requests(timeline, name), key=lambda event: event["sent"])
    first = next(event["sent"] for event in seen if event["outcome"] == "refused")
    served = [e for e in seen if e["sent"] > first and e["conn"] == "kept"]
    assert {event["outcome"] for event in served} == {"ok"}, "kept connections must have been used all along"
    assert in_between(timeline, name, 0.04), "the edge rhythm must go on while one kind is not answered"


def test_an_outage_in_kept_connections_only_is_seen_while_new_ones_serve(timeline: Path) -> None:
    # The probes share kept connections: which of them meets a broken one, and which opens the next, is chance.
    def told(seen: list[Event]) -> bool:
        return sum(len(outage(seen, name, "kept")) for name in ("read", "write")) >= 4

    with Service() as service, probing(service, timeline, every_s=0.04):
        wait_until(timeline, lambda seen: count(seen, name="read", conn="kept", outcome="ok") >= 2, "kept connections")
        service.behaviour = RESET_KEPT
        wait_until(timeline, told, "reset kept connections")
        service.behaviour = None
        wait_until(timeline, lambda seen: count(seen[-12:], outcome="ok") >= 4, "service to be back")
    for name in ("read", "write"):
        assert {e["outcome"] for e in requests(timeline, name) if e["conn"] == "new"} <= {"ok", "reset"}
    assert in_between(timeline, "read", 0.04) or in_between(timeline, "write", 0.04)
