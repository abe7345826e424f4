"""A service that hangs is restarted, one that a change broke is not, and one that is well only if it is forced."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.recovery import find_procedure
from muster.steps import Outcome, run

from .configured import Shop
from .frozen import frozen


@pytest.fixture
def shop(cluster: Cluster, namespace: str, tmp_path: Path) -> Shop:
    return Shop.deploy(cluster, namespace, tmp_path, follow=False)


@pytest.fixture
def restart(shop: Shop) -> Callable[..., Outcome]:
    def call(**arguments: str) -> Outcome:
        return run(find_procedure("restart-service"), replace(shop.context, arguments=arguments))

    return call


def test_a_pod_that_is_ready_and_does_not_answer_is_replaced(shop: Shop, restart: Callable[..., Outcome]) -> None:
    hanging = shop.web.pods()[0]
    with frozen(f"IP={hanging['status']['podIP']}"):
        assert shop.web.is_rolled_out(), "its port is open, which is all that its readiness probe asks"
        outcome = restart()
    assert outcome.ok, outcome.why
    assert "requests / failed, the last one with timeout" in outcome.steps[0].detail
    assert hanging["metadata"]["uid"] not in shop.uids()
    assert shop.answers()


def test_a_change_that_crashes_is_left_to_who_can_take_it_back(shop: Shop, restart: Callable[..., Outcome]) -> None:
    shop.set_env("BAD", "1")
    before = shop.web.read()["metadata"]["generation"]
    wait_for(shop.web.troubles, within=60, reason="a pod of the new revision to crash")
    outcome = restart()
    assert not outcome.ok
    assert "its newest revision crashes for a change" in outcome.why
    assert "env BAD was added: '1'" in outcome.why
    assert "repair-crashed-pods" in outcome.why
    assert shop.web.read()["metadata"]["generation"] == before


def test_what_is_well_is_restarted_only_by_force(shop: Shop, restart: Callable[..., Outcome]) -> None:
    before = shop.uids()
    assert {step.state for step in restart().steps} == {"skipped"}
    assert shop.uids() == before
    outcome = restart(force="yes", service="web")
    assert outcome.ok, outcome.why
    assert not shop.uids() & before
    assert shop.ready() == 2


def test_what_has_no_replicas_is_not_restarted(shop: Shop, restart: Callable[..., Outcome]) -> None:
    shop.web.scale(0)
    outcome = restart()
    assert "Deployment web has no replicas to restart; right would be full-restart" in outcome.why


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"service": "db"}, r"service 'db' is no Deployment in namespace test-\w+ \(there are: web\)"),
        ({"force": "maybe"}, "argument force is 'maybe', must be yes or no"),
    ],
)
def test_a_wrong_argument_gets_one_sentence(
    restart: Callable[..., Outcome], arguments: dict[str, str], why: str
) -> None:
    outcome = restart(**arguments)
    assert not outcome.steps
    assert re.fullmatch(why, outcome.why)
