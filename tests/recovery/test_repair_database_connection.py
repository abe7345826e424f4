"""Clients that are cut off from a database that is well are brought back to it, wherever the way broke."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from muster.base.timeline import Timeline
from muster.base.waiting import wait_for
from muster.faults import Injection, find_experiment
from muster.kube.client import JSON_PATCH
from muster.safety import open_records
from muster.system.databases.declared import Clients

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


def test_clients_whose_password_was_rotated_get_theirs_back_and_nobody_is_told_it(reference: Reference) -> None:
    reference.state.query("db-a", "alter role enhancer password 'another'")
    reference.state.query("db-a", "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'enhancer'")
    outcome = reference.recover("repair-database-connection")
    assert outcome.ok, outcome.why
    said = {step.name: step.detail for step in outcome.steps}
    assert 'their role is refused: psql: error: connection to server at "127.' in said["diagnose"]
    assert said["give clients their password back"] == (
        "role enhancer has the password that ENHANCER_PASSWORD holds in db-a"
    )
    assert states(outcome)["lead clients to the primary"] == "skipped"
    assert states(outcome)["end sessions that block"] == "skipped"
    assert states(outcome)["restart who does not come back"] == "skipped"
    assert "muster-enhancer" not in str(outcome)
    reference.create("afterwards")


def test_a_password_that_nobody_mended_is_put_back_as_it_was(reference: Reference, tmp_path: Path) -> None:
    """What the role had before, to the letter: it never was anywhere but in the database."""
    verifier = "select rolpassword from pg_authid where rolname = 'enhancer'"
    before = reference.state.query("db-a", verifier)
    system = reference.context.system
    with (
        Timeline.start(tmp_path / "timeline.jsonl", run="test", drill="test") as timeline,
        Injection(
            find_experiment(tmp_path, "password-rotated", system), reference.cluster, reference.cluster.kubeconfig,
            reference.namespace, timeline, tmp_path / "work", reference.context.url, system=system,
        ) as fault,
    ):  # fmt: skip
        assert fault.wait_landed(60), fault.evidence
        assert reference.state.query("db-a", verifier) not in {None, before}
        (record,) = open_records(reference.cluster, reference.namespace)
        assert "SCRAM" not in str(record.to_config_map())
    assert fault.undone == ["Pod db-a-0: the role of the clients has its password back"]
    assert fault.left == [
        "Pod db-b-0: the role of the clients has its password back: left, nothing of the fault is there any more"
    ]
    assert reference.state.query("db-a", verifier) == before
    assert reference.state.query("db-a", "select count(*) from pg_authid where rolname like 'muster%'") == "0"


def test_a_password_that_the_container_does_not_have_is_said_to_be_missing(reference: Reference) -> None:
    database = reference.state.database
    clients = Clients(role="enhancer", password_env="NO_SUCH_PASSWORD")
    system = reference.context.system.model_copy(update={"database": database.model_copy(update={"clients": clients})})
    reference.context = replace(reference.context, system=system)
    reference.cluster.patch("Service", "db", reference.namespace, {"spec": {"selector": {"instance": "nobody"}}})
    outcome = reference.recover("repair-database-connection")
    assert "container postgres of db-a has no NO_SUCH_PASSWORD, which 'database.clients.password_env'" in outcome.why


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
