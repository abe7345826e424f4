"""The database is well, and its clients do not reach it."""

import pytest


@pytest.mark.drill(
    severity="P1",
    cadence="quarterly",
    fault="database-unreachable",
    load="steady",
    recovery="repair-database-connection",
    budget_s=30,
    max_lost_writes=0,
)
def test_database_unreachable(system, load, inject, recover, objectives):
    """The Service leads nowhere; clients are led to the primary again, and nothing is promoted."""
    before = system.primaries()
    with load(rate=120), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=10)
            done = recover()
            system.wait_good(within=objectives.rto)
    after = system.primaries()
    assert after == before, f"{before} was primary and {after} is: nothing had to be promoted"
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))


@pytest.mark.drill(
    severity="P1",
    cadence="quarterly",
    fault="password-rotated",
    load="steady",
    recovery="repair-database-connection",
    budget_s=30,
    max_lost_writes=0,
)
def test_password_rotated(system, load, inject, recover, objectives):
    """The role of the clients has a password that they do not know; it gets back the one that they have."""
    with load(rate=120), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=10)
            done = recover()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
