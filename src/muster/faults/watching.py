"""Watching an effect from the strike until the end of the fault's block."""

from __future__ import annotations

import threading

from muster.base.background import Background
from muster.base.clock import now
from muster.base.errors import ClusterError
from muster.base.timeline import Timeline
from muster.faults.effects import Observation, Observer

# Closely until it has landed, whose time is of interest; then so that it is cheap.
EVERY_S = 0.1
EVERY_S_LANDED = 0.25
SAY_AGAIN_S = 1.0


class EffectWatch(Background):
    """Looks for an effect again and again, in a thread, and writes what it sees onto the timeline."""

    def __init__(self, observer: Observer, timeline: Timeline, experiment: str) -> None:
        super().__init__(self._run, name=f"effect of {experiment}")
        self._observer, self._timeline, self._experiment = observer, timeline, experiment
        self._landed = threading.Event()
        self._said: tuple[float, Observation] | None = None
        self.landed_at: float | None = None
        self.latest = Observation(False, "not looked at yet")
        self.evidence: str | None = None  # of the first time that the effect was seen
        self.failure: Exception | None = None

    def wait_landed(self, seconds: float) -> bool:
        """Whether the effect has been seen, waiting up to so many seconds for it.

        Raises:
            Exception: whatever ended the watch, a timeline that cannot be written for one.
        """
        landed = self._landed.wait(seconds)
        if self.failure is not None:
            raise self.failure
        return landed and self.landed_at is not None

    def _run(self) -> None:
        try:
            while not self.stopping.is_set():
                self._look()
                self.pause(EVERY_S if self.landed_at is None else EVERY_S_LANDED)
        except Exception as error:  # noqa: BLE001
            # A thread has nobody above it: handed to whoever waits for the effect.
            self.failure = error
            self._landed.set()

    def _look(self) -> None:
        try:
            seen = self._observer.look()
        except ClusterError as error:
            # One look that fails says nothing; when they go on failing the timeline must not keep an old sight.
            if self._said is not None and now() - self._said[0] < SAY_AGAIN_S:
                return
            seen = Observation(False, f"cannot be looked at: {error}")
        self.latest = seen
        changed = self._said is None or self._said[1] != seen
        if changed or (self._said is not None and now() - self._said[0] >= SAY_AGAIN_S):
            self._timeline.append(
                "fault.effect", experiment=self._experiment, observed=seen.observed, evidence=seen.evidence
            )
            self._said = (now(), seen)
        if seen.observed and self.landed_at is None:
            self.landed_at, self.evidence = now(), seen.evidence
            self._landed.set()
