"""All that is known of a system at one time, and the board on which those who look put it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from muster.base.clock import now, utc
from muster.dashboard.rates import History, Rates
from muster.dashboard.sight import FRESH_S, Sight
from muster.incidents.incident import Incident
from muster.release.measuring import Reading
from muster.release.record import Release
from muster.status import Glance, Shown
from muster.system import SystemDefinition

MOST_SAID = 50


@dataclass(frozen=True)
class ReleaseSeen:
    """The release of a namespace, None where there was none, and who looks after it now, None where nobody does."""

    release: Release | None
    by: str | None


@dataclass(frozen=True)
class Measured:
    """What each side (`stable`, `canary`) did over time, and by side why something of it could not be had."""

    over_time: Mapping[str, tuple[Rates, ...]]
    missing: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Said:
    """What became of something that was done here."""

    at: datetime
    text: str
    failed: bool = False


@dataclass(frozen=True)
class Picture:
    """What is known. `known` holds of each part of the system how it was when it was seen last, and when; None stands
    for what nobody looks at: there is no system.yaml, its pods tell no metrics, no store is kept."""

    definition: SystemDefinition | None
    where: str
    glance: Sight[Glance] = field(default_factory=Sight)
    known: Mapping[str, tuple[Shown, float]] = field(default_factory=dict)
    release: Sight[ReleaseSeen] | None = None
    measured: Sight[Measured] | None = None
    incidents: Sight[tuple[Incident, ...]] | None = None
    said: tuple[Said, ...] = ()
    acting: str = ""  # what is being done here just now

    @property
    def under_way(self) -> Release | None:
        """The release that is under way, as far as was seen; None where none is."""
        seen = self.release.value if self.release is not None else None
        release = seen.release if seen is not None else None
        return None if release is None or release.is_over else release


class Board:
    """The picture, put together from what several threads see."""

    def __init__(self, picture: Picture, *, fresh_s: float = FRESH_S) -> None:
        """What is older than `fresh_s` seconds is not called present."""
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._picture = picture
        self._history = History()

    @property
    def picture(self) -> Picture:
        """What is known now."""
        with self._lock:
            return self._picture

    def see_system(self, seen: Glance) -> None:
        """A look at the system has ended; parts that it could not see stay known as they were."""
        at = now()
        known = {part.name: (part, at) for part in seen.parts if part.state != "unknown"}
        with self._lock:
            merged = {**self._picture.known, **known}
            self._picture = replace(self._picture, glance=Sight(seen, at, fresh_s=self._fresh_s), known=merged)

    def see_release(self, seen: ReleaseSeen) -> None:
        """The release was seen."""
        with self._lock:
            self._picture = replace(self._picture, release=Sight(seen, now(), fresh_s=self._fresh_s))

    def see_reading(self, reading: Reading) -> None:
        """The pods have told what they counted."""
        at = now()
        with self._lock:
            measured = Measured(self._history.add(at, reading.seen), reading.missing)
            self._picture = replace(self._picture, measured=Sight(measured, at, fresh_s=self._fresh_s))

    def see_incidents(self, seen: tuple[Incident, ...]) -> None:
        """The open incidents were seen."""
        with self._lock:
            self._picture = replace(self._picture, incidents=Sight(seen, now(), fresh_s=self._fresh_s))

    def lose(self, name: str, why: str) -> None:
        """A look at `glance`, `release`, `measured` or `incidents` has failed."""
        with self._lock:
            sight: Sight[object] = getattr(self._picture, name) or Sight()
            self._picture = replace(self._picture, **{name: sight.lost(why)})  # type: ignore[arg-type]

    def say(self, text: str, *, failed: bool = False) -> None:
        """Tell what became of something that was done here."""
        with self._lock:
            said = (*self._picture.said, Said(utc(), text, failed))[-MOST_SAID:]
            self._picture = replace(self._picture, said=said)

    def act(self, text: str) -> None:
        """Tell what is being done here just now; empty once it has ended."""
        with self._lock:
            self._picture = replace(self._picture, acting=text)
