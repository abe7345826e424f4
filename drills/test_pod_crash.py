"""API pods die without grace under load, and a bad change keeps one container in a crash loop."""

import pytest


@pytest.mark.drill(
    severity="P2",
    cadence="monthly",
    fault="pod-crash",
    load="steady",
    recovery="repair-crashed-pods",
    budget_s=30,
)
def test_pod_crash(system, load, inject, recover, objectives):
    """The platform replaces what died; what it cannot mend, the bad change, is found and reverted."""
    with load(rate=170), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=10)
            done = recover()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
