"""The events of a timeline by kind (docs/architecture.md, The timeline), as far as others may rely on them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from muster.objectives.declaration import Declaration, ProbeSpec
from muster.verdict.entry import VersionEntry


class Event(BaseModel):
    """What every event has: when it was, in seconds of CLOCK_MONOTONIC, and its kind."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    t: float
    kind: str


class Began(Event):
    """`timeline`, the first line."""

    schema_: Literal["muster/timeline/v1"]
    utc: str
    boottime: float
    run: str
    drill: str

    model_config = ConfigDict(alias_generator=lambda name: name.rstrip("_"))


class Declared(Declaration):
    """`declared`: the drill as its marker and system.yaml declare it."""

    model_config = ConfigDict(extra="allow")


class Phase(Event):
    """`phase`: what the drill began to do."""

    phase: str


class Clock(Event):
    """`clock`: both clocks, taken every second."""

    boottime: float
    utc: str
    by: str


class Request(Event):
    """`request`: `intended` is when the schedule wanted it sent, from which its latency counts."""

    source: Literal["load", "probe"]
    name: str
    intended: float
    sent: float
    done: float
    outcome: Literal["ok", "refused", "reset", "empty", "timeout", "unreachable", "error", "wrong", "shed"]
    status: int | None
    conn: Literal["new", "kept"]
    write: bool


class Write(Event):
    """`write`: one of the ledger's writes, and what was answered."""

    id: str
    asked: float
    answered: float | None
    outcome: Literal["acknowledged", "refused", "indeterminate"]


class Readback(Event):
    """`readback`: what became of a write."""

    id: str
    found: Literal["same", "altered", "lost", "duplicated", "unread"]


class Load(Event):
    """`load`: a load started, stopped, fell behind or changed its rate."""

    state: str


class LoadLost(Event):
    """`load.lost`: what was acknowledged to a load, and is gone or altered by its own reading; or
    the `same` again, after that."""

    load: str
    id: str
    acknowledged: float
    found: Literal["lost", "altered", "same"]
    name: str
    sent: float


class Prober(Event):
    """`prober`: the prober started, stopped, or could not look."""

    state: str
    probes: list[ProbeSpec] = []


class Judgement(Event):
    """`steady`, `good`, `instrument`: whether it is so, as the drill saw it."""

    ok: bool


class OfExperiment(Event):
    """`fault.sent`, `fault.undone`."""

    experiment: str


class FaultEffect(OfExperiment):
    """`fault.effect`: a look at the declared effect by another path than the injecting call."""

    observed: bool


class FaultDone(OfExperiment):
    """`fault.done`: the experiment's method is through."""

    ok: bool


class OfProcedure(Event):
    """`recovery.began`."""

    procedure: str


class Step(OfProcedure):
    """`recovery.step`: a step began, was skipped, is done, or failed."""

    step: str
    state: Literal["began", "skipped", "done", "failed"]


class Change(Event):
    """`recovery.change`: what a running procedure changed, the last one that began where none is named."""

    procedure: str | None = None
    verb: Literal["create", "replace", "patch", "delete", "execute", "ask"]
    object: str


class Output(OfProcedure):
    """`recovery.output`: a line that a command of the operator's own wrote."""

    step: str
    line: str


class Point(OfProcedure):
    """`recovery.point`: data were brought back as they were at `until` (UTC), `ago_s` seconds before the event."""

    until: str
    ago_s: float


class ProcedureEnded(OfProcedure):
    """`recovery.ended`."""

    ok: bool


class Alert(Event):
    """`alert`: an alert was first seen in that state."""

    name: str
    state: Literal["firing", "resolved"]


class Monitoring(Event):
    """`monitoring`: a look at the system's own monitoring."""

    state: Literal["watching", "lost", "stopped"]


class Guard(Event):
    """`guard`: the guardian stopped the drill, or took its fault back; what it saw of the stop conditions before the
    strike (`watching`), and which of them it could not look at (`blind`) until it could again (`sees`); or that it
    could not take the fault back and tries no more (`gave_up`)."""

    state: Literal["tripped", "undone", "gave_up", "watching", "blind", "sees"]
    rule: Literal["gone", "heartbeat", "deadline", "lever", "ended", "service", "alert", "query"] | None = None


class ReleaseAt(Event):
    """`release`: how far a release is that the drill brings out; what a look at it decided, where that is another
    decision than before (`decision`); and of one that was rolled back how long that took (`returned`, s)."""

    state: str
    phase: str
    share: float | None = None
    decision: str = ""
    why: str
    returned: dict[str, Any] | None = None


class Hook(Event):
    """`hook`: a command of the operator's own before or after the drill began, wrote a line, or ended."""

    when: Literal["before", "after"]
    command: str
    state: Literal["began", "output", "ended"]


class Left(Event):
    """`left`: what the drill made on a cluster that is not muster's own, and removed, and what stays."""

    removed: list[str]
    left: list[str]


class Version(Event):
    """`version`: the system that is there before it is struck; `version` is null where that could not be seen."""

    version: VersionEntry | None
    why: str


class Judged(Event):
    """`judged`: what the drill requires; after `began` no request counts."""

    required: list[str]


class Ended(Event):
    """`ended`: how the drill's body ended: `passed`, or the exception in one line."""

    outcome: str


EVENTS: dict[str, type[BaseModel]] = {
    "timeline": Began,
    "declared": Declared,
    "phase": Phase,
    "clock": Clock,
    "request": Request,
    "write": Write,
    "readback": Readback,
    "load": Load,
    "load.lost": LoadLost,
    "prober": Prober,
    "version": Version,
    "steady": Judgement,
    "good": Judgement,
    "instrument": Judgement,
    "fault.sent": OfExperiment,
    "fault.undone": OfExperiment,
    "fault.effect": FaultEffect,
    "fault.done": FaultDone,
    "recovery.began": OfProcedure,
    "recovery.step": Step,
    "recovery.change": Change,
    "recovery.output": Output,
    "recovery.point": Point,
    "recovery.ended": ProcedureEnded,
    "alert": Alert,
    "monitoring": Monitoring,
    "guard": Guard,
    "release": ReleaseAt,
    "hook": Hook,
    "left": Left,
    "judged": Judged,
    "ended": Ended,
}
