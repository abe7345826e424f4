"""What a timeline tells besides requests: the fault and its effect, the recovery, the writes, alerts.

Times are CLOCK_MONOTONIC seconds throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Effect:
    """One look at whether a fault is in force."""

    t: float
    observed: bool
    evidence: str


@dataclass(slots=True)
class Fault:
    """One injection: one carrying out of an experiment. `again` is when the same experiment was sent once more."""

    experiment: str
    sent: float
    again: float | None = None
    effects: list[Effect] = field(default_factory=list)
    failed: str | None = None
    done: float | None = None  # when its experiment's method was through: from then on it only holds


@dataclass(slots=True)
class Step:
    """One step of a recovery procedure."""

    name: str
    began: float
    ended: float | None = None
    state: str = "began"
    detail: str | None = None
    acts: bool = True  # false for a step that only looks


@dataclass(frozen=True, slots=True)
class Change:
    """What a procedure changed: `verb` is create, replace, patch, delete, execute or ask, `object` is `Kind/name`.

    `fields` are dotted paths of what was different then, and `replicas` how many were wanted before and since.
    """

    t: float
    verb: str
    object: str
    fields: tuple[str, ...] = ()
    replicas: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PodState:
    """Whether a pod was ready from `t` on; one that is gone is not."""

    t: float
    pod: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Relations:
    """What a pod relied on, as `Kind/name`: its owners up to the top, what configures it, the Services that lead to it
    and those that it asks."""

    pod: str
    owners: frozenset[str]
    uses: frozenset[str]
    served_by: frozenset[str]
    asks: frozenset[str]
    serves: bool  # whether the system's own Service leads clients to it


@dataclass(slots=True)
class Recovery:
    """One run of a recovery procedure."""

    procedure: str
    began: float
    ended: float | None = None
    ok: bool = False
    why: str = ""
    steps: list[Step] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReleaseAt:
    """How far a release was from `t` on that the drill brought out."""

    t: float
    phase: str
    state: str


@dataclass(frozen=True, slots=True)
class Write:
    """A write of the ledger. `ended` is when its outcome was known, CLOCK_MONOTONIC seconds as all times here."""

    id: str
    asked: float
    answered: float | None
    ended: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Readback:
    """What was found of a write."""

    t: float
    found: str
    why: str


@dataclass(frozen=True, slots=True)
class LoadLook:
    """What was acknowledged to a load, and was not found as it was by the load's own reading in [sent, t]: by a request
    named `name`, answered with `status`."""

    t: float
    load: str
    id: str
    acknowledged: float
    name: str
    sent: float
    found: str
    status: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Undone:
    """An experiment's fault was undone: what was put back."""

    t: float
    experiment: str
    undone: list[str]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of the system's monitoring, when it was first seen to be `firing` or `resolved`."""

    t: float
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class MonitoringLook:
    """From when on the monitoring was `watching`, `lost` or `stopped`."""

    t: float
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The clocks as one process (`by`) read them. `utc` is in seconds since the epoch, None where it was not told."""

    t: float
    boottime: float
    by: str
    utc: float | None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """From `since` to `t` the load fell behind: so many requests were not sent, and it was so many seconds late."""

    since: float
    t: float
    not_sent: int
    late_s: float
    why: str
