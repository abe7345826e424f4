"""One look after another at what a stop condition names, and what they come to.

Each kind of condition has a class that looks (`look`) and says what was seen: `trouble`, why that must end a drill;
`not_yet`, why it cannot be called well yet; `said`, what was seen last. A look that comes to nothing raises: nothing is
known then, which is another matter than a service that does not answer.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import httpx

from muster.base.clock import now
from muster.base.errors import MusterError, RefusedError, UsageError
from muster.monitoring import Asking, direct, firing, values
from muster.probes.http.outcomes import OwnLimitError, of_os_error
from muster.safety.limits.conditions import AlertCondition, Condition, QueryCondition, ServiceCondition
from muster.system.headers import resolved
from muster.system.monitoring import Monitoring

MOST_BYTES = 2**20  # of an answer, which is read to its end: that it comes whole is a part of being well
ALERTS_EVERY_S = 0.5


class BlindError(MusterError):
    """A look came to nothing: nothing is known."""


class Looks(Protocol):
    """What looks at one condition."""

    every_s: float

    def look(self) -> None:
        """Look once.

        Raises:
            MusterError: that came to nothing.
        """

    def trouble(self, moment: float) -> str:
        """Why a drill must not go on by what was seen until a moment (CLOCK_MONOTONIC seconds); empty if it may."""

    def not_yet(self, moment: float) -> str:
        """Why it cannot be called well yet; empty if it can."""

    def said(self) -> str:
        """What was seen last, in a few words."""

    def close(self) -> None:
        """Let go of connections."""


class Looked(NamedTuple):
    """One look at a service: when it was made, whether it was answered well, and if not why; times in seconds."""

    at: float
    ok: bool
    took_s: float
    timeout: bool = False
    why: str = ""


class Window(NamedTuple):
    """What some looks come to. `p95_s` is taken over good answers and timeouts; None where there were none."""

    asked: int
    failed: int
    p95_s: float | None
    why: str

    @classmethod
    def of(cls, looks: Iterable[Looked]) -> Window:
        """Sum up looks."""
        all_of = list(looks)
        bad = [one for one in all_of if not one.ok]
        timed = sorted(one.took_s for one in all_of if one.ok or one.timeout)
        rank = max(-(-len(timed) * 95 // 100) - 1, 0)  # the nearest one
        return cls(len(all_of), len(bad), timed[rank] if timed else None, bad[-1].why if bad else "")

    @property
    def failures(self) -> str:
        """How many failed, and why the last of them."""
        return f"{self.failed} of {self.asked} looks failed{f' ({self.why})' if self.why else ''}"

    def __str__(self) -> str:
        return self.failures + ("" if self.p95_s is None else f", P95 {self.p95_s:.3g} s")


class ServiceLooks:
    """Looks at a service, one after the other."""

    def __init__(self, condition: ServiceCondition) -> None:
        """Prepare to look.

        Raises:
            UsageError: what the environment is to hold for it is not there.
        """
        self.every_s = condition.every_s
        self._condition = condition
        self._looks: tuple[Looked, ...] = ()  # replaced as a whole: another thread reads it
        self._began: float | None = None
        # A new connection each time, as new clients have. Redirects are not followed: they lead elsewhere.
        self._http = httpx.Client(
            timeout=condition.limit_s,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers=resolved(condition.headers),
            verify=_trust(condition),
            follow_redirects=False,
            mounts=direct(condition.http),
        )

    def look(self) -> None:
        sent = now()
        seen = self._ask(sent)
        self._began = sent if self._began is None else self._began
        since = now() - self._condition.over_s
        self._looks = (*(one for one in self._looks if one.at >= since), seen)

    def _ask(self, sent: float) -> Looked:
        limit = self._condition.limit_s
        try:
            with self._http.stream("GET", self._condition.http) as answer:
                self._read(answer, sent + limit)
            took = now() - sent
            if took > limit:
                return _late(sent, took, limit)
            if not self._is_right(answer.status_code):
                return Looked(sent, ok=False, took_s=took, why=f"answered {answer.status_code}")
            return Looked(sent, ok=True, took_s=took)
        except httpx.TimeoutException:
            return _late(sent, now() - sent, limit)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            try:
                of_system = of_os_error(error)
            except OwnLimitError as own:
                raise BlindError(str(own)) from own
            said = of_system[1] if of_system else str(error) or type(error).__name__
            return Looked(sent, ok=False, took_s=now() - sent, why=said)

    def _read(self, answer: httpx.Response, until: float) -> None:
        """Read an answer to its end. The client's own limit is for each piece of it, so a trickle would never end."""
        length = 0
        for piece in answer.iter_raw():
            length += len(piece)
            if length > MOST_BYTES:
                raise BlindError(f"it answers with more than {MOST_BYTES >> 20} MiB; right would be a smaller page")
            if now() > until:
                return

    def _is_right(self, status: int) -> bool:
        return status in self._condition.status if self._condition.status else 200 <= status < 300

    def _window(self, moment: float) -> Window:
        return Window.of(one for one in self._looks if one.at >= moment - self._condition.over_s)

    def trouble(self, moment: float) -> str:
        condition, seen = self._condition, self._window(moment)
        if condition.error_rate is not None and seen.failed > condition.error_rate * seen.asked:
            return f"{seen.failures} in {condition.over_s:g} s, and {condition.error_rate:.4g} of them may"
        if condition.latency_p95_s is not None and seen.p95_s is not None and seen.p95_s > condition.latency_p95_s:
            return f"P95 {seen.p95_s:.3g} s in {condition.over_s:g} s, and it may be {condition.latency_p95_s:g} s"
        return ""

    def not_yet(self, moment: float) -> str:
        began = self._began
        if began is None or moment - began < self._condition.over_s:
            return f"it has not been looked at for {self._condition.over_s:g} s yet"
        return ""

    def said(self) -> str:
        return str(self._window(now()))

    def close(self) -> None:
        self._http.close()


class _AnsweredLooks:
    """What the monitoring answers is so or not, without a window of its own."""

    every_s = ALERTS_EVERY_S

    def __init__(self) -> None:
        self._trouble = ""
        self._said = ""

    def trouble(self, moment: float) -> str:
        del moment  # what was answered last is what holds
        return self._trouble

    def not_yet(self, moment: float) -> str:
        del moment
        return "" if self._said else "it has not been looked at yet"

    def said(self) -> str:
        return self._said

    def close(self) -> None:
        """The connection is its owner's."""


class AlertLooks(_AnsweredLooks):
    """Looks for alerts that fire, but the drill's own."""

    def __init__(self, condition: AlertCondition, monitoring: Monitoring, asking: Asking, own: str | None) -> None:
        super().__init__()
        self._condition, self._monitoring, self._asking, self._own = condition, monitoring, asking, own

    def look(self) -> None:
        found = [name for name in firing(self._monitoring, self._asking, self._condition.alert) if name != self._own]
        self._trouble = f"{', '.join(found)} {'fires' if len(found) == 1 else 'fire'}" if found else ""
        self._said = self._trouble or "none fires"


class QueryLooks(_AnsweredLooks):
    """Looks at the value of a query."""

    def __init__(self, condition: QueryCondition, asking: Asking) -> None:
        super().__init__()
        self._condition, self._asking = condition, asking

    def look(self) -> None:
        found, condition = values(self._asking, self._condition.promql), self._condition
        self._trouble = ""
        if condition.above is not None and (worst := max(found)) > condition.above:
            self._trouble = f"it is {worst:.4g}, above {condition.above:g}"
        if condition.below is not None and (worst := min(found)) < condition.below:
            self._trouble = f"it is {worst:.4g}, below {condition.below:g}"
        self._said = self._trouble or f"it is {max(found):.4g}"


def lacking(conditions: Iterable[Condition], monitoring: Monitoring | None) -> str:
    """What a system lacks for its stop conditions to be looked at, a sentence; empty where it lacks nothing."""
    for condition in conditions:
        if isinstance(condition, AlertCondition | QueryCondition) and (
            monitoring is None or not monitoring.server.is_there
        ):
            named = (
                "names none ('monitoring')" if monitoring is None else f"has it be {monitoring.server.named}, not set"
            )
            return f"stop condition '{condition}' is asked of the monitoring, and system.yaml {named}"
        if isinstance(condition, QueryCondition) and cast("Monitoring", monitoring).kind != "prometheus":
            return f"stop condition '{condition}' is asked of a Prometheus, and 'monitoring' of system.yaml names none"
    return ""


def check_lookable(conditions: Iterable[Condition], monitoring: Monitoring | None) -> None:
    """Let pass a system that has what its stop conditions are asked of.

    Raises:
        RefusedError: it has not; the message names what it lacks.
    """
    if what := lacking(conditions, monitoring):
        raise RefusedError(f"refused: {what}")


def looks_at(condition: Condition, monitoring: Monitoring | None, asking: Asking | None, own: str | None) -> Looks:
    """What looks at a condition; `asking` asks the monitoring, `own` is the alert that the drill itself waits for.

    Raises:
        UsageError: what it needs is not there.
    """
    if isinstance(condition, ServiceCondition):
        return ServiceLooks(condition)
    if monitoring is None or asking is None:
        raise UsageError(lacking([condition], monitoring))
    if isinstance(condition, AlertCondition):
        return AlertLooks(condition, monitoring, asking, own)
    return QueryLooks(condition, asking)


def _late(sent: float, took: float, limit: float) -> Looked:
    return Looked(sent, ok=False, took_s=max(took, limit), timeout=True, why=f"not answered within {limit:g} s")


def _trust(condition: ServiceCondition) -> ssl.SSLContext:
    """Whose certificates are believed."""
    if condition.ca_env is None:
        return ssl.create_default_context()
    path = os.environ.get(condition.ca_env, "").strip()
    if not path:
        raise UsageError(f"{condition}: environment variable {condition.ca_env}, named as its 'ca_env', is not set")
    try:
        return ssl.create_default_context(cafile=str(Path(path)))
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"{condition}: {path}, which {condition.ca_env} names, holds no certificate in PEM") from error
