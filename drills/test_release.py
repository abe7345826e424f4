"""A new version is brought out: a good one reaches everybody, and of a bad one few are hurt, and briefly.

Each is brought out as by `muster deploy`, by a process of its own, with bakes 60 times shorter than in earnest. What is
wrong with it stands in its pods' environment (systems/enhancer/README.md). Clients cannot tell what ended a trouble in
which only some requests fail, so it is the release's own record that is asked for that.
"""

import pytest

IN_TIME_S = 30  # from the decision to go back until clients are answered by the old version alone
PHASES = ("pre", "canary", "grow", "half", "switch", "promote")
RELEASE = {
    "severity": "P2",
    "cadence": "quarterly",
    "fault": "release",
    "release": "releases/5.2",
    "load": "steady",
    "budget_s": 60,
}
# No larger a share of the requests may fail than that of the traffic which the new version had.
BAD = RELEASE | {"recovery": "rollback", "proves_procedure": False, "error_budget": 0.05}


def assert_rolled_back(ended, release, *causes):
    """It went back for one of these causes, in time."""
    assert ended.state == "rolled back", f"{ended.state}: {ended.why}"
    assert ended.cause in causes, f"{ended.cause}: {ended.why}"
    assert release.rollback is None or release.rollback.verified_s <= IN_TIME_S, str(release.rollback)


@pytest.mark.drill(**BAD, release_env={"ENHANCER_DEFECT": "errs", "ENHANCER_DEFECT_SIZE": "0.5"})
def test_release_errs(system, load, inject, release, objectives):
    """Half of what it answers is an error."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            ended = release.wait_over()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert_rolled_back(ended, release, "trigger")


@pytest.mark.drill(**BAD, release_env={"ENHANCER_DEFECT": "slow"})
def test_release_is_slow(system, load, inject, release, objectives):
    """Each of its answers takes 1.5 s longer."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            ended = release.wait_over()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert_rolled_back(ended, release, "trigger")


@pytest.mark.drill(**BAD, release_env={"ENHANCER_DEFECT": "crashes"})
def test_release_crashes(system, load, inject, release, objectives):
    """Its pods crash as they start: none of them ever gets traffic."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            ended = release.wait_over()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert_rolled_back(ended, release, "step")
    assert "canary" not in release.phases


@pytest.mark.drill(**BAD, release_env={"ENHANCER_DEFECT": "leaks", "ENHANCER_DEFECT_SIZE": "4"})
def test_release_leaks(system, load, inject, release, objectives):
    """Its memory grows with each request."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            ended = release.wait_over()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert_rolled_back(ended, release, "trigger", "check")


@pytest.mark.drill(**BAD, release_env={"ENHANCER_DEFECT": "incompatible"})
def test_release_has_incompatible_agents(system, load, inject, release, objectives):
    """Its workers speak a protocol that the API does not: the new pods are asked before they get traffic."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            ended = release.wait_over()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert_rolled_back(ended, release, "step", "check")


@pytest.mark.drill(**BAD, release_env={"ENHANCER_DEFECT": "errs_on_one", "ENHANCER_DEFECT_SIZE": "0.5"})
def test_release_errs_on_one_kind(system, load, inject, release, objectives):
    """It is wrong for one kind of request only: those that create something."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            ended = release.wait_over()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert_rolled_back(ended, release, "trigger", "check")


@pytest.mark.drill(
    **BAD | {"budget_s": 600},
    release_env={"ENHANCER_DEFECT": "loses_writes"},
    time_scale=20,
    max_lost_writes=20,
)
def test_release_loses_writes(system, load, inject, release, objectives):
    """One in a thousand of the writes that it acknowledges is not stored: it takes longer to see one."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            ended = release.wait_over(within=500)
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert_rolled_back(ended, release, "check")
    assert "what is acknowledged is not kept" in ended.why, ended.why


@pytest.mark.drill(**BAD | {"fault": "release-unseen"})
def test_release_that_is_not_seen(system, load, inject, release, objectives):
    """The metrics of the new version are gone in the middle of its bake: it is held, and then taken back."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            ended = release.wait_over()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert_rolled_back(ended, release, "blind")
    assert "hold" in release.decisions, release.decisions


@pytest.mark.drill(
    **BAD | {"error_budget": 0.01},  # beside clean refusals
    overload=True,
    alone=True,
    objectives={"refused_rate": {"target": 0.002, "windows": ["after"]}},
)
def test_rollback_under_high_load(system, load, inject, release, objectives):
    """Clients ask for half as much again as the service is rated for, and somebody takes the release back."""
    with load(rate=150) as running, system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            release.wait("canary")
            running.set_rate(450)
            returned = release.roll_back("too much is asked of it")
            running.set_rate(150)
            system.wait_good(within=objectives.rto)
            objectives.judge(rto=fault, rpo=writes, slo=load.after(returned))
    assert_rolled_back(release.now, release, "person")


@pytest.mark.drill(
    **RELEASE | {"fault": "release-database-lost", "recovery": "promote-standby"},
    proves_procedure=False,  # both are needed, and which came last says nothing; db_failure proves it
)
def test_rollback_while_the_database_fails_over(system, load, inject, recover, release, objectives):
    """The primary dies while the release has its first share: one takes that back, another promotes the standby."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=10)
            wait_returned = release.rolling_back("the database is failing")
            done = recover()
            wait_returned()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
    assert_rolled_back(release.now, release, "person")


@pytest.mark.drill(**RELEASE)
def test_release_is_good(system, load, inject, release, objectives):
    """It goes through all its phases, and nobody notices."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            ended = release.wait_over()
            system.wait_good(within=objectives.rto)
            failed = release.failed()
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert ended.state == "released", f"{ended.state}: {ended.why}"
    assert not failed, f"{len(failed)} requests failed: {failed[:3]}"


@pytest.mark.drill(**RELEASE, time_scale=240)
def test_release_whose_watcher_dies(system, load, inject, release, objectives):
    """In each phase whoever looks after it is killed, and somebody else goes on with it."""
    with load(rate=60), system.ledger() as writes:
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=30)
            for phase in PHASES:
                release.wait_in(phase)
                release.kill()
                release.go_on()
            ended = release.wait_over()
            system.wait_good(within=objectives.rto)
            failed = release.failed()
    objectives.judge(rto=fault, rpo=writes, slo=load.after(ended))
    assert ended.state == "released", f"{ended.state}: {ended.why}"
    assert not failed, f"{len(failed)} requests failed: {failed[:3]}"
