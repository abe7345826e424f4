"""What the prober asks and records, against a real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.probes.service import EMPTY, HANG, RESET, Service, system_of
from tests.probes.watching import count, requests, wait_until, writes

from muster.base.timeline import Event, Timeline, read_timeline
from muster.probes.events import EventBuffer
from muster.probes.exchange import Exchange
from muster.probes.outcomes import Outcome
from muster.probes.plan import Plan
from muster.probes.probing import Probing


@contextmanager
def probing(service: Service, timeline: Path, **settings: float) -> Iterator[None]:
    """The prober's loop in a thread of this process, which is quicker than a process of its own."""
    system = system_of(**settings)  # type: ignore[arg-type]
    plan = Plan(timeline=timeline, url=service.url, run="test", read=system.read, ledger=system.ledger)
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
    ticks = [(time - intended[0]) / 0.05 for time in intended]
    assert ticks == pytest.approx([round(tick) for tick in ticks], abs=1e-4), "intended times must not drift"
    skipped = count(read_timeline(timeline), state="behind", name="read")
    assert len(ticks) >= round(ticks[-1]) + 1 - skipped, "a silent service must not stop the asking"


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
