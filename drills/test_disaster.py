"""Both databases are lost with their volumes, and the service is brought back from its backup."""

import pytest


@pytest.mark.drill(
    severity="P1",
    cadence="yearly",
    fault="database-disaster",
    load="steady",
    recovery="restore-backup",
    budget_s=60,
    max_lost_writes=None,
)
def test_disaster(system, backups, load, inject, recover, objectives):
    """What was shipped comes back; what was acknowledged after that is lost, write by write, within the RPO."""
    with backups(every_s=2) as kept, load(rate=40), system.ledger() as writes:
        system.wait_steady()
        kept.require_verified()
        with inject() as fault:
            fault.wait_landed(seconds=15)
            done = recover()
            system.wait_good(within=objectives.rto)
    after = system.primaries()
    assert len(after) == 1, f"split brain: {after}"
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
