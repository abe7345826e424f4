"""The primary database is lost for good in the middle of acknowledged writes."""

import pytest


@pytest.mark.drill(
    severity="P1",
    cadence="monthly",
    fault="db-failure",
    load="steady",
    recovery="promote-standby",
    budget_s=30,
    max_lost_writes=0,
)
def test_db_failure(system, load, inject, recover, objectives):
    """The standby is promoted, the old primary fenced, clients repointed; nothing acknowledged is lost."""
    before = system.primaries()
    with load(rate=120), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=5)
            done = recover()
            system.wait_good(within=objectives.rto)
    after = system.primaries()
    assert len(after) == 1, f"split brain: {after}"
    assert after != before, f"{after} is primary still: nothing was promoted"
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
