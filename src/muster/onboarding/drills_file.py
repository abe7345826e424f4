"""The drills and the load that are written: one drill for each emergency that what was found can have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from muster.onboarding.finding import Found

RATE = 50
LONGEST = 120


@dataclass(frozen=True)
class PlannedDrill:
    """One drill: the arguments of its marker, and its sentence."""

    name: str
    fault: str
    says: str
    severity: str
    cadence: str
    budget_s: int
    recovery: str | None = None
    target: str | None = None
    container: str | None = None
    config_map: str | None = None

    def marker(self) -> dict[str, str | int]:
        """The arguments of the marker, in the order in which people read them."""
        said = {
            "severity": self.severity, "cadence": self.cadence, "fault": self.fault, "target": self.target,
            "container": self.container, "config_map": self.config_map, "recovery": self.recovery,
            "budget_s": self.budget_s,
        }  # fmt: skip
        return {key: value for key, value in said.items() if value is not None}


def planned(found: Found) -> list[PlannedDrill]:
    """The drills for what was found: of each Deployment its crash, and of what serves clients its configuration; of
    each database its failure; and the outage of everything."""
    drills = []
    for name, kind in found.workloads.items():
        if kind == "Deployment" and name not in found.databases and found.replicas[name] > 0:
            drills.append(_crash(name))
            if name in found.serving:  # of others clients see nothing, and so nothing would be proved
                drills.append(_configuration(found, name))
    drills += _databases(found)
    drills += [
        PlannedDrill(
            f"{_word(name)}_failure", "workload-lost", f"{name} is lost, and brought back.",
            "P2", "quarterly", 180, "full-restart", name,
        )
        for name in found.caches
        if found.replicas[name] > 0
    ]  # fmt: skip
    outage = PlannedDrill(
        "full_outage", "full-outage", "Everything goes down without grace; stage by stage it comes up again.",
        "P1", "yearly", 300, "full-restart",
    )  # fmt: skip
    return [*drills, outage]


def drills_file(found: Found, *, name: str, load: str) -> str:
    """The text of drills/test_NAME.py."""
    head = f'''\
"""Drills of {name}, written by `muster init`; yours from now on.

Each strikes with a fault that comes with muster (`muster experiments`), under the load of loadtests/{load}.py, and
judges how soon clients were well again. `budget_s` is a guess: say what you promise. With a `ledger` in system.yaml a
drill proves as well that nothing is lost: `with load(rate=RATE), system.ledger() as writes`, and `rpo=writes` where it
judges.
"""

import pytest

RATE = {RATE}  # requests/s
'''
    return head + "".join(_test(drill, load) for drill in planned(found))


def load_file(found: Found, *, name: str, load: str) -> str:
    """The text of loadtests/LOAD.py."""
    return f'''\
"""People who use {name}. Written by `muster init`; yours from now on: add what else they do, a task each.

    locust -f loadtests/{load}.py --headless -u 1 --host http://ADDRESS:{found.port} --rate {RATE}
"""

from locust import task

from muster.load.openloop import OpenLoopUser


class Visitor(OpenLoopUser):
    """Somebody who looks."""

    rate = {RATE}

    @task
    def look(self):
        """One read; say what must hold of the answer, so that a wrong one does not pass for right."""
        with self.rest("GET", {found.read_path!r}) as answer:
            assert answer.status_code == 200
'''


def _crash(name: str) -> PlannedDrill:
    return PlannedDrill(
        f"{_word(name)}_crash", "pods-lost", f"All pods of {name} die at once, and the platform makes new ones.",
        "P2", "monthly", 60, None, name,
    )  # fmt: skip


def _configuration(found: Found, name: str) -> PlannedDrill:
    used = [one for one, users in found.configuration.items() if name in users and found.keys.get(one)]
    if used:
        key = found.keys[used[0]][0]
        return PlannedDrill(
            f"{_word(name)}_configuration", "config-broken",
            f"What configures {name} is broken; the last known good one is put back.",
            "P2", "monthly", 120, "restore-configuration", name, None, f"{used[0]}/{key}",
        )  # fmt: skip
    several = len(found.containers[name]) > 1
    return PlannedDrill(
        f"{_word(name)}_configuration", "rollout-broken",
        f"A rollout of {name} names configuration that is not there; the change is found and taken back.",
        "P2", "monthly", 120, "repair-crashed-pods", name, found.containers[name][0] if several else None,
    )  # fmt: skip


def _databases(found: Found) -> list[PlannedDrill]:
    if found.streaming is not None:
        return [
            PlannedDrill(
                "db_failure", "db-failure", "The primary is lost for good; a standby takes its place.",
                "P1", "monthly", 120, "promote-standby",
            )
        ]  # fmt: skip
    return [
        PlannedDrill(
            f"{_word(name)}_failure", "workload-lost", f"Database {name} is lost, its volume apart, and brought back.",
            "P1", "monthly", 180, "full-restart", name,
        )
        for name in found.databases
        if found.replicas[name] > 0
    ]  # fmt: skip


def _test(drill: PlannedDrill, load: str) -> str:
    arguments = {**drill.marker(), "load": load}
    marker = ", ".join(f"{key}={value!r}".replace("'", '"') for key, value in arguments.items())
    line = f"@pytest.mark.drill({marker})"
    if len(line) > LONGEST:
        inner = "".join(f"    {key}={value!r},\n".replace("'", '"') for key, value in arguments.items())
        line = f"@pytest.mark.drill(\n{inner})"
    fixtures = "system, load, inject, recover, objectives" if drill.recovery else "system, load, inject, objectives"
    done = "            done = recover()\n" if drill.recovery else ""
    after = "done" if drill.recovery else "None"
    return f'''

{line}
def test_{drill.name}({fixtures}):
    """{drill.says}"""
    with load(rate=RATE):
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=60)
{done}            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault, slo=load.after({after}))
'''


def _word(name: str) -> str:
    return re.sub(r"\W", "_", name)
