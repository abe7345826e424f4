"""Workflows that hang go on: by resuming them where that is enough, by other workers where these hang."""

from __future__ import annotations

from pathlib import Path

from muster.base.waiting import wait_for
from muster.drill.work import WorkCheck
from muster.kube import Cluster
from muster.recovery import find_procedure
from muster.safety import AuditLog
from muster.steps import Context, run
from muster.system import read_system

from .reference import ROOT, Reference, states

AGENTS = 61


def test_workflows_of_workers_that_hang_are_done_by_new_ones(reference: Reference) -> None:
    assert set(states(reference.recover("reset-workflow-state")).values()) == {"skipped"}
    reference.configure("phase_duration_s", "600")
    names: list[str] = []

    def all_hang() -> bool:
        """Whether more is stuck than there are agents; until then more is handed in."""
        if len(names) < 150:
            names.append(f"workflow-{len(names)}")
            reference.create(names[-1])
        return len(reference.stuck()) > AGENTS

    wait_for(all_hang, within=60, reason="all agents to hang")
    reference.configure("phase_duration_s", "0.005")
    before = reference.uids("app=agents")

    # Pods are ready and clients are answered: a drill that began now would be steady but for this.
    check = WorkCheck(reference.context)
    for _ in range(3):
        assert "work stands still, stuck are" in check.trouble()
        assert "(muster recover reset-workflow-state)" in check.trouble()

    outcome = reference.recover("reset-workflow-state")
    assert outcome.ok, outcome.why
    assert WorkCheck(reference.context).trouble() == ""
    assert states(outcome)["restart the workers"] == "done"
    assert states(outcome)["end what is left of them"] == "skipped"
    assert not reference.uids("app=agents") & before
    reference.wait_done(*names)


def test_where_only_a_claim_was_lost_the_workers_are_left_alone_unless_that_is_wanted(reference: Reference) -> None:
    check = WorkCheck(reference.context)
    reference.claim_in_vain("lost")
    assert "stuck are 1 (lost)" in check.trouble()
    before = reference.uids("app=agents")
    outcome = reference.recover("reset-workflow-state")
    assert outcome.ok, outcome.why
    assert outcome.steps[0].detail == "stuck are 1 (lost)"
    assert states(outcome)["resume the first"] == "done"
    assert states(outcome)["restart the workers"] == "skipped"
    assert reference.uids("app=agents") == before
    reference.wait_done("lost")
    assert check.trouble() == "", "what was seen stuck goes on"
    assert set(states(reference.recover("reset-workflow-state")).values()) == {"skipped"}

    reference.claim_in_vain("lost-again")
    outcome = reference.recover("reset-workflow-state", restart="yes")
    assert outcome.ok, outcome.why
    assert states(outcome)["restart the workers"] == "done"
    assert not reference.uids("app=agents") & before
    reference.wait_done("lost-again")


def test_an_argument_that_is_neither_yes_nor_no_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    system = read_system(ROOT / "systems" / "enhancer")
    audit = AuditLog(tmp_path / "audit.jsonl")
    context = Context(cluster, system, "default", None, audit, arguments={"restart": "perhaps"})
    outcome = run(find_procedure("reset-workflow-state"), context)
    assert outcome.why == "argument restart is 'perhaps', must be yes or no"
