"""Agents are held by a worker that is no more, and the workers that there are do not take them over."""

import pytest


@pytest.mark.drill(
    severity="P3",
    cadence="quarterly",
    fault="agents-orphaned",
    load="steady",
    recovery="repair-agent-coordination",
    probes=["agents"],
    budget_s=60,
)
def test_agent_coordination(system, load, inject, recover, objectives):
    """What the dead one holds is released, and all 61 agents are at work again."""
    with load(rate=120), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=10)
            done = recover()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
