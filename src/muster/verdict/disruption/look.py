"""What happened, looked at once with everything that can be relied on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from muster.verdict.disruption import watching
from muster.verdict.disruption.landed import Landed
from muster.verdict.disruption.measure import Disruption, measure
from muster.verdict.disruption.recovered_by import Recovered, recovered_by
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a disruption. A stream that fell silent cannot be relied on (`probes_whole`, `load_whole`).

    Where the load's generator said that it was late, by `late_s`, the disruption may have been the one `at_best`.
    """

    disruption: Disruption
    recovered: Recovered
    probes_whole: bool = True
    load_whole: bool = True
    doubts: list[Reason] = field(default_factory=list)
    at_best: Disruption | None = None
    late_s: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether no stream fell silent."""
        return self.probes_whole and self.load_whole

    def judged_until(self, hold: float) -> float:
        """Up to when something is concluded from what was watched: the end of the hold, or of the watch."""
        end = self.disruption.end
        return self.disruption.watched_until if end is None else end.at + hold


def look(record: Record, landed: Landed) -> Look:
    """Measure the disruption with all that can be relied on; the load is left out where it fell silent.

    For how long the load had to run is what the probes tell by themselves.
    """
    since = (record.injected or 0.0) - record.declared.steady_s
    disruption = measure(record, effect=landed.observed, probes_only=True)
    until = watching.watched_to_the_end(record, disruption.end, record.declared.hold_s)
    silent_probes = [reason for stream in record.required for reason in watching.silences(record, stream, since, until)]
    loaded = record.declared.load is not None or len(record.load.requests) > 0
    silent_load = _load_silences(record, disruption, since, until) if loaded else []
    doubts = [*silent_probes, *silent_load]
    best, late = None, 0.0
    if loaded and not silent_load:
        disruption = measure(record, effect=landed.observed)
        doubts += _load_doubts(record, disruption, since)
        until = disruption.watched_until if disruption.end is None else disruption.end.high
        if late := watching.late_s(record, record.injected or 0.0, until):
            best = measure(record, effect=landed.observed, late_s=late)
    recovered = recovered_by(record, disruption)
    return Look(disruption, recovered, not silent_probes, not silent_load, doubts, best, late)


def _load_silences(record: Record, disruption: Disruption, since: float, until: float) -> list[Reason]:
    end = disruption.end
    if record.load_stopped is not None:  # the drill may end its load before it judges, but not before the hold has
        held = -math.inf if end is None else end.at + record.declared.hold_s
        until = max(min(until, record.load_stopped[0]), held)
    return watching.silences(record, record.load, since, until)


def _load_doubts(record: Record, disruption: Disruption, since: float) -> list[Reason]:
    """What the load itself says against its figures before the injection and in the hold."""
    end, hold = disruption.end, record.declared.hold_s
    held = [] if end is None else [(end.at, end.at + hold)]
    before = (since, since + record.declared.steady_s)
    return [*watching.under_rate(record, [before, *held]), *watching.failed(record)]
