"""Allowed hours: days and times of day in a time zone, as its clocks show them, across midnight and summer time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from muster.system.schema import Strict

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
MIDNIGHT = time()
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def _time(said: Any) -> Any:
    if isinstance(said, str) and (found := _TIME.fullmatch(said)):
        return time(int(found[1]), int(found[2]))
    if said == "24:00":
        return MIDNIGHT
    raise ValueError('right would be a time of day such as "09:00", in quotes')


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # not known; a path outside; a directory
        raise ValueError(
            f"time zone '{name}' is not known; right would be a name such as Europe/Berlin or UTC"
        ) from None
    return name


Time = Annotated[time, BeforeValidator(_time, json_schema_input_type=str)]


class Hours(Strict):
    """A span of each of some days: from a time on until before another one, of the next day where that is not later."""

    days: Annotated[list[Day], Field(min_length=1, default_factory=lambda: list(DAYS))]
    from_: Time = Field(alias="from")
    to: Time
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"

    @model_validator(mode="after")
    def _some(self) -> Hours:
        if self.from_ == self.to != MIDNIGHT:
            raise ValueError(
                "'from' and 'to' are the same time; right for a whole day would be \"00:00\" and \"24:00\""
            )
        return self

    def allow(self, moment: datetime) -> bool:
        """Whether a moment (aware) lies within. An hour that clocks show twice is allowed twice."""
        local = moment.astimezone(ZoneInfo(self.zone))
        today, yesterday, now = DAYS[local.weekday()], DAYS[local.weekday() - 1], local.time()
        if self.from_ < self.to:
            return today in self.days and self.from_ <= now < self.to
        return (today in self.days and now >= self.from_) or (yesterday in self.days and now < self.to)

    def begins_after(self, moment: datetime) -> datetime:
        """When it begins next, after a moment that it does not allow."""
        local = moment.astimezone(ZoneInfo(self.zone))
        for ahead in range(9):
            day = local.date() + timedelta(days=ahead)
            begin = datetime.combine(day, self.from_, tzinfo=local.tzinfo)
            if DAYS[day.weekday()] in self.days and begin.timestamp() > moment.timestamp():
                return begin
        raise AssertionError("every day comes within a week")

    def __str__(self) -> str:
        days = "every day" if set(self.days) == set(DAYS) else ", ".join(self.days)
        until = "24:00" if self.to == MIDNIGHT else f"{self.to:%H:%M}"
        return f"{days} {self.from_:%H:%M} to {until} ({self.zone})"


def refused_at(hours: Sequence[Hours], moment: datetime) -> str | None:
    """Why none of some spans allows a moment, as a part of a sentence; None where one does, or there are none."""
    if not hours or any(one.allow(moment) for one in hours):
        return None
    soonest = min((one.begins_after(moment) for one in hours), key=datetime.timestamp)
    spans = "; ".join(map(str, hours))
    return f"drills are allowed {spans}, next from {soonest:%a %Y-%m-%d %H:%M} {soonest.tzinfo}"
