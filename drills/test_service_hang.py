"""The API hangs: it accepts requests and answers none, and every object of the cluster tells that it is well."""

import pytest


@pytest.mark.drill(
    severity="P2",
    cadence="quarterly",
    fault="service-hangs",
    load="steady",
    recovery="restart-service",
    budget_s=60,
)
def test_service_hang(system, load, inject, recover, objectives):
    """What only clients see is seen by asking as one of them; the pods are restarted, a few at a time."""
    with load(rate=120), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=10)
            done = recover()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
