"""A worker is lost with its share of the agents; the others take over."""

import pytest


@pytest.mark.drill(
    severity="P3",
    cadence="monthly",
    fault="agent-failure",
    load="steady",
    probes=["agents"],
    budget_s=30,
)
def test_agent_failure(system, load, inject, objectives):
    """Degraded while fewer than 60 agents are there, and whole again without anybody's help."""
    with load(rate=120), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=10)
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(None))
