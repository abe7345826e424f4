"""Finding writes again after a recovery."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.probes.service import GARBAGE, Service, system_of

from muster.base.timeline import Timeline, TimelineError, read_timeline
from muster.probes.http.exchange import Answer
from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.http_store import seen
from muster.probes.ledger.read_back import classify, read_back
from muster.probes.ledger.store import Entry, digest
from muster.system.definition import LedgerSpec

SPEC = system_of().ledger


def written(path: Path, **outcomes: str) -> Path:
    """A timeline with one write per id, whose content is `content of <id>`."""
    with Timeline.start(path, run="run", drill="drill") as timeline:
        for number, (identity, outcome) in enumerate(outcomes.items()):
            timeline.append(
                "write",
                id=identity,
                asked=float(number),
                answered=number + 0.1,
                outcome=outcome,
                digest=digest(f"content of {identity}"),
            )
    return path


def stored(*ids: str) -> dict[str, object]:
    return {identity: {"id": identity.split("#")[0], "a": {"b": f"content of {identity}"}} for identity in ids}


def found(timeline: Path) -> dict[str, str]:
    return {event["id"]: event["found"] for event in read_timeline(timeline) if event["kind"] == "readback"}


def test_each_write_is_found_same_altered_or_lost(tmp_path: Path) -> None:
    timeline = written(
        tmp_path / "t", a="acknowledged", b="acknowledged", c="acknowledged", d="indeterminate", e="refused"
    )
    with Service() as service:
        service.store = {**stored("a", "d"), "b": {"id": "b", "a": {"b": "something else"}}}
        result = read_back(system_of(), service.url, timeline, within_s=5)
    assert found(timeline) == {"a": "same", "b": "altered", "c": "lost", "d": "same"}
    assert (result.lost, result.altered, result.unread) == (["c"], ["b"], [])
    assert dict(result.acknowledged) == {"same": 1, "altered": 1, "lost": 1}
    assert dict(result.indeterminate) == {"same": 1}


def test_what_was_found_says_where(tmp_path: Path) -> None:
    timeline = written(tmp_path / "t", a="acknowledged", b="acknowledged", c="acknowledged")
    with Service() as service:
        service.store = {**stored("a"), "b": {"id": "b", "a": {"b": "something else"}}}
        read_back(system_of(), service.url, timeline, within_s=5)
    assert {event["id"]: event["why"] for event in read_timeline(timeline) if event["kind"] == "readback"} == {
        "a": "",
        "b": "GET /items/{id} holds it, but with another content",
        "c": "GET /items/{id} answered 404",
    }


def test_an_indeterminate_write_that_is_not_there_is_no_loss(tmp_path: Path) -> None:
    timeline = written(tmp_path / "t", a="indeterminate")
    with Service() as service:
        result = read_back(system_of(), service.url, timeline, within_s=5)
    assert result.lost == []
    assert found(timeline) == {"a": "lost"}, "what was found is told all the same"


def test_a_write_that_is_there_twice_is_duplicated(tmp_path: Path) -> None:
    timeline = written(tmp_path / "t", a="acknowledged", b="acknowledged", c="acknowledged")
    with Service() as service:
        service.store = {"a": stored("a")["a"], "a#2": stored("a")["a"], "b": stored("b")["b"]}
        result = read_back(system_of(search=True), service.url, timeline, within_s=5)
    assert found(timeline) == {"a": "duplicated", "b": "same", "c": "lost"}
    assert (result.duplicated, result.lost) == (["a"], ["c"])


@pytest.mark.parametrize("behaviour", [500, 503, 401, GARBAGE])
def test_a_service_that_does_not_answer_rightly_leaves_writes_unread_never_lost(
    tmp_path: Path, behaviour: str | int
) -> None:
    timeline = written(tmp_path / "t", a="acknowledged")
    with Service() as service:
        service.behaviour = behaviour
        result = read_back(system_of(), service.url, timeline, within_s=0.3)
    assert found(timeline) == {"a": "unread"}
    assert (result.unread, result.lost) == (["a"], [])
    assert len(service.requests) >= 2, "a violation must be asked again"


def test_violations_are_asked_again_until_the_service_is_back(tmp_path: Path) -> None:
    timeline = written(tmp_path / "t", a="acknowledged")
    with Service() as service:
        service.store = stored("a")
        service.close_port()
        back = threading.Timer(0.5, service.open_port)
        back.start()
        read_back(system_of(), service.url, timeline, within_s=10)
        back.join()
    assert found(timeline) == {"a": "same"}


def test_what_was_gone_or_altered_at_the_first_look_stays_so_whatever_a_later_one_shows(tmp_path: Path) -> None:
    timeline = written(tmp_path / "t", a="acknowledged", b="acknowledged", c="acknowledged")
    with Service() as service:
        service.store = {**stored("c"), "b": {"id": "b", "a": {"b": "something else"}}}
        appearing = threading.Timer(0.2, lambda: service.store.update(stored("a", "b")))
        appearing.start()
        result = read_back(system_of(), service.url, timeline, within_s=10)
        appearing.join()
    looks = [(event["id"], event["found"]) for event in read_timeline(timeline) if event["kind"] == "readback"]
    assert sorted(looks) == [("a", "lost"), ("a", "same"), ("b", "altered"), ("b", "same"), ("c", "same")]
    assert (result.lost, result.altered) == (["a"], ["b"])


def test_no_more_is_asked_than_the_rate_allows(tmp_path: Path) -> None:
    timeline = written(tmp_path / "t", **{f"w{number}": "acknowledged" for number in range(20)})
    with Service() as service:
        service.store = stored(*(f"w{number}" for number in range(20)))
        read_back(system_of(), service.url, timeline, rate=40)
    times = [event["t"] for event in read_timeline(timeline) if event["kind"] == "readback"]
    assert len(times) == 20
    assert times[-1] - times[0] >= 0.3, "20 questions at 40/s take half a second"


def test_a_service_in_trouble_is_asked_ever_less_often_and_never_more_than_the_rate_allows(tmp_path: Path) -> None:
    timeline = written(tmp_path / "t", **{f"w{number}": "acknowledged" for number in range(60)})
    with Service() as service:
        service.behaviour = 500
        result = read_back(system_of(), service.url, timeline, within_s=1.5, rate=60)
        times = service.times
    assert len(result.unread) == 60
    assert all(late - early >= 0.9 for early, late in zip(times, times[61:], strict=False)), "60 a second, at most"
    assert len(times) < 60, "2.5 s at 60/s would be 150: who does not answer is asked less"


def test_a_missing_timeline_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match="no such file"):
        read_back(system_of(), "http://127.0.0.1:1", tmp_path / "none")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(0, 1, Outcome.OK, "new", True, 200, b'{"id": "a", "a": {"b": "content of a"}}'), "same"),
        (Answer(0, 1, Outcome.OK, "new", True, 200, b'{"id": "a", "a": {"b": 7}}'), "altered"),
        (Answer(0, 1, Outcome.OK, "new", True, 200, b'{"id": "a"}'), "altered"),
        (Answer(0, 1, Outcome.OK, "new", True, 200, b'{"id": "z", "a": {"b": "content of a"}}'), "lost"),
        (Answer(0, 1, Outcome.OK, "new", True, 200, b"not JSON"), "unread"),
        (Answer(0, 1, Outcome.WRONG, "new", True, 404), "lost"),
        (Answer(0, 1, Outcome.WRONG, "new", True, 403), "unread"),
        (Answer(0, 1, Outcome.TIMEOUT, "new", True), "unread"),
    ],
)
def test_what_one_answer_says_of_a_write(answer: Answer, expected: str) -> None:
    assert isinstance(SPEC, LedgerSpec)
    write = {"id": "a", "digest": digest("content of a")}
    assert classify(write, seen(SPEC, Entry("a"), answer))[0] == expected
