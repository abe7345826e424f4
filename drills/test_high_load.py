"""Clients ask for half as much again as the service is rated for, and go on doing so."""

import pytest

RATED = 300  # requests/s: 3 pods, each with an admission limit of 100


@pytest.mark.drill(
    severity="P2",
    cadence="monthly",
    fault="high-load",
    load="steady",
    recovery="add-capacity",
    budget_s=30,
    overload=True,
    error_budget=0.01,  # beside clean refusals
    alone=True,
    objectives={
        "latency_p95": {"windows": ["before", "during", "after"]},
        "goodput": {"target": 0.9 * RATED, "windows": ["during", "after"]},
        "refusal_latency": {"target": 0.1, "windows": ["during"]},  # the machine carries all of it
        "refused_rate": {"target": 0.001, "windows": ["after"]},
    },
)
def test_high_load(system, load, inject, recover, objectives):
    """What is too much is refused at once, the rest is served in time; with more capacity nothing is refused."""
    try:
        with load(rate=150), system.ledger() as writes:
            system.wait_steady()
            with inject() as fault:
                fault.wait_landed(seconds=5)
                done = recover()
                system.wait_good(within=objectives.rto)
                objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
    finally:
        released = recover("release-capacity")
    assert released.ok, released.why
    assert "done" in {step.state for step in released.steps}, "release-capacity gave nothing back"
