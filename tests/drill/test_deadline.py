"""Until when a drill's fault may last at most."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from muster.drill.deadline import BESIDES_S, longest_fault_s
from muster.faults import Experiment
from muster.faults.effects.objects import ObjectThere
from muster.objectives import Declaration
from muster.system.release import ReleasePlan

BRINGS_OUT = Experiment(
    "release",
    Path("release.yaml"),
    "a release",
    ObjectThere(kind="object-there", object="Deployment/api", canary=True),
    longest_s=80,
    releases=True,
)
PLAN = ReleasePlan()
BAKED_S = 120 * 60  # 30, 45, 30, 15 min


def declared(**more: Any) -> Declaration:
    said: dict[str, Any] = {
        "name": "d",
        "fault": "release",
        "system": "shop",
        "evidence": "cluster",
        "cluster": "c",
        "severity": "P1",
        "nodeid": "drills/x.py::test_d",
    }
    return Declaration(**said | {"hold_s": 5} | more)


@pytest.mark.parametrize(("scale", "bakes_s"), [("60", 120), ("1", BAKED_S), (None, BAKED_S)])
def test_a_release_is_given_the_time_that_its_plan_takes(scale: str | None, bakes_s: float) -> None:
    said = {} if scale is None else {"MUSTER_RELEASE_TIME_SCALE": scale}
    experiment = replace(BRINGS_OUT, environment=MappingProxyType(said))
    assert longest_fault_s(declared(), experiment, PLAN) == BESIDES_S + 80 + bakes_s + 5


def test_what_brings_out_nothing_waits_for_no_bake() -> None:
    assert longest_fault_s(declared(), replace(BRINGS_OUT, releases=False), PLAN) == BESIDES_S + 80 + 5


def test_the_longer_of_what_service_may_take_counts() -> None:
    plain = replace(BRINGS_OUT, releases=False)
    assert longest_fault_s(declared(rto_target_s=120, rto_budget_s=30), plain, PLAN) == BESIDES_S + 80 + 120 + 5
