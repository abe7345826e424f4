"""What an answer to a write means, where system.yaml says more of it than its status."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from tests.probes.catalogue import Catalogue, catalogue_system
from tests.probes.watching import count, wait_until, writes

from muster.probes.http.exchange import Answer
from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.http_store import filled, judged_create
from muster.probes.ledger.one_write import write_once
from muster.probes.prober.process import Prober
from muster.system.definition import LedgerSpec, Request

SPEC = catalogue_system().ledger


def answer(document: object, status: int = 201, outcome: Outcome = Outcome.OK) -> Answer:
    return Answer(1.0, 2.0, outcome, "new", True, status, orjson.dumps(document))


@pytest.mark.parametrize(
    ("document", "certainty", "key", "why"),
    [
        ({"state": "durable", "thing": {"number": 17}}, "acknowledged", "17", ""),
        ({"state": "durable", "thing": {"number": "x/y"}}, "acknowledged", "x/y", ""),
        ({"state": "queued", "thing": {"number": 17}}, "indeterminate", None, '\'state\' is "queued", not "durable"'),
        ({"thing": {"number": 17}}, "indeterminate", None, "'state' is nothing"),
        ({"state": "durable", "thing": {}}, "indeterminate", None, "no 'thing.number' says what the service calls it"),
        ({"state": "durable", "thing": {"number": True}}, "indeterminate", None, "no 'thing.number'"),
        ("not an object", "indeterminate", None, "'state' is nothing"),
    ],
)
def test_only_an_answer_that_says_so_acknowledges(document: object, certainty: str, key: str | None, why: str) -> None:
    assert isinstance(SPEC, LedgerSpec)
    written = judged_create(SPEC, answer(document))
    assert (written.certainty, written.key, written.answered) == (certainty, key, 2.0)
    assert written.answer.outcome == (Outcome.OK if certainty == "acknowledged" else Outcome.WRONG)
    assert why in written.answer.why


def test_a_status_that_acknowledges_is_no_refusal_whatever_it_is() -> None:
    assert isinstance(SPEC, LedgerSpec)
    there_already = SPEC.model_copy(update={"create": SPEC.create.model_copy(update={"status": [201, 409]})})
    assert judged_create(there_already, answer({"state": "no"}, 409)).certainty == "indeterminate"
    assert judged_create(SPEC, answer({"state": "no"}, 409, Outcome.WRONG)).certainty == "refused"


def test_what_is_filled_in_stays_one_segment_of_a_path_and_is_nobodys_template() -> None:
    request = Request(path="/a/{key}?q={id}", body={"it": "{key} {content}"})
    made = filled(request, key="x/y?{id}", id="m 1", content="{key}")
    assert (made.path, made.body) == ("/a/x%2Fy%3F%7Bid%7D?q=m%201", {"it": "x/y?{id} {key}"})


def test_the_services_own_ids_are_noted_and_read_by(timeline: Path) -> None:
    with Catalogue() as service, Prober.start(catalogue_system(), service.url, timeline, timeline.parent):
        wait_until(timeline, lambda seen: count(seen, name="write", outcome="ok") >= 3, "writes that are read back")
    noted = {event["key"]: event["id"] for event in writes(timeline) if event["outcome"] == "acknowledged"}
    assert noted == {key: thing["name"] for key, thing in service.store.items() if key in noted}
    assert len(noted) >= 3
    assert all(identity.startswith("muster-") for identity in noted.values())


def test_what_is_queued_only_is_not_acknowledged(timeline: Path) -> None:
    with Catalogue() as service:
        service.state = "queued"
        with Prober.start(catalogue_system(), service.url, timeline, timeline.parent):
            wait_until(timeline, lambda seen: count(seen, name="write", outcome="wrong") >= 2, "writes that are wrong")
    assert {event["outcome"] for event in writes(timeline)} == {"indeterminate"}


def test_one_write_leaves_nothing_where_it_can_be_removed() -> None:
    with Catalogue() as service:
        assert write_once(service.url, catalogue_system()).outcome is Outcome.OK
        assert service.store == {}
        assert write_once(service.url, catalogue_system(delete=False)).outcome is Outcome.OK
        assert len(service.store) == 1
