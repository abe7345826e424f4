"""Looking at stop conditions all the while a drill is watched over, each in a thread of its own.

A service that hangs holds up its own looks and nobody else's. What is seen before the strike is what a drill begins on:
only from the strike on does a condition that is not kept end it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import httpx
from pydantic import TypeAdapter

from muster.base.background import Background
from muster.base.clock import now
from muster.base.errors import MusterError
from muster.guardian.looks import Looks, looks_at
from muster.monitoring import Asking, open_asking
from muster.safety.limits.conditions import AlertCondition, AnyCondition, Condition, QueryCondition
from muster.system.monitoring import Monitoring

_ADAPTER: TypeAdapter[list[Condition]] = TypeAdapter(list[AnyCondition])


class Broken(NamedTuple):
    """A stop condition that is not kept: by which rule, and in a sentence."""

    rule: str  # service, alert, query
    why: str


class Conditions:
    """Stop conditions of one drill. A context manager: they are looked at while its block lasts."""

    def __init__(self, conditions: Sequence[Condition], monitoring: Monitoring | None, own_alert: str | None) -> None:
        """`monitoring` is the system's; `own_alert` the one that the drill waits for itself, which ends nothing."""
        self._watched = [_Watched(one, monitoring, own_alert) for one in conditions]
        self._threads = Background(*(partial(self._keep, one) for one in self._watched), name="stop condition")

    @classmethod
    def of_message(cls, message: dict[str, Any]) -> Conditions:
        """The conditions that a session tells its guardian."""
        monitoring, alert = message.get("monitoring"), message.get("alert")
        return cls(
            _ADAPTER.validate_python(message.get("conditions") or []),
            Monitoring.model_validate(monitoring) if monitoring else None,
            str(alert) if alert else None,
        )

    def start(self) -> None:
        """Begin to look."""
        self._threads.start()

    def stop(self) -> None:
        """Look no more. Does not wait for a look that is under way: it may hang, and a fault is to be undone."""
        self._threads.stopping.set()

    def broken(self) -> Broken | None:
        """The first that is not kept, or that nobody could look at for as long as it says."""
        for one in self._watched:
            if why := one.trouble() or one.unseen():
                return Broken(one.condition.rule, f"{one.condition}: {why}")
        return None

    def unwell(self) -> str:
        """Why a drill must not strike yet, a sentence; empty where every condition was seen to be kept."""
        return next((f"{one.condition}: {why}" for one in self._watched if (why := one.not_well())), "")

    def blind(self) -> dict[str, tuple[str, str]]:
        """What cannot be looked at just now, by what it is: the rule, and why."""
        return {str(one.condition): (one.condition.rule, one.blind) for one in self._watched if one.blind}

    def said(self) -> list[str]:
        """What was seen of each last."""
        return [f"{one.condition}: {one.said()}" for one in self._watched]

    def _keep(self, watched: _Watched) -> None:
        watched.keep(self._threads)


class _Watched:
    """A condition, and what looks at it once that can be made."""

    def __init__(self, condition: Condition, monitoring: Monitoring | None, own_alert: str | None) -> None:
        self.condition = condition
        self.blind = ""  # why it cannot be looked at
        self._monitoring, self._own = monitoring, own_alert
        self._looks: Looks | None = None
        self._seen_at = now()

    def keep(self, thread: Background) -> None:
        """Look again and again; whatever goes wrong is told, and tried again."""
        with ExitStack() as stack:
            while not thread.stopping.is_set():
                began = now()
                try:
                    if self._looks is None:
                        self._looks = self._made(stack)
                        stack.callback(self._looks.close)
                    self._looks.look()
                    self._seen_at, self.blind = now(), ""
                except (MusterError, ValueError, httpx.InvalidURL) as error:  # an address that is none after all
                    self.blind = str(error)
                every = self._looks.every_s if self._looks else 1.0
                thread.pause(max(began + every - now(), 0.0))

    def _made(self, stack: ExitStack) -> Looks:
        asking: Asking | None = None
        if self._monitoring is not None and isinstance(self.condition, AlertCondition | QueryCondition):
            asking = stack.enter_context(open_asking(self._monitoring))
        return looks_at(self.condition, self._monitoring, asking, self._own)

    def trouble(self) -> str:
        return self._looks.trouble(now()) if self._looks else ""

    def unseen(self) -> str:
        """Why it counts as not kept that nobody has seen it for so long; empty while that may pass."""
        if now() - self._seen_at <= self.condition.unseen_s:
            return ""
        why = self.blind or "a look hangs"
        return f"nobody could look at it for {self.condition.unseen_s:g} s ({why}), and what is not seen is not well"

    def not_well(self) -> str:
        if self.blind:
            return f"it cannot be looked at: {self.blind}"
        if self._looks is None:
            return "it has not been looked at yet"
        return self.trouble() or self._looks.not_yet(now()) or self.unseen()

    def said(self) -> str:
        return self.blind or (self._looks.said() if self._looks else "not looked at yet")
