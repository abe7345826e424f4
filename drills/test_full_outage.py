"""Everything goes down without grace, both databases included; only the volumes remain."""

import pytest


@pytest.mark.drill(
    severity="P1",
    cadence="quarterly",
    fault="full-outage",
    load="steady",
    recovery="full-restart",
    budget_s=30,
    max_lost_writes=0,
)
def test_full_outage(system, load, inject, recover, objectives):
    """Stage by stage it comes up again, each verified; half-done work goes on, and nothing acknowledged is lost."""
    before = system.primaries()
    with load(rate=120), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=15)
            done = recover()
            system.wait_good(within=objectives.rto)
    after = system.primaries()
    assert after == before, f"{before} was primary and {after} is: nothing had to be promoted"
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
