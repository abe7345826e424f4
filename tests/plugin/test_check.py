"""`muster check`, and what a session looks at before it begins: what is impossible is said before it is tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.plugin.test_preview import pointed_at, recording
from tests.probes.service import Service
from tests.schemas.test_schemas import troubles

from muster.base.clock import now
from muster.guardian import levers
from muster.kube import Cluster

if TYPE_CHECKING:
    from tests.drill_project import DrillProject, Session


def reported(session: Session) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(session.output[session.output.index("{") :])
    assert troubles("check-v1.json", [said]) == []
    return said


def named(said: dict[str, Any], state: str) -> set[str]:
    return {one["name"] for one in said["checks"] if one["state"] == state}


def test_without_a_cluster_the_rest_is_looked_at_and_that_is_said(drill_project: DrillProject) -> None:
    session = drill_project.pytest("drills", "--check", "--json", "-k", "pod_crash")
    said = reported(session)
    assert (session.code, said["outcome"], said["asked"], said["drills"]) == (2, "unknown", "none", ["pod_crash"])
    assert named(said, "unknown") == {"cluster"}
    assert {"versions", "objectives", "stop conditions"} <= named(said, "fine")
    assert not (drill_project.root / "reports").exists()


def test_a_check_is_read_by_people_too(drill_project: DrillProject) -> None:
    session = drill_project.pytest("drills", "--check")
    assert session.code == 2, session.output
    assert "check: enhancer in namespace 'enhancer', no cluster, for 8 drills\n" in session.output
    assert "-> name one with --kube-context" in session.output


def test_two_questions_at_once_are_none(drill_project: DrillProject) -> None:
    session = drill_project.pytest("drills", "--check", "--plan")
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert "--plan and --check are two questions" in session.output


@contextmanager
def reached(project: DrillProject, cluster: Cluster, namespace: str) -> Iterator[tuple[Any, dict[str, str]]]:
    """A context that leads to a cluster through a proxy, and an address that leads to a service."""
    with recording(cluster) as recorded, Service() as service:
        environment = pointed_at(project, recorded.url, namespace)
        path = project.root / "systems/enhancer/system.yaml"
        address = f"service: {{name: api, port: 8080, url: '{service.url}'}}"
        path.write_text(path.read_text().replace("service: {name: api, port: 8080}", address))
        yield recorded, environment


def test_against_a_cluster_it_only_reads_and_tells_what_is_wrong(
    cluster: Cluster, namespace: str, drill_project: DrillProject
) -> None:
    levers.pull(cluster, namespace, "the shop is on fire")
    with reached(drill_project, cluster, namespace) as (recorded, environment):
        session = drill_project.pytest("drills", "--check", "--json", "--kube-context", "there", **environment)
    said = reported(session)
    assert (session.code, said["outcome"], said["asked"], said["context"]) == (1, "failed", "context", "there")
    assert {"levers", "databases", "probes"} <= named(said, "failed")
    assert {"cluster", "target", "records", "lease", "rights", "address"} <= named(said, "fine")
    assert named(said, "unknown") == {"ledger"}, "it has no way to remove what it would write"
    assert all(one["mend"] for one in said["checks"] if one["state"] != "fine")
    assert recorded.writing() == []


def test_a_cluster_that_hangs_is_told_and_holds_nobody_up(drill_project: DrillProject) -> None:
    from muster.monitoring.testing import LocalMonitoring

    with LocalMonitoring() as hung:
        hung.delay_s = 60
        environment = pointed_at(drill_project, hung.url, "shop")
        began = now()
        session = drill_project.pytest("drills", "--check", "--json", "--kube-context", "there", **environment)
        took = now() - began
    said = reported(session)
    assert said["outcome"] == "unknown"
    assert "does not answer" in {one["name"]: one["seen"] for one in said["checks"]}["cluster"]
    assert took < 60


def test_a_session_is_refused_before_it_touches_anything(
    cluster: Cluster, namespace: str, drill_project: DrillProject
) -> None:
    levers.pull(cluster, namespace, "the shop is on fire")
    with reached(drill_project, cluster, namespace) as (recorded, environment):
        session = drill_project.pytest("drills", "--kube-context", "there", "-k", "pod_crash", **environment)
    assert session.code == pytest.ExitCode.USAGE_ERROR, session.output
    assert "refused: levers: drills are forbidden by ConfigMap muster-stop" in session.output
    assert "allow them again: muster stop --lift" in session.output
    assert "guard: no muster guard runs there" in session.output
    assert recorded.writing() == []
    acts = [json.loads(line) for line in (drill_project.root / "reports/audit.jsonl").read_text().splitlines()]
    assert [(act["act"], act["outcome"]) for act in acts][:2] == [("run", "begun"), ("run", "refused")]


SLOW = """
import pytest

@pytest.mark.drill(severity="P1", fault="pod-crash", load="steady", budget_s=30)
def test_slow(system, load, inject, objectives):
    with load(rate=8):
        raise AssertionError("it was to be refused")
"""


def test_a_drill_that_can_show_nothing_is_unknown_before_anything_is_deployed(drill_project: DrillProject) -> None:
    drill_project.write("drills/test_slow.py", SLOW)
    conftest = """
import pytest

@pytest.fixture(scope="session")
def managed_system():
    raise RuntimeError("something was deployed")
"""
    drill_project.write("conftest.py", conftest)
    session = drill_project.pytest("drills/test_slow.py")
    (entry,) = drill_project.summary()["drills"]
    assert entry["verdict"] == "unknown"
    assert "8 requests/s cannot give the 100 samples that 3 s of steady need" in entry["why"], session.output
    assert "something was deployed" not in entry["why"]
