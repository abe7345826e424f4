"""Timelines of drills that never took place, for tests of verdicts and reports, and of drills' own helpers.

A `DrillStory` tells what truly happened, in seconds from its own beginning; `events()` is what prober, load and drill
would have written of it. Change a field to tell another story:

    events = DrillStory(outages=[Outage(5.1, 12.0, "timeout")], lost={"w-50": "lost"}).events()
    assert judge(events).verdict is Verdict.MISSED
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from muster.base.timeline import SCHEMA, Event
from muster.verdict.scripted import Asked, Asking, Outage, Own, asked

__all__ = ["EPOCH", "Asking", "DrillStory", "Outage", "Own"]

EPOCH = 1000.0  # CLOCK_MONOTONIC at a story's beginning


def _default_declaration() -> dict[str, Any]:
    return {
        "name": "db_failure",
        "nodeid": "drills/test_db_failure.py::test_db_failure",
        "severity": "P1",
        "cadence": "monthly",
        "fault": "db-failure",
        "load": "steady",
        "recovery": "promote-standby",
        "system": "enhancer",
        "evidence": "rehearsal",
        "cluster": "embedded",
        "rto_target_s": 900.0,
        "rto_budget_s": 30.0,
        "rpo_target_s": 300.0,
        "max_lost_writes": 0,
        "objectives": [
            {"name": "error_rate", "target": 0.01},
            {"name": "latency_p95", "target": 1.0},
        ],
    }


def _default_relations() -> dict[str, dict[str, Any]]:
    """Two API pods that ask a database, which is one of two instances."""
    api = _relied(["Deployment/api", "ReplicaSet/api-1"], "ConfigMap/settings", "Service/api", asks="Service/db")
    first, second = (_relied([f"StatefulSet/{db}"], "ConfigMap/topology", "Service/db") for db in ("db-a", "db-b"))
    return {"api-1-a": api, "api-1-b": api, "db-a-0": first, "db-b-0": second}


def _relied(owners: list[str], uses: str, served_by: str, *, asks: str | None = None) -> dict[str, Any]:
    asked = [] if asks is None else [asks]
    return {"owners": owners, "uses": [uses], "served_by": [served_by], "asks": asked, "serves": asks is not None}


@dataclass
class DrillStory:
    """A drill of 30 s: struck at 5 s, 0.2 s later out of service, at 6 s the recovery begins and at 11.8 s it ends.

    Fields that are None leave out what they tell of. `effects` are looks at the fault: (when, seen). `changes` are what
    the procedure changed: (when, verb, object, fields), by default the Service of the database as soon as it acts.
    `undone` is when the drill let go of the fault, and what was put back then. `relations` are what pods rely on, by
    their names.
    """

    declared: dict[str, Any] = field(default_factory=dict)
    outages: list[Outage] = field(default_factory=lambda: [Outage(5.2, 11.7)])
    probes: list[Asking] = field(default_factory=lambda: [Asking("read", 0.05), Asking("write", 0.05, write=True)])
    load: Asking | None = field(default_factory=lambda: Asking("load", 0.02))
    steady: tuple[float, bool, str] | None = (4.0, True, "")
    sent: float | None = 5.0
    effects: list[tuple[float, bool]] | None = None
    recovery: tuple[float, float] | None = (6.0, 11.8)
    steps: list[tuple[str, float, float, str]] = field(
        default_factory=lambda: [("fence", 6.0, 6.3, "done"), ("promote", 6.3, 11.6, "done")]
    )
    recovery_ok: bool = True
    changes: list[tuple[float, str, str, list[str]]] | None = None
    pods: list[tuple[float, str, bool]] = field(default_factory=list)  # (when, pod, whether it was ready from then on)
    undone: tuple[float, list[str]] | None = None
    relations: dict[str, dict[str, Any]] = field(default_factory=_default_relations)
    good: tuple[float, bool, str] | None = (17.0, True, "")
    lost: dict[str, str] = field(default_factory=dict)
    readback: float | None = 25.0
    judged: list[str] | None = field(default_factory=lambda: ["rto", "rpo", "slo"])
    outcome: str | None = "passed"
    suspended: tuple[float, float] | None = None  # when, and for how long
    length: float = 30.0  # when the drill judged and ended
    seed: int = 1
    harmed: list[float] = field(default_factory=list, init=False)  # when requests truly failed; `events` fills it

    def events(self) -> list[Event]:
        """The timeline, sorted by time."""
        self.harmed.clear()
        told = [
            *self._frame(),
            *self._clock(),
            *self._struck(),
            *self._recovered(),
            *self._pods(),
            *(event for asking in self.probes for event in self._asked("probe", asking)),
            *(self._asked("load", self.load) if self.load else ()),
            *self._concluded(),
        ]
        ordered = sorted(told, key=lambda event: event["t"])
        head = {"schema": SCHEMA, "utc": "2020-01-01T00:00:00Z", "boottime": EPOCH, "run": "story", "drill": "story"}
        return [self._event("timeline", 0.0, **head), *ordered]

    @staticmethod
    def _event(kind: str, at: float, **fields: Any) -> Event:
        return {"t": EPOCH + at, "kind": kind, **fields}

    @property
    def declaration(self) -> dict[str, Any]:
        """What the drill declares: the defaults, the probes of the story, and the story's own changes."""
        probes = [{"name": p.name, "every_s": p.every, "limit_s": p.limit, "write": p.write} for p in self.probes]
        return {**_default_declaration(), "probes": probes, **self.declared}

    def _frame(self) -> Iterator[Event]:
        yield self._event("declared", 0.0, **self.declaration)
        yield self._event("prober", 0.0, state="started", probes=self.declaration["probes"])
        if self.load is not None:
            rate = 1 / self.load.every
            yield self._event("load", self.load.start, state="started", rate=rate, profile="steady", reason="")
            yield self._event("load", self.load.stop, state="stopped", rate=rate, profile="steady", reason="")
        if self.steady is not None:
            at, ok, why = self.steady
            yield self._event("steady", at, ok=ok, why=why, checks={})

    def _clock(self) -> Iterator[Event]:
        for second in range(math.ceil(self.length) + 1):
            slept = self.suspended[1] if self.suspended and second >= self.suspended[0] else 0.0
            boottime = EPOCH + second + slept
            yield self._event("clock", float(second), by="drill", boottime=boottime, utc=_utc(second))

    def _struck(self) -> Iterator[Event]:
        if self.sent is None:
            return
        name = self.declaration["fault"]
        yield self._event("fault.sent", self.sent, experiment=name, activity="strike")
        looks = self.effects
        if looks is None:
            looks = [(self.sent + 0.2 * turn, turn > 0) for turn in range(8)]
        for at, seen in looks:
            evidence = "pod db-a-0 is gone" if seen else "pod db-a-0 runs"
            yield self._event("fault.effect", at, experiment=name, observed=seen, evidence=evidence)
        if self.undone is not None:
            at, texts = self.undone
            yield self._event("phase", at, phase="undo", detail=name)
            yield self._event("fault.undone", at + 0.3, experiment=name, undone=texts, left=[], by="experiment")

    def _recovered(self) -> Iterator[Event]:
        if self.recovery is None:
            return
        began, ended = self.recovery
        name = self.declaration["recovery"] or "by-hand"
        yield self._event("recovery.began", began, procedure=name)
        for step, start, stop, state in self.steps:
            yield self._event("recovery.step", start, procedure=name, step=step, state="began", detail=None)
            yield self._event("recovery.step", stop, procedure=name, step=step, state=state, detail=None)
        why = "" if self.recovery_ok else "promote failed"
        yield self._event("recovery.ended", ended, procedure=name, ok=self.recovery_ok, why=why)

        changes = self.changes
        if changes is None:
            acted = [start for _, start, _, state in self.steps if state != "skipped"]
            changes = [(start, "patch", "Service/db", ["spec.selector.instance"]) for start in acted[:1]]
        for at, verb, what, fields in changes:
            yield self._event("recovery.change", at, verb=verb, object=what, fields=fields, replicas=None)

    def _pods(self) -> Iterator[Event]:
        for name, related in self.relations.items():
            yield self._event("relations", 0.1, pod=name, ready=True, **related)
        for at, name, ready in self.pods:
            yield self._event("pod", at, pod=name, change="1 of 1 ready" if ready else "0 of 1 ready", ready=ready)

    def _asked(self, source: str, asking: Asking) -> Iterator[Event]:
        chance = random.Random(f"{self.seed}{asking.name}")
        for turn, one in enumerate(asked(asking, self.outages, chance)):
            if one.harmed is not None:
                self.harmed.append(one.harmed)
            yield self._event(
                "request", one.done, source=source, name=asking.name, intended=EPOCH + one.intended,
                sent=EPOCH + one.sent, done=EPOCH + one.done, outcome=one.outcome,
                status=200 if one.outcome == "ok" else None, conn=one.conn, write=one.write,
            )  # fmt: skip
            if asking.write:
                yield from self._wrote(f"w-{turn}", one)

    def _wrote(self, name: str, one: Asked) -> Iterator[Event]:
        became = {"ok": "acknowledged", "refused": "refused", "shed": "refused"}.get(one.outcome, "indeterminate")
        answered = None if became == "indeterminate" else EPOCH + one.done
        yield self._event(
            "write", one.done, id=name, asked=EPOCH + one.sent, answered=answered, outcome=became, digest="d"
        )  # fmt: skip
        if self.readback is not None and one.sent < self.readback:
            found = self.lost.get(name, "same" if became == "acknowledged" else "lost")
            yield self._event("readback", self.readback, id=name, found=found, why="")

    def _concluded(self) -> Iterator[Event]:
        if self.good is not None:
            at, ok, why = self.good
            yield self._event("good", at, ok=ok, why=why)
        if self.judged is not None:
            yield self._event("judged", self.length, required=self.judged)
        if self.outcome is not None:
            yield self._event("ended", self.length, outcome=self.outcome)


def _utc(second: float) -> str:
    """The time of day at so many seconds into a story."""
    return f"2020-01-01T00:{int(second) // 60:02d}:{int(second) % 60:02d}Z"
