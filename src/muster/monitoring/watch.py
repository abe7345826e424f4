"""The thread that asks the monitoring while a drill runs, and writes on the timeline what it says.

Each look that did not newly see the alert is a `monitoring` event, whose `t` is when it was *asked*: the answer was
made no earlier. A look that sees the alert begin or cease to fire is an `alert` event, whose `t` is when the answer was
*in*: it fired no later. So an alert began to fire between the event before its own and its own.
"""

from __future__ import annotations

from contextlib import suppress

from muster.base.background import Background
from muster.base.clock import now
from muster.base.errors import UsageError
from muster.base.timeline import Timeline, TimelineError
from muster.monitoring.asking import MonitoringError
from muster.monitoring.seen import Source
from muster.monitoring.sources import open_source
from muster.system.monitoring import Monitoring

LATE_S = 1.0  # a look that comes later than that was held up by this machine


class AlertWatch(Background):
    """Watches for one alert. A context manager; what is wrong with the monitoring is told on the timeline only."""

    def __init__(self, monitoring: Monitoring, alert: str, timeline: Timeline) -> None:
        super().__init__(self._run, name="muster-alert-watch")
        self._monitoring = monitoring
        self._server = monitoring.server
        self._alert = alert
        self._timeline = timeline
        self._source_name = f"{monitoring.kind} at {self._server.named}"
        self._firing = False

    def _run(self) -> None:
        # Where nothing can be told any more (a full disk), not even that can: the judge sees looks that end too early.
        with suppress(TimelineError):
            try:
                with open_source(self._monitoring, self._alert) as source:
                    self._source_name = source.name
                    self._watch(source)
            except UsageError as error:  # a token that went missing since the drill was declared
                self._tell("lost", now(), str(error))
            self._tell("stopped", now())

    def _watch(self, source: Source) -> None:
        asked = now()
        while not self.stopping.is_set():
            before, asked = asked, now()
            if asked - before > self._server.every_s + 2 * self._server.limit_s + LATE_S:
                self._tell("lost", asked, f"it was not asked for {asked - before:.1f} s: the harness stood still")
            self._look(source, asked)
            self.pause(max(asked + self._server.every_s - now(), 0.0))

    def _look(self, source: Source, asked: float) -> None:
        try:
            seen = source.look()
        except MonitoringError as error:
            self._tell("lost", asked, str(error))
            return
        if seen.firing == self._firing:
            self._tell("watching", asked, seen.note)
            return
        self._firing = seen.firing
        state = "firing" if seen.firing else "resolved"
        self._timeline.append("alert", name=self._alert, state=state, source=self._source_name)

    def _tell(self, state: str, t: float, why: str = "") -> None:
        self._timeline.append("monitoring", t=t, state=state, source=self._source_name, alert=self._alert, why=why)
