"""Asking each serving instance, over connections of their own."""

from __future__ import annotations

from tests.probes.service import Service

from muster.probes.answers.instances import ask_instances, ask_once
from muster.probes.http.outcomes import Outcome
from muster.system.definition import Request


def test_each_question_has_a_connection_of_its_own() -> None:
    with Service() as service:
        service.pages["/fleet"] = {"version": "a"}
        told = ask_instances(service.url, Request(path="/fleet"), looks=5)
        assert (told.documents, told.failed) == ([{"version": "a"}] * 5, 0)
        assert service.connections == 5


def test_what_came_to_nothing_is_counted_and_told() -> None:
    with Service() as service:
        service.behaviour = 500
        told = ask_instances(service.url, Request(path="/fleet"), looks=3)
        assert (told.documents, told.failed) == ([], 3)
        assert "500" in told.first_failure
        assert ask_once(service.url, Request(path="/fleet")).outcome is Outcome.ERROR


def test_nobody_there_is_no_error() -> None:
    with Service() as service:
        service.close_port()
        told = ask_instances(service.url, Request(path="/fleet"), looks=2)
    assert (told.documents, told.failed) == ([], 2)
