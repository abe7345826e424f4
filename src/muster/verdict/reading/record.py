"""A drill's timeline in order, for the questions that follow."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

from muster.objectives import Declaration
from muster.verdict.entry import VersionEntry
from muster.verdict.reading.facts import (
    Alert,
    Fault,
    LoadLook,
    MonitoringLook,
    PodState,
    Readback,
    Recovery,
    Relations,
    ReleaseAt,
    Shortfall,
    Tick,
    Undone,
    Write,
)
from muster.verdict.reading.offered import AllOffered
from muster.verdict.reading.requests import Requests, Stream
from muster.verdict.reading.windows import LoadWindows

STOPPING_S = 0.5  # what a load abandons when it is stopped was asked before that


@dataclass
class Record:
    """Everything of one drill that a verdict depends on."""

    declared: Declaration
    probes: dict[str, Stream]
    load: Stream
    offered: AllOffered = field(default_factory=AllOffered)
    load_started: float | None = None
    load_stopped: tuple[float, str] | None = None
    loads_failed: list[str] = field(default_factory=list)  # what became of each that did not do its part
    steady: tuple[float, bool, str] | None = None
    version: VersionEntry | None = None  # of the system, before it was struck
    faults: list[Fault] = field(default_factory=list)
    late_faults: list[Fault] = field(default_factory=list)  # sent after the drill judged: no part of what was measured
    recoveries: list[Recovery] = field(default_factory=list)
    release: list[ReleaseAt] = field(default_factory=list)  # no verdict goes by it
    recovery_points: list[float] = field(default_factory=list)  # to which moments procedures brought data back
    writes: list[Write] = field(default_factory=list)
    readbacks: dict[str, list[Readback]] = field(default_factory=dict)
    load_looks: list[LoadLook] = field(default_factory=list)
    load_found: dict[tuple[str, str], float] = field(default_factory=dict)  # what was missed by a load, and read later
    good: tuple[float, bool, str] | None = None
    judged: tuple[float, list[str]] | None = None
    judged_at: float = math.inf  # when the drill began to judge for the last time
    ended: str | None = None
    undone: list[Undone] = field(default_factory=list)
    released: list[float] = field(default_factory=list)  # when the drill let go of a fault
    prober_stopped: float | None = None
    unanswered: list[tuple[float, str, float]] = field(
        default_factory=list
    )  # at the prober's end: (t, probe, intended)
    ticks: list[Tick] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    monitoring: list[MonitoringLook] = field(default_factory=list)
    shortfalls: list[Shortfall] = field(default_factory=list)
    abandoned: list[Shortfall] = field(default_factory=list)  # of them, what had no answer when a load was stopped
    names: list[str] = field(default_factory=list)  # of requests: what their column `name` holds are places in it
    pods: list[PodState] = field(default_factory=list)
    relations: list[Relations] = field(default_factory=list)
    unrelated: str | None = None  # why it was not seen at some time what pods rely on
    foreign: list[tuple[float, list[str]]] = field(default_factory=list)  # whom else clients were led to, from when
    stopped: tuple[float, str, str] | None = None  # when the guardian stopped the drill, why, and by which rule
    taken_back_s: float | None = None  # from then to the last field that it put back
    broken: tuple[float, str] | None = None  # when a part of the harness itself was first seen broken, and which

    @cached_property
    def windows(self) -> LoadWindows:
        """The load's requests in windows, with the objectives that hold after a recovery."""
        return LoadWindows(self.load.requests, self.declared.each_second("after"))

    @cached_property
    def struck_under_way(self) -> Requests:
        """The load's requests that were under way when the fault was sent, and failed by it."""
        asked, injected = self.load.requests, self.injected
        if injected is None:
            return asked[:0]
        return asked[asked.bad & (asked.intended < injected) & ~self.load.overdue_before(injected)]

    @cached_property
    def windows_before(self) -> LoadWindows:
        """The same windows without the requests that the fault broke: they are none of the time before it."""
        asked, injected = self.load.requests, self.injected
        if injected is None or not len(self.struck_under_way):
            return self.windows
        struck = asked.bad & (asked.intended < injected) & ~self.load.overdue_before(injected)
        return LoadWindows(asked[~struck], self.declared.each_second("after"))

    @property
    def required(self) -> list[Stream]:
        """The streams of the probes that the drill requires."""
        return [self.probes[probe.name] for probe in self.declared.probes]

    @property
    def injected(self) -> float | None:
        """When the first fault was sent, or None."""
        return min((fault.sent for fault in self.faults), default=None)

    @property
    def seen_until(self) -> float:
        """Up to when all that is required was watched; -inf where some of it never was."""
        streams = [*self.required, *([self.load] if self.declared.load is not None else [])]
        return min((stream.seen_until for stream in streams), default=-math.inf)
