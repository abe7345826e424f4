"""What a load does by the clock: stages, one after the other, each told on the timeline by its name.

    load(stages=[steady(100, for_s=20), ramp(to=400, over_s=30), spike(900, for_s=5, back_to=400)])

After the last stage its rate is kept until the load is stopped. Rates are requests/s, times seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from muster.base.errors import UsageError
from muster.load.schedule import Pace


@dataclass(frozen=True, slots=True)
class Leg:
    """The rate goes evenly to `rate` over `over_s` seconds, and stays there for `for_s`."""

    rate: float
    over_s: float = 0.0
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a load: its name, and the legs that it consists of."""

    name: str
    legs: tuple[Leg, ...]

    @property
    def highest(self) -> float:
        """The highest rate that it reaches."""
        return max(leg.rate for leg in self.legs)


def steady(rate: float, for_s: float, *, name: str = "steady") -> Stage:
    """`rate` from its first moment on, for `for_s` seconds."""
    return _stage(name, Leg(rate, for_s=for_s))


def ramp(to: float, over_s: float, *, name: str = "ramp") -> Stage:
    """Evenly from the rate of before to `to`, over `over_s` seconds."""
    return _stage(name, Leg(to, over_s=over_s))


def spike(to: float, for_s: float, back_to: float, *, name: str = "spike") -> Stage:
    """At once up to `to`, after `for_s` seconds at once `back_to`."""
    return _stage(name, Leg(to, for_s=for_s), Leg(back_to))


def soak(rate: float, for_s: float, *, over_s: float = 0.0, name: str = "soak") -> Stage:
    """For long at one rate, approached evenly over `over_s` seconds: what leaks or fills up shows after hours."""
    return _stage(name, Leg(rate, over_s=over_s, for_s=for_s))


def _stage(name: str, *legs: Leg) -> Stage:
    for leg in legs:
        for value in (leg.rate, leg.over_s, leg.for_s):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise UsageError(f"stage '{name}' takes requests/s and seconds, as numbers, not {value!r}")
        check_rate(leg.rate, math.inf, of=f"stage '{name}'")
        for what, seconds in (("take", leg.over_s), ("last", leg.for_s)):
            if not 0 <= seconds < math.inf:
                raise UsageError(f"stage '{name}' cannot {what} {seconds:g} s; right would be 0 or more")
    return Stage(name, legs)


def check_rate(rate: float, ceiling: float, *, of: str = "a load", others: float = 0.0) -> None:
    """Whether a rate may be wanted, beside the `others` that other loads of the drill have.

    Raises:
        UsageError: it is not above 0, no finite number, or above the ceiling with the others.
    """
    if not 0 < rate < math.inf:
        raise UsageError(f"the rate of {of} must be above 0 requests/s and finite, not {rate:g}")
    if rate + others > ceiling:
        beside = f" beside the {others:g} of the drill's other loads" if others else ""
        raise UsageError(
            f"{of} of {rate:g} requests/s{beside} is more than system.yaml allows (max_requests_per_s: {ceiling:g})"
        )


def first_rate(rate: float | None, stages: Sequence[Stage]) -> float:
    """The rate that a load begins with: its own, or that of its first stage.

    Raises:
        UsageError: there is neither.
    """
    if rate is not None:
        return rate
    if not stages:
        raise UsageError("a load needs a rate or stages: load(rate=200), or load(stages=[steady(200, for_s=30), ...])")
    first = stages[0].legs[0]
    if first.over_s > 0:
        raise UsageError(
            f"stage '{stages[0].name}' cannot be the first, as there is no rate to go up from; "
            "right would be a rate beside it, load(rate=50, stages=[...]), or steady(50, for_s=10) before it"
        )
    return first.rate


def check_stages(stages: Sequence[Stage], ceiling: float) -> None:
    """Whether no stage passes the ceiling.

    Raises:
        UsageError: one does; the message names it.
    """
    for stage in stages:
        check_rate(stage.highest, ceiling, of=f"stage '{stage.name}'")


def described(rate: float | None, stages: Sequence[Stage]) -> str:
    """What a load is to do, in a few words for people."""
    names = ", ".join(stage.name for stage in stages)
    return " through ".join([f"{first_rate(rate, stages):g} requests/s", *([names] if names else [])])


def checked(rate: float | None, stages: Sequence[Stage], ceiling: float) -> float:
    """The rate that a load begins with, once it is clear that it stays below the ceiling.

    Raises:
        UsageError: there is neither rate nor stage, or one makes no sense, or passes the ceiling.
    """
    first = first_rate(rate, stages)
    check_stages(stages, ceiling)
    check_rate(first, ceiling)
    return first


def plan(pace: Pace, stages: Sequence[Stage], start: float) -> None:
    """Have a pace go through the stages from `start` (CLOCK_MONOTONIC seconds) on."""
    for stage in stages:
        for leg in stage.legs:
            pace.change(leg.rate, at=start, over_s=leg.over_s, stage=stage.name)
            start += leg.over_s + leg.for_s


def to_text(stages: Sequence[Stage]) -> str:
    """The stages as the text of the generator's option --stages."""
    return orjson.dumps(list(stages)).decode()


def from_text(text: str) -> list[Stage]:
    """The stages that such a text holds, none for an empty one.

    Raises:
        UsageError: it does not fit.
    """
    if not text:
        return []
    try:
        told = orjson.loads(text)
        if isinstance(told, list):
            return [_stage(str(each["name"]), *(Leg(**leg) for leg in each["legs"])) for each in told]
        why = "it is no list of stages"
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        why = str(error)
    right = '[{"name": "peak", "legs": [{"rate": 400, "over_s": 10, "for_s": 60}]}]'
    raise UsageError(f"--stages cannot be read ({why}); right would be {right}")
