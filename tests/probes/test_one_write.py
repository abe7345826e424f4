"""One write tells whether clients' writes are acknowledged and kept."""

from __future__ import annotations

from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.one_write import write_once

from .service import HANG, Service, system_of, unused_port

SYSTEM = system_of()


def test_a_write_that_is_acknowledged_and_found_is_ok() -> None:
    with Service() as service:
        answers = [write_once(service.url, SYSTEM) for _ in range(2)]
        assert [answer.outcome for answer in answers] == [Outcome.OK] * 2
        assert len(service.store) == 2  # each under an id of its own


def test_a_write_that_is_acknowledged_and_not_kept_is_wrong() -> None:
    with Service() as service:
        service.forgetful = True
        answer = write_once(service.url, SYSTEM)
    assert answer.outcome is Outcome.WRONG
    assert "reading back: 404" in answer.why


def test_a_write_that_is_kept_with_another_content_is_wrong() -> None:
    with Service() as service:
        service.garbling = True
        answer = write_once(service.url, SYSTEM)
    assert (answer.outcome, answer.why) == (Outcome.WRONG, "reading back: what was acknowledged has another content")


def test_a_service_that_does_not_answer_is_told_from_one_that_refuses() -> None:
    with Service() as service:
        service.behaviour = HANG
        hung = write_once(service.url, SYSTEM)
        assert (hung.outcome, hung.why) == (Outcome.TIMEOUT, "writing: not answered within 0.4 s")
    refused = write_once(f"http://127.0.0.1:{unused_port()}", SYSTEM)
    assert (refused.outcome, refused.why) == (Outcome.REFUSED, "writing: Connection refused")
