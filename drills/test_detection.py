"""Nobody serves clients any more, and somebody must be told: by Prometheus and Alertmanager, by monitoring/.

Where ENHANCER_ALERTMANAGER names an Alertmanager it is that one which must tell; else the drill starts a Prometheus and
an Alertmanager of its own on this machine, with the rules and routes that `muster monitoring write` makes.
"""

import os

import pytest

from muster.alerting.programs import Programs
from muster.alerting.series import Watched
from muster.base.errors import MissingProgramError
from muster.system import find_system, read_system

ADDRESS = "ENHANCER_ALERTMANAGER"


@pytest.fixture(autouse=True)
def monitoring(request, cluster, monkeypatch):
    """Why nothing can be told, or None. It is there before the drill begins, which watches from its first second."""
    if os.environ.get(ADDRESS):
        yield None
        return
    options = request.config.getoption("system")
    watched = Watched(read_system(options or find_system(request.config.rootpath)))
    try:
        with Programs.start(watched, cluster) as programs:
            monkeypatch.setenv(ADDRESS, programs.alertmanager)
            yield None
    except MissingProgramError as error:
        yield error


@pytest.mark.drill(
    severity="P1",
    cadence="monthly",
    fault="workload-lost",
    target="api",
    load="steady",
    recovery="full-restart",
    budget_s=180,
    alert="ServiceDown",
    detection_target_s=300,
)
def test_detection(monitoring, system, load, inject, recover, objectives):
    """From the injection until the page goes out; people act then, and not before."""
    if monitoring is not None:
        raise monitoring
    with load(rate=60), system.ledger() as writes:
        system.wait_steady(within=60)
        with inject() as fault:
            fault.wait_landed(seconds=15)
            system.wait_alert()
            done = recover()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, rpo=writes, slo=load.after(done))
