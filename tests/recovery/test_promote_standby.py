"""A lost primary is replaced by its standby, a living one never is, and there are never two."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.databases import Databases

from muster.base.waiting import wait_for
from muster.faults.effects import SqlValue, build_observer
from muster.kube import Cluster
from muster.recovery import find_procedure
from muster.safety import begun_procedures
from muster.steps import Outcome, Step, StepOutcome, run


@pytest.fixture
def databases(cluster: Cluster, namespace: str, tmp_path: Path) -> Databases:
    found = Databases(cluster, namespace, tmp_path)
    found.deploy()
    return found


def states(outcome: Outcome) -> dict[str, str]:
    return {step.name: step.state for step in outcome.steps}


def test_a_lost_primary_is_replaced_and_comes_back_as_a_standby(databases: Databases) -> None:
    assert set(states(databases.promote()).values()) == {"skipped"}
    databases.write("db-a", "acknowledged before")
    count = SqlValue(kind="sql", query="select count(*) from kept", above=1)
    kept = build_observer(count, databases.cluster, databases.system.namespace, "", databases.system)
    assert kept.look() == (False, "'select count(*) from kept' is 1")
    databases.lose("db-a")

    outcome = databases.promote()
    assert outcome.ok, outcome.why
    assert databases.state.primaries() == ["db-b"]
    assert (databases.topology(), databases.clients_reach()) == ("db-b", "db-b")
    assert databases.kept("db-b") == ["acknowledged before"]
    databases.write("db-b", "written after")
    assert kept.look() == (True, "'select count(*) from kept' is 2")
    assert set(states(databases.promote()).values()) == {"skipped"}

    databases.cluster.scale("StatefulSet", "db-a", databases.system.namespace, 1)
    databases.wait_whole()
    assert databases.state.primaries() == ["db-b"]
    assert databases.kept("db-a") == ["acknowledged before", "written after"]


def test_a_primary_that_answers_is_never_replaced(databases: Databases) -> None:
    # No session can be had, so nobody can ask it for its role; but it accepts connections.
    assert databases.state.query("db-a", "alter system set session_preload_libraries = 'none_such'") is not None
    assert databases.state.query("db-a", "select pg_reload_conf()") is not None
    wait_for(lambda: databases.state.query("db-a", "select 1") is None, within=60, reason="db-a to be unusable")
    outcome = databases.promote()
    assert not outcome.ok
    assert "primary db-a accepts connections: promoting db-b now could make two primaries" in outcome.why
    assert (databases.topology(), databases.clients_reach()) == ("db-a", "db-a")
    assert databases.state.query("db-b", "select pg_is_in_recovery()") == "t"


def test_without_a_standby_nothing_is_touched(databases: Databases) -> None:
    databases.lose("db-b")
    databases.lose("db-a")
    outcome = databases.promote()
    assert outcome.why == "step 'diagnose' failed: no standby of db-a answers, so nothing can take its place"
    assert databases.topology() == "db-a"


def test_a_promotion_that_was_begun_is_ended(databases: Databases) -> None:
    databases.lose("db-a")
    patch = {"data": {"primary": "db-b"}}
    databases.cluster.patch("ConfigMap", "db-topology", databases.system.namespace, patch)
    outcome = databases.promote()
    assert outcome.ok, outcome.why
    assert databases.state.primaries() == ["db-b"]
    assert databases.clients_reach() == "db-b"


class Cut:
    """Ends the process of a procedure right after one of its steps, as a kill would."""

    def __init__(self, step: str) -> None:
        self._step = step

    def began(self, step: Step) -> None:
        pass

    def ended(self, outcome: StepOutcome) -> None:
        if outcome.name == self._step:
            raise SystemExit("killed")


def test_one_that_was_cut_after_fencing_is_on_record_and_ended_by_its_name(databases: Databases) -> None:
    namespace = databases.system.namespace
    databases.lose("db-a")
    with pytest.raises(SystemExit):
        run(find_procedure("promote-standby"), databases.context, observer=Cut("fence the old primary"))
    assert databases.state.primaries() == []
    (record,) = begun_procedures(databases.cluster, namespace)
    assert (record.procedure, record.step) == ("promote-standby", "fence the old primary")
    # Meanwhile the fault was undone: the fenced primary is back, as a standby of one that is none yet.
    databases.cluster.scale("StatefulSet", "db-a", namespace, 1)

    outcome = databases.promote()
    assert outcome.ok, outcome.why
    assert databases.state.primaries() == ["db-b"]
    assert databases.clients_reach() == "db-b"
    assert begun_procedures(databases.cluster, namespace) == []
    # Fenced once more until the promotion was through, it is not left down: nobody else would start it.
    wait_for(lambda: databases.state.replication_trouble() is None, within=120, reason="db-a to follow db-b", every=0.2)
    assert databases.state.primaries() == ["db-b"]


def test_an_old_primary_whose_pod_stays_is_ended_before_the_promotion(databases: Databases) -> None:
    # Its container is made anew after the crash, but what runs in it is no database.
    namespace = databases.system.namespace
    databases.cluster.patch("ConfigMap", "db-scripts", namespace, {"data": {"entrypoint.sh": "sleep 1000"}})

    def run_in_pod(command: str) -> str:
        return databases.cluster.execute("db-a-0", namespace, ["sh", "-c", command], container="postgres").stdout

    wait_for(
        lambda: run_in_pod('cat "$DB_SCRIPTS/entrypoint.sh"').strip() == "sleep 1000",
        within=120,
        reason="the pod to see its new script",
    )
    run_in_pod("kill -INT 1")
    wait_for(
        lambda: databases.state.instance_pods("db-a")[0]["status"]["containerStatuses"][0]["restartCount"] > 0,
        within=60,
        reason="the container to be made anew",
    )

    outcome = databases.promote()
    assert outcome.ok, outcome.why
    assert (
        "db-a scaled to 0, pod db-a-0 deleted"
        in {step.name: step.detail for step in outcome.steps}["fence the old primary"]
    )
    assert databases.state.primaries() == ["db-b"]
    assert databases.state.instance_pods("db-a") == []
