"""What is down comes up in its order, on the side of whoever was primary; what keeps a stage down is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.base.timeline import Timeline
from muster.faults import Injection, read_experiment
from muster.kube import Cluster
from muster.kube.client import STRATEGIC_MERGE_PATCH
from muster.recovery import find_procedure
from muster.recovery.stages import Plan
from muster.safety import AuditLog
from muster.steps import Context, run
from muster.system import read_system

from .reference import ROOT, WORKLOADS, Reference, states


@contextmanager
def outage(reference: Reference, directory: Path) -> Iterator[Injection]:
    """The experiment of the drill, in force."""
    experiment, cluster = read_experiment(ROOT / "experiments" / "full-outage.yaml"), reference.cluster
    with Timeline.start(directory / "timeline.jsonl", run="test", drill="test") as timeline:
        place = (cluster, cluster.kubeconfig, reference.namespace, timeline, directory / "fault", reference.context.url)
        with Injection(experiment, *place) as injection:
            assert injection.wait_landed(60), injection.evidence
            yield injection


def test_after_an_outage_whoever_was_promoted_before_it_is_primary_and_nothing_is_lost(
    reference: Reference, tmp_path: Path
) -> None:
    reference.create("before-the-promotion")
    reference.lose("db-a")
    assert reference.recover("promote-standby").ok
    reference.cluster.scale("StatefulSet", "db-a", reference.namespace, 1)
    reference.wait_whole()
    reference.configure("phase_duration_s", "1")
    reference.create("half-done")

    with outage(reference, tmp_path) as fault:
        outcome = reference.recover("full-restart")
    assert outcome.ok, outcome.why
    workloads = [left for left in fault.left if "spec.replicas" in left]
    assert (fault.undone, len(workloads)) == ([], len(WORKLOADS)), "undoing it leaves what was recovered"
    log = reference.cluster.logs("db-b-0", reference.namespace)
    assert "was not properly shut down; automatic recovery in progress" in log, "it was no outage for the databases"
    assert reference.state.primaries() == ["db-b"]
    assert reference.state.replication_trouble() is None
    assert reference.state.unready() == []
    said = {step.name: step.detail for step in outcome.steps}
    assert said["databases: start db-b, which is to be primary"].startswith("StatefulSet db-b 0 -> 1")
    assert not any("promote" in name for name in said), "there was nothing to promote"
    reference.wait_done("before-the-promotion", "half-done")
    assert set(states(reference.recover("full-restart")).values()) == {"skipped"}


def test_an_outage_in_the_middle_of_a_promotion_ends_with_one_primary(reference: Reference) -> None:
    reference.create("kept")
    reference.lose(*WORKLOADS)
    # Fenced, and no further: db-b is a standby still, and clients are led to db-a.
    reference.cluster.patch("ConfigMap", "db-topology", reference.namespace, {"data": {"primary": "db-b"}})

    outcome = reference.recover("full-restart")
    assert outcome.ok, outcome.why
    assert states(outcome)["databases: promote"] == "done"
    assert states(outcome)["databases: repoint clients"] == "done"
    assert reference.state.primaries() == ["db-b"]
    assert reference.state.replication_trouble() is None
    reference.wait_done("kept")


def test_what_keeps_a_stage_down_is_told_and_the_next_one_is_not_begun(reference: Reference) -> None:
    reference.lose("api", "agents")
    env = {"name": "ENHANCER_ADMISSION_RATE", "value": "fast"}
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "api", "env": [env]}]}}}}
    reference.cluster.patch("Deployment", "api", reference.namespace, patch, content_type=STRATEGIC_MERGE_PATCH)

    short = reference.context.system.model_copy(update={"ready_within_s": 20.0})
    outcome = run(find_procedure("full-restart"), replace(reference.context, system=short))
    assert not outcome.ok
    assert "step 'API: start' failed: waited 20 s for Deployment api to come up; last seen: pod api-" in outcome.why
    assert "its log ends: " in outcome.why
    assert "ENHANCER_ADMISSION_RATE" in outcome.why
    assert states(outcome)["databases: start db-a, which is to be primary"] == "skipped"
    assert reference.cluster.get("Deployment", "agents", reference.namespace)["spec"]["replicas"] == 0

    reference.lose(*WORKLOADS)
    broken = {"data": {"postgresql.conf": "no_such_setting = 1"}}
    reference.cluster.patch("ConfigMap", "db-scripts", reference.namespace, broken)
    outcome = run(find_procedure("full-restart"), replace(reference.context, system=short))
    assert "step 'databases: start db-a, which is to be primary' failed: waited 20 s" in outcome.why
    assert "last seen: pod db-a-0: container postgres: " in outcome.why
    assert "its log ends: " in outcome.why
    assert "contains errors" in outcome.why
    assert reference.cluster.get("StatefulSet", "db-b", reference.namespace)["spec"]["replicas"] == 0


def test_a_system_without_stages_starts_by_kind_and_with_strange_ones_it_is_told(
    cluster: Cluster, tmp_path: Path
) -> None:
    system = read_system(ROOT / "systems" / "enhancer")
    context = Context(cluster, system, "enhancer", None, AuditLog(tmp_path / "audit.jsonl"))
    operations = system.operations
    none = system.model_copy(update={"operations": operations.model_copy(update={"stages": []})})
    stages = [stage.workloads for stage in Plan(replace(context, system=none)).stages]
    assert stages == [["db-a", "db-b"], ["api", "agents"]], "what keeps state comes first"
    stage = operations.stages[0].model_copy(update={"workloads": ["db-c"]})
    strange = system.model_copy(update={"operations": operations.model_copy(update={"stages": [stage]})})
    with pytest.raises(UsageError, match=r"stage 'databases' .* names workload 'db-c', .* agents, api, db-a, db-b\)"):
        Plan(replace(context, system=strange))
