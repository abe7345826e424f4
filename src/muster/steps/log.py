"""The events of a procedure, on the timeline if there is one, and in the audit log."""

from __future__ import annotations

from typing import Any

from muster.base.clock import Clock
from muster.steps.procedure import Context, Step


class Log:
    """Written for one execution of a procedure; `act` is what the audit log calls it."""

    def __init__(self, procedure: str, context: Context, clock: Clock, *, act: str = "recovery") -> None:
        self._procedure, self._context = procedure, context
        self._act = f"{act} {procedure}"
        self._target = f"{context.cluster.context}/{context.namespace}"
        self.began_at = clock.now()

    def began(self) -> None:
        """Write that it begins: the audit log first, as what cannot be logged is not done.

        Raises:
            AuditError, TimelineError: it cannot be written; then it must not begin.
        """
        self._context.audit.record(self._act, target=self._target, outcome="begun")
        self._write("recovery.began")

    def step(self, step: Step, state: str, detail: str) -> None:
        """Write how a step is: `began`, `skipped`, `done` or `failed`."""
        self._write("recovery.step", step=step.name, state=state, detail=detail, acts=step.acts)
        if state != "began":
            self._context.audit.record(f"{self._act}: {step.name}", target=self._target, outcome=state, detail=detail)

    def waits(self, step: Step, what: str) -> None:
        """Write what a step waits for."""
        self._write("recovery.waits", step=step.name, what=what)

    def ended(self, why: str) -> None:
        """Write how it ended: badly, where there is a `why`."""
        self._write("recovery.ended", ok=not why, why=why)
        outcome = "failed" if why else "done"
        self._context.audit.record(self._act, target=self._target, outcome=outcome, why=why)

    def _write(self, kind: str, **fields: Any) -> None:
        if self._context.timeline:
            self._context.timeline.append(kind, procedure=self._procedure, **fields)
