"""Whatever procedure is run on a healthy system, it changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from muster.kube import Cluster
from muster.recovery import find_procedure, procedures
from muster.recovery.configuration import configurations_of, keep_configuration
from muster.safety.rights import REVIEWS
from muster.steps import plan

from .deployed import Deployed
from .reference import Reference, states

READS = {"GET"}


@pytest.fixture(scope="module")
def reference(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """One for all, that nothing was ever done to: a test that changed it would fail."""
    found = deployed.take(tmp_path_factory.mktemp("healthy"), anew=True)
    context = found.context
    for one in configurations_of(context.system):  # what is restored is to be known good
        keep_configuration(context.cluster, context.system, one, context.url, why="healthy", audit=context.audit)
    return found


@pytest.fixture
def asked(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a procedure asks of the cluster beside reading, growing."""
    found: list[str] = []
    request, execute = Cluster.request, Cluster.execute

    def listening_request(self: Cluster, method: str, path: str, **more: Any) -> Any:
        if method not in READS and path != REVIEWS:  # a question that is put by POST
            found.append(f"{method} {path}")
        return request(self, method, path, **more)

    def listening_execute(self: Cluster, pod: str, namespace: str, command: list[str], **more: Any) -> Any:
        if command[0] not in {"psql", "pg_isready"} or not command[-1].lstrip().startswith(("select", "-")):
            found.append(" ".join(command))
        return execute(self, pod, namespace, command, **more)

    monkeypatch.setattr(Cluster, "request", listening_request)
    monkeypatch.setattr(Cluster, "execute", listening_execute)
    return found


@pytest.mark.parametrize("name", [procedure.name for procedure in procedures()])
def test_nothing_is_done(reference: Reference, asked: list[str], name: str) -> None:
    outcome = reference.recover(name)
    assert outcome.ok, outcome.why
    assert set(states(outcome).values()) == {"skipped"}, outcome.steps
    # The Lease, by which one at a time acts, is none of the system's.
    assert [one for one in asked if "/leases" not in one] == []


@pytest.mark.parametrize("name", [procedure.name for procedure in procedures()])
def test_a_plan_asks_nothing_but_to_read(reference: Reference, asked: list[str], name: str) -> None:
    planned = plan(find_procedure(name), reference.context)
    assert {step.state for step in planned} == {"skipped"}, planned
    assert asked == []


def test_a_plan_says_what_would_be_done(reference: Reference, asked: list[str]) -> None:
    forced = replace(reference.context, arguments={"force": "yes"})
    planned = [(step.name, step.state, step.detail) for step in plan(find_procedure("restart-service"), forced)]
    assert planned == [
        ("diagnose", "looks", "nothing is wrong with Deployment api, it is restarted as force=yes says"),
        ("delete stuck pods", "skipped", "nothing to do"),
        ("rolling restart", "would", "every pod of Deployment api made anew, a few at a time"),
    ]
    assert asked == []
