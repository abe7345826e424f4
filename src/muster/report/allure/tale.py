"""What is known of one drill when it is told: its entry, its timeline, and the files that it left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from muster.base.errors import MusterError
from muster.base.packaged import EXPERIMENTS, own_first
from muster.base.timeline import Event
from muster.verdict import DrillVerdict
from muster.verdict.reading.read import read_record
from muster.verdict.reading.record import Record
from muster.verdict.reading.saved import Saved, read_saved


@dataclass
class Tale:
    """One drill, told from `entry` and the run's `directory`; `project` is where experiments/ lies."""

    entry: DrillVerdict
    directory: Path
    project: Path
    saved: Saved

    @property
    def events(self) -> list[Event]:
        """Everything on the timeline but the requests, in order of time."""
        return self.saved.events

    @cached_property
    def record(self) -> Record | None:
        """The timeline in order, or None where it cannot be understood."""
        try:
            return read_record(self.saved)
        except MusterError:
            return None

    @property
    def work(self) -> Path:
        """What the drill's child processes left."""
        return self.directory / f"{self.entry.name}.d"

    @property
    def timeline_path(self) -> Path:
        return self.directory / f"{self.entry.name}.jsonl"

    @property
    def experiment_path(self) -> Path | None:
        """The experiment's file, or None where none is declared."""
        fault = self.record.declared.fault if self.record else None
        return own_first(self.project / "experiments", EXPERIMENTS, "*.yaml").get(fault) if fault else None

    @property
    def began(self) -> float:
        """The first moment on the timeline (CLOCK_MONOTONIC s); 0 where there is none."""
        return float(self.events[0]["t"]) if self.events else 0.0

    @property
    def ended(self) -> float:
        """The last moment on the timeline."""
        told = [float(event["t"]) for event in self.events[-1:]]
        return max([0.0, *told, float(self.saved.table.done.max(initial=0.0))])

    def epoch_ms(self, t: float) -> int:
        """A moment of the timeline as milliseconds since 1970, as Allure wants it; 0 where no clock was noted."""
        if self._epoch is None:
            return 0
        at, utc_s = self._epoch
        return round((utc_s + t - at) * 1000)

    @cached_property
    def _epoch(self) -> tuple[float, float] | None:
        """A moment of the timeline and the same as seconds since 1970."""
        for event in self.events:
            try:
                return float(event["t"]), datetime.fromisoformat(event["utc"]).timestamp()
            except (KeyError, TypeError, ValueError):
                continue
        return None


def read_tale(entry: DrillVerdict, directory: Path, project: Path) -> Tale:
    """The tale of a drill of a run; without events where its timeline is missing or damaged."""
    try:
        saved = read_saved(directory / f"{entry.name}.jsonl")
    except MusterError:
        saved = Saved.of([])
    return Tale(entry, directory, project, saved)
