"""Whether an answer is right is decided in one place."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from tests.probes.service import Service, system_of, unused_port

from muster.probes.answers.reading import judged_expect, judged_read, read_once
from muster.probes.http.exchange import Answer
from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.found import judged_read_back
from muster.probes.ledger.store import Seen
from muster.system.definition import ExpectProbe, ReadProbe, Request, read_system

ROOT = Path(__file__).resolve().parents[2]

READ = system_of().read
ANYTHING = ReadProbe(request=Request(path="/status"))
FLEET = ExpectProbe(name="fleet", request=Request(path="/fleet"), expect={"degraded": False})


def answer(body: bytes, outcome: Outcome = Outcome.OK, why: str = "") -> Answer:
    return Answer(1.0, 2.0, outcome, "new", True, 200, body, why)


@pytest.mark.parametrize(
    ("probe", "body", "wrong"),
    [
        (READ, b'{"status": {"ok": false}}', ""),
        (READ, b'{"status": {}}', "the answer holds no 'status.ok'"),
        (READ, b"<html>all is well</html>", "the answer holds no 'status.ok'"),
        (ANYTHING, b"", ""),
    ],
)
def test_a_read_is_right_if_it_holds_what_it_must(probe: ReadProbe, body: bytes, wrong: str) -> None:
    judged = judged_read(probe, answer(body))
    assert (judged.outcome, judged.why) == (Outcome.WRONG if wrong else Outcome.OK, wrong)


def test_what_is_no_answer_is_left_as_it_was() -> None:
    shed = answer(b"{}", Outcome.SHED, "503")
    assert judged_read(READ, shed) is shed
    assert judged_expect(FLEET, shed) is shed
    assert judged_read_back("text", Seen(shed, None)).why == "reading back: 503"


def test_a_further_probe_is_right_if_it_holds_just_that() -> None:
    assert judged_expect(FLEET, answer(b'{"degraded": false}')).outcome is Outcome.OK
    assert judged_expect(FLEET, answer(b"{}")).why == "'degraded' is nothing, not false"


LISTED = ReadProbe.model_validate(
    {
        "request": {"path": "/"},
        "check": {"items.name": {"at_least": 1}},
        "once_written": {"items": {"at_least": 1}},
    }
)


@pytest.mark.parametrize(
    ("body", "written", "wrong"),
    [
        (b'{"items": [{"name": "a"}]}', True, ""),
        (b'{"items": []}', False, ""),  # nothing was stored yet
        (b'{"items": []}', True, "'items' is [], which is 0 long, not at least 1"),
        (b'{"items": [{}]}', False, "'items.name' is not there"),
        (b'{"items": [{"name": ""}]}', False, "'items.name' is \"\", which is 0 long, not at least 1"),
        (b"{}", False, "'items.name' is not there"),
    ],
)
def test_an_empty_list_is_right_only_while_nothing_was_written(body: bytes, written: bool, wrong: str) -> None:
    judged = judged_read(LISTED, answer(body), written=written)
    assert (judged.outcome, judged.why) == (Outcome.WRONG if wrong else Outcome.OK, wrong)


def test_the_reference_system_s_probes_are_not_satisfied_by_less() -> None:
    system = read_system(ROOT / "systems" / "enhancer")
    one = {"id": "a", "title": "t", "payload": None, "state": "done", "done": 8, "created": "2026"}
    whole = judged_read(system.read, answer(orjson.dumps({"workflows": [one] * 3})), written=True)
    assert whole.outcome is Outcome.OK, whole.why
    lies: list[object] = [
        {},
        [],
        {"workflows": []},
        {"workflows": None},
        {"workflows": "many"},
        {"workflows": [one] * 4},
    ]
    lies += [{"workflows": [one, {k: v for k, v in one.items() if k != gone}]} for gone in ("id", "title", "payload")]
    lies += [{"workflows": [{**one, "title": ""}]}, {"workflows": [{**one, "state": "lost"}]}, {"workflows": [None]}]
    for lie in lies:
        assert judged_read(system.read, answer(orjson.dumps(lie)), written=True).outcome is Outcome.WRONG, lie
    agents = system.further_probe("agents")
    status = {"degraded": False, "agents_available": 61, "agents_total": 61}
    assert judged_expect(agents, answer(orjson.dumps(status))).outcome is Outcome.OK
    for lie in ({"degraded": False}, {**status, "agents_available": None}, {**status, "agents_available": 59}):
        assert judged_expect(agents, answer(orjson.dumps(lie))).outcome is Outcome.WRONG, lie


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (["text"], ""),
        ([], "is not there"),
        (None, "is not there"),
        (["text", "text"], "is there more than once"),
        (["else"], "has another content"),
    ],
)
def test_a_write_is_right_if_it_is_there_once_and_as_written(contents: list[object] | None, said: str) -> None:
    judged = judged_read_back("text", Seen(answer(b""), contents))
    assert judged.outcome is (Outcome.WRONG if said else Outcome.OK)
    assert judged.why == (f"reading back: what was acknowledged {said}" if said else "")


def test_one_read_of_a_service() -> None:
    with Service() as service:
        assert read_once(service.url, READ).outcome is Outcome.OK
        service.pages["/status"] = {}
        assert read_once(service.url, READ).why == "the answer holds no 'status.ok'"
    assert read_once(f"http://127.0.0.1:{unused_port()}", READ).outcome is Outcome.REFUSED
