"""Workflows are stuck in a phase, since every agent hangs; clients see them stand still."""

import pytest


@pytest.mark.drill(
    severity="P3",
    cadence="monthly",
    fault="workflows-stuck",
    load="steady",
    recovery="reset-workflow-state",
    probes=["stuck"],
    budget_s=60,
)
def test_workflow_reset(system, load, inject, recover, objectives):
    """What is stuck is found and resumed from its last durable phase, by workers that work."""
    with load(rate=100), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=5)
            done = recover()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
