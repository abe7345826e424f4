"""Stages as a generator carries them out, by its own clock."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from tests.load.test_run import PROFILE, of_kind
from tests.probes.service import Service

from muster.base.dial import Hand
from muster.base.errors import UsageError
from muster.base.waiting import wait_for
from muster.load.run import LoadRun
from muster.load.stages import Stage, ramp, spike, steady
from muster.verdict.reading.offered import Offered


def start(timeline: Path, url: str, stages: list[Stage], *, rate: float | None = None) -> LoadRun:
    profile = timeline.parent / "items.py"
    profile.write_text(PROFILE)
    return LoadRun.start(
        profile, rate=rate, stages=stages, url=url, timeline=timeline, directory=timeline.parent, ceiling=1000
    )


def told(timeline: Path) -> list[tuple[str, float]]:
    """The stages that were told, with their rates."""
    return [(event["stage"], event["rate"]) for event in of_kind(timeline, "load") if event["state"] == "rate"]


def wait_told(timeline: Path, number: int) -> None:
    wait_for(lambda: len(told(timeline)) >= number, within=20, reason=f"{number} stages")


def test_stages_come_one_after_the_other_and_add_up(timeline: Path) -> None:
    stages = [steady(50, for_s=0.5), ramp(to=200, over_s=1.0), spike(400, for_s=0.5, back_to=100, name="peak")]
    with Service() as service, start(timeline, service.url, stages):
        wait_told(timeline, 4)
        ended = of_kind(timeline, "load")[-1]["t"] + 0.5
        wait_for(
            lambda: any(event["intended"] > ended for event in of_kind(timeline, "request")),
            within=20,
            reason="the rate after the last stage",
        )
    assert told(timeline) == [("steady", 50), ("ramp", 200), ("peak", 400), ("peak", 100)]
    loads = [event for event in of_kind(timeline, "load") if event["state"] in ("started", "rate")]
    began = loads[0]["t"]
    assert [event["t"] - began for event in loads[1:]] == pytest.approx([0, 0.5, 1.5, 2.0]), "not a moment late"
    offered = Offered()
    for event in loads:
        offered.change(event["t"], event["rate"], event.get("over_s", 0.0))
    intended = sorted(event["intended"] for event in of_kind(timeline, "request"))
    unsent = sum(event.get("not_sent", 0) + event.get("abandoned", 0) for event in of_kind(timeline, "load"))
    for since, until in itertools.pairwise([began, *(event["t"] for event in loads[2:]), ended]):
        asked = sum(since - 1e-6 <= moment < until - 1e-6 for moment in intended)
        assert asked <= offered.wanted(since, until) + 1
        assert asked + unsent >= offered.wanted(since, until) - 1


def test_a_fault_holds_the_rate_while_stages_go_on_behind_it(timeline: Path) -> None:
    stages = [steady(50, for_s=4.0), steady(150, for_s=1.0, name="later")]
    with Service() as service, start(timeline, service.url, stages) as run:
        began = of_kind(timeline, "load")[0]["t"]
        with Hand(Path(run.environment["MUSTER_LOAD_DIAL"])) as hand:
            hand.turn(300, held=True)
            wait_for(
                lambda: any(event["intended"] > began + 4.2 for event in of_kind(timeline, "request")),
                within=20,
                reason="the second stage to be due",
            )
        wait_told_rate = [50, 300, 150]
        wait_for(
            lambda: (
                [event["rate"] for event in of_kind(timeline, "load") if event["state"] == "rate"] == wait_told_rate
            ),
            within=20,
            reason="the rate to go back to where the stages are",
        )
    back = [event for event in of_kind(timeline, "load") if event["state"] == "rate"][-1]
    assert (back["stage"], back["t"] > began + 4.2) == ("later", True)


def test_a_stage_above_the_ceiling_starts_nothing(timeline: Path) -> None:
    with pytest.raises(UsageError, match=r"^stage 'spike' of 1001 requests/s is more than system.yaml allows"):
        start(timeline, "http://127.0.0.1:1", [steady(10, for_s=1), spike(1001, for_s=1, back_to=10)])
    assert not of_kind(timeline, "load")
    assert not list(timeline.parent.glob("load-*")), "nothing is left of it"


def test_a_load_that_begins_with_a_ramp_needs_a_rate(timeline: Path) -> None:
    with pytest.raises(UsageError, match="stage 'ramp' cannot be the first"):
        start(timeline, "http://127.0.0.1:1", [ramp(to=100, over_s=1)])
    with pytest.raises(UsageError, match="a load needs a rate or stages"):
        start(timeline, "http://127.0.0.1:1", [])
    with Service() as service, start(timeline, service.url, [ramp(to=100, over_s=1)], rate=20):
        wait_told(timeline, 1)
    first, second = of_kind(timeline, "load")[:2]
    assert (first["rate"], second["rate"], second["over_s"]) == (20, 100, 1.0)
