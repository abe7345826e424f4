"""The configuration is corrupted: in one drill no pod starts with it, in the other all of them serve wrongly."""

import pytest


@pytest.mark.drill(
    severity="P2",
    cadence="monthly",
    fault="config-broken",
    load="steady",
    recovery="restore-configuration",
    budget_s=30,
)
def test_config_corruption(system, load, inject, recover, objectives):
    """No API pod starts with broken settings; the last known good ones are put back, and what crashes is made anew."""
    with load(rate=120), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            done = recover()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))


@pytest.mark.drill(
    severity="P2",
    cadence="monthly",
    fault="config-wrong",
    load="steady",
    recovery="restore-configuration",
    budget_s=60,  # instances that do not see what was put back are restarted, one after the other
)
def test_config_corruption_wrong(system, load, inject, recover, objectives):
    """Well-formed settings make pods deny what they acknowledged: no object shows it, only what clients are told."""
    with load(rate=120), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=120)  # a kubelet may take 90 s to show a changed ConfigMap to running pods
            done = recover()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
