"""Whom notices go to: the part `notices` of system.yaml (docs/notices.md). Addresses are none of it."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from muster.system.schema import Name, Strict

Severity = Literal["P1", "P2", "P3", "P4"]
State = Literal["trigger", "acknowledge", "resolve"]
TemplateName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=64)]
Language = Annotated[str, Field(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]+)*$", max_length=16)]


class NoticeChannel(Strict):
    """What a channel is told, and how: of which severities and states, from which template, in which language, of
    drills as well, in how many messages a minute at most. What is left out is as docs/notices.md says."""

    severities: list[Severity] | None = None
    states: list[State] = ["trigger", "acknowledge", "resolve"]
    template: TemplateName | None = None
    language: Language | None = None
    drills: bool = False
    per_minute: Annotated[int, Field(ge=1, le=600)] | None = None


class Notices(Strict):
    """Channels by name, and the language and time zone of those that name none of their own."""

    language: Language = "en"
    timezone: str = "UTC"
    channels: dict[Name, NoticeChannel] = {}

    @field_validator("timezone", mode="after")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"'{name}' is no time zone; right would be one such as Asia/Shanghai") from None
        return name
