"""Where one running drill is, as its timeline tells it: phases, rates of the last second, recovery steps, pods.

A pure fold over events: it draws nothing and reads no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from muster.base.timeline import Event

WINDOW_S = 1.0
PODS_KEPT = 3
# Events of requests reach the timeline in batches: how old the newest may be and still stand for now.
LATE_S = 1.0


@dataclass
class Span:
    """A phase of the drill or a step of its recovery, in CLOCK_MONOTONIC seconds; `ended` is None while it lasts."""

    name: str
    detail: str
    began: float
    ended: float | None = None
    state: str = ""

    def took(self, now: float) -> float:
        """How long it lasted, up to now where it still does."""
        return (now if self.ended is None else self.ended) - self.began


@dataclass(frozen=True)
class Rates:
    """The last second of requests: rates per second, the P95 in seconds from the intended time (None: no answer)."""

    requests: float = 0.0
    errors: float = 0.0
    refused: float = 0.0
    p95_s: float | None = None


@dataclass
class Progress:
    """One drill that runs. `worker` is the xdist worker that runs it, empty without xdist."""

    drill: str
    nodeid: str = ""
    about: str = ""
    severity: str = ""
    system: str = ""
    worker: str = ""
    began: float = 0.0
    declared: dict[str, Any] = field(default_factory=dict)
    phases: list[Span] = field(default_factory=list)
    steps: list[Span] = field(default_factory=list)
    pods: deque[Event] = field(default_factory=lambda: deque(maxlen=PODS_KEPT))
    injected_at: float | None = None
    landed_at: float | None = None
    good_at: float | None = None
    _requests: deque[Event] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.phases.append(Span("deploy", self.system, self.began))

    @property
    def limit_s(self) -> float | None:
        """What the time since the fault is held against: the drill's budget, else its severity's RTO."""
        return self.declared.get("rto_budget_s") or self.declared.get("rto_target_s")

    @property
    def phase(self) -> Span:
        """The phase that the drill is in."""
        return self.phases[-1]

    def apply(self, event: Event) -> None:
        """Take in one event of the drill's timeline."""
        t = event["t"]
        match event["kind"]:
            case "request":
                self._requests.append(event)
            case "declared":
                self.declared = event
            case "phase":
                self.phase.ended = t
                self.phases.append(Span(event["phase"], event.get("detail") or "", t))
            case "fault.sent" if self.injected_at is None:
                self.injected_at = t
            case "fault.effect" if event.get("observed") and self.landed_at is None:
                self.landed_at = t
            case "recovery.step":
                self._step(event)
            case "pod":
                self.pods.append(event)
            case "good" if event.get("ok"):
                self.good_at = t
            case "ended":
                self.phase.ended = t

    def _step(self, event: Event) -> None:
        if event["state"] == "began":
            self.steps.append(Span(event["step"], "", event["t"], state="began"))
            return
        if self.steps and self.steps[-1].name == event["step"]:
            step = self.steps[-1]
            step.ended, step.state, step.detail = event["t"], event["state"], event.get("detail") or ""

    def since_fault_s(self, now: float) -> float | None:
        """Seconds since the first fault was sent; it stands still once service was seen good again.

        That was seen when it had been good for the drill's hold already, which is not counted. A hint while the drill
        runs, no more: the RTO is measured from the whole timeline.
        """
        if self.injected_at is None:
            return None
        hold = self.declared.get("hold_s") or 0.0
        until = now if self.good_at is None else self.good_at - hold
        return max(until - self.injected_at, 0.0)

    def rates(self, now: float) -> Rates:
        """What the requests of the last second were like: errors of all, the rest of the load, if there is one."""
        newest = self._requests[-1]["done"] if self._requests else now
        until = min(max(newest, now - LATE_S), now)
        while self._requests and self._requests[0]["done"] < until - WINDOW_S:
            self._requests.popleft()
        recent = list(self._requests)
        load = [event for event in recent if event.get("source") == "load"] or recent
        return Rates(
            requests=len(load) / WINDOW_S,
            errors=sum(1 for event in recent if self._failed(event)) / WINDOW_S,
            refused=sum(1 for event in recent if event["outcome"] == "shed") / WINDOW_S,
            p95_s=_p95(sorted(_latencies(load))),
        )

    def _failed(self, event: Event) -> bool:
        clean = event["outcome"] == "shed" and self.declared.get("overload")
        return event["outcome"] != "ok" and not clean


def _latencies(requests: list[Event]) -> Iterator[float]:
    for event in requests:
        if event["outcome"] == "ok":
            yield event["done"] - event["intended"]


def _p95(latencies: list[float]) -> float | None:
    """Nearest rank, as in `muster.verdict.reading.windows`."""
    return latencies[-(-len(latencies) * 95 // 100) - 1] if latencies else None
