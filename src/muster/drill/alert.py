"""The question that a drill waits on whose responders act on an alert: has it fired, or is its time over?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from muster.base.errors import UsageError

if TYPE_CHECKING:
    from muster.drill.drill import Drill

SLACK_S = 1.0


class AlertCheck:
    """Whether the drill's alert has fired within so many seconds of the injection, by default its detection target."""

    def __init__(self, drill: Drill, within: float | None) -> None:
        """Prepare to look.

        Raises:
            UsageError: the drill declares no alert, or nothing was injected yet.
        """
        declared, monitoring = drill.declaration, drill.state.definition.monitoring
        within = declared.detection_target_s if within is None else within
        if declared.alert is None or within is None or monitoring is None:
            raise UsageError(f"drill '{declared.name}' waits for an alert, but its marker names none: alert='...'")
        if drill.injected_at is None:
            raise UsageError(f"drill '{declared.name}' waits for an alert before anything was injected: inject() first")
        self._drill = drill
        self._since, self._until = drill.injected_at, drill.injected_at + within
        self._looked_at = 0
        server = monitoring.server
        # A last look is made after the time is over, and may take as long as it is allowed to.
        self.deadline_s = (
            max(within - (drill.since_injection_s or 0.0), 0.0) + server.every_s + 2 * server.limit_s + SLACK_S
        )

    def decided(self) -> str | None:
        """`firing` or `absent`, or None while that is still open."""
        self._drill.pump()
        alert = self._drill.declaration.alert
        news, self._looked_at = self._drill.live.events[self._looked_at :], len(self._drill.live.events)
        for event in news:
            if event["t"] < self._since:
                continue
            if event["kind"] == "alert" and event["name"] == alert and event["state"] == "firing":
                return "firing" if event["t"] <= self._until else "absent"
            if event["kind"] == "monitoring" and event["state"] == "watching" and event["t"] > self._until:
                return "absent"
        return None
