"""Clients that are cut off from a database that is well are brought back to it, wherever the way broke."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from muster.base.waiting import wait_for
from muster.kube.client import JSON_PATCH

from .reference import Reference, states

HOLDS = "select count(*) from pg_locks where relation = 'workflows'::regclass and granted and mode = 'ExclusiveLock'"
RIGHT = {"app": "db", "instance": "db-a"}


def cut_off(reference: Reference, patch: Any, content_type: str = "application/merge-patch+json") -> None:
    """Lead the Service elsewhere, and end the connections that exist: they would live on."""
    reference.cluster.patch("Service", "db", reference.namespace, patch, content_type=content_type)
    reference.state.query("db-a", "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'enhancer'")


@contextmanager
def sessions(reference: Reference, *statements: str) -> Iterator[None]:
    """Sessions that each do a statement in a transaction, and keep it open."""

    def keep(statement: str) -> None:
        command = ["psql", "-qc", f"begin; {statement}; select pg_sleep(300)"]
        reference.cluster.execute("db-a-0", reference.namespace, command, timeout=310)

    with ThreadPoolExecutor(len(statements)) as pool:
        for statement in statements:
            pool.submit(keep, statement)
        try:
            yield
        finally:
            reference.state.query(
                "db-a", "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(300)'"
            )


def selector(reference: Reference) -> Any:
    return reference.cluster.get("Service", "db", reference.namespace)["spec"].get("selector")


@pytest.mark.parametrize(
    ("strike", "said"),
    [
        (
            lambda reference: cut_off(reference, {"spec": {"selector": {"instance": "nobody"}}}),
            "Service db selects app=db,instance=nobody and leads to no pod, right would be db-a",
        ),
        (
            lambda reference: cut_off(reference, {"spec": {"selector": {"instance": "db-b"}}}),
            "Service db selects app=db,instance=db-b and leads to 127.",
        ),
        # It goes on leading where it led, until that pod is gone.
        (
            lambda reference: cut_off(reference, [{"op": "remove", "path": "/spec/selector"}], JSON_PATCH),
            "Service db selects nothing and leads to 127.",
        ),
    ],
    ids=["nobody", "the standby", "nothing"],
)
def test_a_service_that_leads_astray_is_led_to_the_primary(
    reference: Reference, strike: Callable[[Reference], None], said: str
) -> None:
    strike(reference)
    outcome = reference.recover("repair-database-connection")
    assert outcome.ok, outcome.why
    assert outcome.steps[0].detail.startswith(said)
    assert states(outcome)["lead clients to the primary"] == "done"
    assert states(outcome)["end sessions that block"] == "skipped"
    assert selector(reference) == RIGHT
    assert reference.state.primaries() == ["db-a"]
    reference.create("afterwards")
    assert set(states(reference.recover("repair-database-connection")).values()) == {"skipped"}


def test_sessions_that_block_are_ended_and_those_that_waited_behind_them(reference: Reference) -> None:
    lock = "lock table workflows in exclusive mode"
    with sessions(reference, lock, lock):
        waiting = "select count(*) from pg_stat_activity where query like '%pg_sleep(300)' and wait_event_type = 'Lock'"
        wait_for(lambda: reference.state.query("db-a", HOLDS) == "1", within=60, reason="one to hold the lock")
        wait_for(lambda: reference.state.query("db-a", waiting) == "1", within=60, reason="the other to wait for it")
        outcome = reference.recover("repair-database-connection")
        assert outcome.ok, outcome.why
        assert "clients cannot write: " in outcome.steps[0].detail
        assert "of postgres (psql, active) keeps" in outcome.steps[0].detail
        assert states(outcome)["lead clients to the primary"] == "skipped"
        assert states(outcome)["end sessions that block"] == "done"
        assert reference.state.query("db-a", HOLDS) == "0"
    reference.create("afterwards")


def test_nobody_is_led_to_a_primary_that_does_not_work(reference: Reference) -> None:
    reference.lose("db-a")
    reference.cluster.patch("Service", "db", reference.namespace, {"spec": {"selector": {"instance": "nobody"}}})
    outcome = reference.recover("repair-database-connection")
    assert "db-a, which db-topology names, does not work as a primary" in outcome.why
    assert outcome.why.endswith("right would be promote-standby")
    assert selector(reference)["instance"] == "nobody"
    assert reference.state.query("db-b", "select pg_is_in_recovery()") == "t"


def test_commits_that_wait_for_a_lost_standby_are_told_of(reference: Reference) -> None:
    reference.lose("db-b")
    outcome = reference.recover("repair-database-connection")
    assert "commits on db-a wait for a standby that does not stream" in outcome.why
    assert selector(reference) == RIGHT
