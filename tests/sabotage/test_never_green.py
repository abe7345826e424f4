"""Each way in which a drill could lie ends missed or unknown. A sabotage that stays green is a failed test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.conftest import DrillProject, Session

# A short budget, so that a drill whose service stays down is over soon; the hold and the steady time stay as they are.
SHORT_BUDGET = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        marker = item.get_closest_marker("drill")
        item.add_marker(pytest.mark.drill(**{**marker.kwargs, "budget_s": 8}), append=False)
"""

PROCEDURE_DOES_NOTHING = """
from muster.recovery.promote_standby import PromoteStandby
from muster.recovery.repair_crashed_pods import RepairCrashedPods

PromoteStandby.steps = RepairCrashedPods.steps = lambda self, context: []
"""

# Right before the primary is lost: commits wait for nobody any more, and the standby receives no more of them.
STANDBY_HELD_BACK = """
from contextlib import contextmanager

@pytest.fixture
def inject(inject, drill):
    state = drill.state

    @contextmanager
    def held_back():
        topology = {"data": {"replication": "asynchronous"}}
        state.cluster.patch("ConfigMap", "db-topology", state.namespace, topology)
        for instance, setting in (("db-b", "primary_conninfo"), ("db-a", "synchronous_standby_names")):
            assert state.query(instance, f"alter system set {setting} = ''") is not None
            assert state.query(instance, "select pg_reload_conf()") == "t"
        from muster.base.waiting import wait_for
        wait_for(lambda: state.query("db-b", "select count(*) from pg_stat_wal_receiver") == "0",
                 within=10, reason="the standby to receive nothing")
        with inject() as fault:
            yield fault

    return held_back
"""

LOAD_NEVER_STARTS = """
from locust import User, task

class Idle(User):
    @task
    def nothing(self):
        self.environment.runner.quit()
"""


# The small Kubernetes that everything runs on is killed, as if by the kernel for want of memory.
CLUSTER_DIES = """
import os, signal
from contextlib import contextmanager

@pytest.fixture
def inject(inject):
    from muster.base.process import processes_of_run, run_id

    @contextmanager
    def dying():
        with inject() as fault:
            for pid in processes_of_run(run_id()):
                with open(f"/proc/{pid}/cmdline") as file:
                    if "\\0muster.embedded\\0" in file.read():
                        os.kill(pid, signal.SIGKILL)
            yield fault

    return dying
"""


def run(project: DrillProject, drill: str, conftest: str = "") -> tuple[Session, dict[str, Any]]:
    """Run one drill, sabotaged, and return its entry."""
    project.write("conftest.py", SHORT_BUDGET + conftest)
    session = project.pytest("drills", "-k", drill)
    (entry,) = project.summary()["drills"]
    assert session.code == pytest.ExitCode.TESTS_FAILED, session.output
    return session, entry


@pytest.mark.parametrize("drill", ["db_failure", "pod_crash"])
def test_a_procedure_that_does_nothing_is_a_missed_drill(drill_project: DrillProject, drill: str) -> None:
    session, entry = run(drill_project, drill, PROCEDURE_DOES_NOTHING)
    assert entry["verdict"] == "missed", session.output
    assert entry["rto"]["value_s"] is None
    assert entry["rto"]["budget_verdict"] == "missed"
    assert entry["recovered_by"] is None
    assert f"MISSED {drill}: RTO" in session.output


def test_writes_that_a_held_back_standby_lacks_are_counted_and_named(drill_project: DrillProject) -> None:
    session, entry = run(drill_project, "db_failure", STANDBY_HELD_BACK)
    assert entry["verdict"] == "missed", session.output
    assert entry["rpo"]["lost_writes"] > 0
    assert entry["rpo"]["value_s"] > 0
    assert len(entry["lost"]) == entry["rpo"]["lost_writes"]
    assert all(lost["id"] and lost["how"] == "lost" for lost in entry["lost"])
    assert entry["rpo"]["lost_verdict"] == "missed"


@pytest.mark.parametrize("drill", ["db_failure", "pod_crash"])
def test_an_injection_that_silently_does_nothing_is_unknown(drill_project: DrillProject, drill: str) -> None:
    path = drill_project.root / "experiments" / f"{drill.replace('_', '-')}.yaml"
    experiment = yaml.safe_load(path.read_text())
    experiment["method"] = [step for step in experiment["method"] if step["name"] == "hold"]
    path.write_text(yaml.safe_dump(experiment))
    session, entry = run(drill_project, drill)
    assert entry["verdict"] == "unknown", session.output
    assert entry["fault"]["landed"] is not True
    assert f"UNKNOWN {drill}: " in session.output


def test_load_that_never_starts_is_unknown(drill_project: DrillProject) -> None:
    drill_project.write("loadtests/steady.py", LOAD_NEVER_STARTS)
    session, entry = run(drill_project, "db_failure")
    assert entry["verdict"] == "unknown", session.output
    assert entry["fault"]["landed"] is not True
    assert "load" in entry["why"]


def test_a_cluster_of_musters_own_that_dies_is_unknown_and_not_missed(drill_project: DrillProject) -> None:
    session, entry = run(drill_project, "pod_crash", CLUSTER_DIES)
    assert entry["verdict"] == "unknown", session.output
    assert entry["why"].startswith("the embedded cluster does not answer"), session.output
    assert entry["rto"]["value_s"] is None
