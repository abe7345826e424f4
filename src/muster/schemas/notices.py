"""What `muster notify` prints as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

Severity = Literal["P1", "P2", "P3", "P4"]
State = Literal["trigger", "acknowledge", "resolve"]


class ToldDelivery(BaseModel):
    """A notice on its way to a channel; times are UTC (ISO 8601). `due` is its next try, `until` when it is given up,
    `ended` when it arrived or was; `why` is why its last try failed."""

    channel: str
    uid: str
    template: str
    language: str
    subject: str
    state: Literal["waiting", "sent", "given up"]
    attempts: int
    due: str
    until: str
    ended: str | None
    why: str | None


class ToldNotice(BaseModel):
    """A notice: under one `key`, until that is resolved (`turn` counts how often it was), each `state` and `step` is
    told once; `seen` is how often it was put."""

    id: int
    key: str
    turn: int
    state: State
    step: str
    at: str
    severity: Severity
    system: str
    cluster: str
    title: str
    source: str
    drill: str | None
    incident: str | None
    seen: int
    last_seen: str
    deliveries: list[ToldDelivery]


class Notices(BaseModel):
    """The notices that have not arrived, or all, the oldest first."""

    schema_: Literal["muster/notices/v1"] = Field(alias="schema")
    notices: list[ToldNotice]


class ToldChannel(BaseModel):
    """A channel: what it is told, the environment's variable of its address, and what is wrong with that (empty:
    nothing). `kind` is empty where this machine has none."""

    name: str
    system: str | None
    kind: str
    variable: str
    severities: list[Severity]
    states: list[State]
    language: str
    template: str | None
    drills: bool
    per_minute: int
    trouble: str


class Channels(BaseModel):
    """The channels, by system and name."""

    schema_: Literal["muster/channels/v1"] = Field(alias="schema")
    channels: list[ToldChannel]


class ListedTemplate(BaseModel):
    """A template's file, the `project`'s own or the `package`'s."""

    name: str
    language: str
    from_: Literal["project", "package"] = Field(alias="from")
    path: str


class Templates(BaseModel):
    """The templates, by name and language."""

    schema_: Literal["muster/templates/v1"] = Field(alias="schema")
    templates: list[ListedTemplate]


class RenderedMessage(BaseModel):
    """What a template says."""

    template: str
    language: str
    subject: str
    body: str


class Messages(BaseModel):
    """What people would be told (`render`, `--plan`)."""

    schema_: Literal["muster/messages/v1"] = Field(alias="schema")
    messages: list[RenderedMessage]


class SentMessage(BaseModel):
    """What a channel took."""

    channel: str
    subject: str


class FailedMessage(SentMessage):
    """What it did not take, and why."""

    why: str


class DeliveredNotices(BaseModel):
    """What became of what was to be sent; `under_way` are channels that have not answered yet, `waiting` is how many
    deliveries are left."""

    schema_: Literal["muster/delivered/v1"] = Field(alias="schema")
    sent: list[SentMessage]
    failed: list[FailedMessage]
    under_way: list[str]
    waiting: int
