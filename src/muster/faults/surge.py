"""More load than a system was made for.

Under a drill the rate of the drill's own load is raised; by hand a Locust of its own is started. Nothing in the cluster
is changed, so the record names the process instead: the load is raised for as long as this one holds on to it, through
a pipe or as the owner of a child, and it goes back when the hand is taken off or the process dies, however it does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from muster.base.dial import CEILING_VARIABLE, DIAL_VARIABLE, Hand
from muster.base.errors import RefusedError, UsageError
from muster.base.packaged import LOADS, own_first
from muster.base.process import Child
from muster.faults import session
from muster.faults.activity import or_exit
from muster.faults.session import Session
from muster.probes.http.address import service_address
from muster.system import find_system, read_system


@or_exit
def raise_load(rate: float, profile: str, service: str, port: int) -> str:
    """Raise the load to `rate` requests/s until the fault is undone.

    By hand the load is `loadtests/<profile>.py`, or the package's own of that name, sent to the Service `service` at
    `port`; it and the system's ceiling are looked for in the working directory, which must be the project's.

    Raises:
        SystemExit: the rate is above the system's ceiling, there is no load to raise, or no such profile.
    """
    here = session.current()
    return _raised(here, rate) if not here.channel.by_hand else _started(here, rate, profile, service, port)


def _raised(here: Session, rate: float) -> str:
    dial = os.environ.get(DIAL_VARIABLE)
    if not dial:
        raise UsageError("the drill runs no load that could be raised; right would be inject() in a block of load(...)")
    _check(rate, float(os.environ.get(CEILING_VARIABLE) or 0.0))
    hand = Hand(Path(dial))
    here.hold(f"load raised to {rate:g} requests/s", hand.let_go)
    here.strike(f"raise the load to {rate:g} requests/s")
    hand.turn(rate, held=True)
    return f"the drill's load goes on at {rate:g} requests/s"


def _started(here: Session, rate: float, profile: str, service: str, port: int) -> str:
    ceiling = read_system(find_system(Path.cwd())).max_requests_per_s
    _check(rate, ceiling)
    path = own_first(Path("loadtests"), LOADS, "*.py").get(profile)
    if path is None:
        raise UsageError(
            f"load profile loadtests/{profile}.py not found; run the experiment in the directory of the project"
        )
    url = service_address(here.cluster, here.namespace, service, port)
    command = [sys.executable, "-m", "locust", "-f", str(path), "--headless", "-u", "1", "-r", "1", "--host", url]
    command += ["--rate", repr(rate), "--ceiling", repr(ceiling), "--only-summary", "--loglevel", "WARNING"]
    here.strike(f"send {rate:g} requests/s of {profile}")
    child = Child(command, stdout=subprocess.DEVNULL, stderr=sys.stderr.buffer)
    here.hold(f"load of {rate:g} requests/s", child.stop, by=child.pid)
    return f"{path} sends {rate:g} requests/s to {url}"


def _check(rate: float, ceiling: float) -> None:
    if not rate > 0:
        raise UsageError(f"a load's rate must be above 0 requests/s, not {rate:g}")
    if rate > ceiling:
        raise RefusedError(
            f"refused: a load of {rate:g} requests/s is more than system.yaml allows (max_requests_per_s: {ceiling:g})"
        )
