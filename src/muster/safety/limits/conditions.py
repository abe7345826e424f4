"""Stop conditions: what must stay well beside the service under drill while a fault is in force (docs/safety.md).

Who looks at them, and what follows, does not belong here: see `muster.guardian.conditions`.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from muster.objectives.objective import LATENCY_QUANTILE, samples_for
from muster.system.headers import FromEnvironment, Headers
from muster.system.monitoring import LabelName
from muster.system.schema import Seconds, Strict

EVERY_S = 0.5
MOST_OFTEN_S = 0.1
SHORTEST_S = 1.0
LONGEST_S = 60.0
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _rate(said: Any) -> Any:
    if isinstance(said, str) and (found := _PERCENT.fullmatch(said)):
        said = float(found[1]) / 100
    if isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < 1:
        return float(said)
    raise ValueError('right would be a share between 0 and 1, such as "5%" or 0.05')


def _address(url: str) -> str:
    parts = urlsplit(url)
    parts.port  # noqa: B018  (looking at it raises where it is none)
    if "@" in parts.netloc:
        raise ValueError("a secret does not belong into an address, name it in 'headers'")  # nor into a message
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise ValueError(f"right would be a whole address, such as https://checkout.example/health, not '{url}'")
    return url


Rate = Annotated[float, BeforeValidator(_rate, json_schema_input_type=float | str)]
Window = Annotated[float, Field(ge=SHORTEST_S, le=LONGEST_S)]


class _Condition(Strict):
    """`unseen_s` is for how many seconds it may not be seen: a condition that nobody can look at is not kept."""

    unseen_s: Annotated[float, Field(ge=SHORTEST_S, le=300)] = 10.0


class ServiceCondition(_Condition):
    """A service outside the drill's scope, asked by GET: over any `over_s` seconds at most the ratio `error_rate` of
    the looks may fail, and 95 % must be answered within `latency_p95_s` seconds.

    A look fails that is not answered within `limit_s` seconds, or with a status that is none of `status` (any of 200 to
    299 where that is empty). Redirects are not followed. `ca_env` names the environment variable that holds the path of
    a file with certificates (PEM) which are trusted in place of the machine's own.
    """

    http: Annotated[str, AfterValidator(_address)]
    error_rate: Rate | None = None
    latency_p95_s: Seconds | None = None
    over_s: Window = 10.0
    limit_s: Annotated[float, Field(gt=0, le=30)] = 2.0
    status: list[Annotated[int, Field(ge=200, le=599)]] = []
    headers: Headers = {}
    ca_env: Annotated[str, Field(pattern=_ENVIRONMENT_NAME)] | None = None

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        if self.error_rate is None and self.latency_p95_s is None:
            raise ValueError("it allows everything; right would be 'error_rate', 'latency_p95_s' or both")
        if self.latency_p95_s is not None and self.latency_p95_s >= self.limit_s:
            raise ValueError(
                f"'latency_p95_s' of {self.latency_p95_s:g} is not below 'limit_s' of {self.limit_s:g}, after which "
                "nobody waits any more"
            )
        needed = math.ceil(self._samples * MOST_OFTEN_S)
        if needed > self.over_s:
            raise ValueError(
                f"it takes {self._samples} looks to tell, more than {self.over_s:g} s give at {1 / MOST_OFTEN_S:g} a "
                f"second; right would be an 'over_s' of at least {needed}, or a larger share"
            )
        return self

    @property
    def _samples(self) -> int:
        """How many looks it takes to see whether more fail, or are slow, than may."""
        slow = samples_for(1 - LATENCY_QUANTILE) if self.latency_p95_s is not None else 1
        return int(max(slow, samples_for(self.error_rate) if self.error_rate is not None else 1))

    @property
    def every_s(self) -> float:
        """How often it is looked at, in seconds."""
        return max(min(EVERY_S, self.over_s / self._samples), MOST_OFTEN_S)

    @property
    def rule(self) -> str:
        """By what the guardian says that it stopped a drill."""
        return "service"

    @property
    def asks_environment(self) -> bool:
        """Whether something of it stands in the environment of whoever drills."""
        return self.ca_env is not None or any(isinstance(one, FromEnvironment) for one in self.headers.values())

    def __str__(self) -> str:
        return f"service {self.http.partition('?')[0]}"  # what stands behind it may be a secret


class AlertCondition(_Condition):
    """No alert with all of these labels may fire, but the one that the drill itself waits for. It is asked of the
    system's `monitoring`."""

    alert: Annotated[dict[LabelName, str], Field(min_length=1)]

    @property
    def rule(self) -> str:
        """By what the guardian says that it stopped a drill."""
        return "alert"

    @property
    def asks_environment(self) -> bool:
        """Whether something of it stands in the environment of whoever drills."""
        return False

    def __str__(self) -> str:
        return f"alerts with {', '.join(f'{name}={value}' for name, value in self.alert.items())}"


class QueryCondition(_Condition):
    """No value of a PromQL query may be `above`, or `below`, a limit. It is asked of the Prometheus that the system's
    `monitoring` names; a query without a value is one that cannot be seen."""

    promql: Annotated[str, Field(min_length=1)]
    above: Annotated[float, Field(allow_inf_nan=False)] | None = None
    below: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("right would be one of 'above' and 'below'")
        return self

    @property
    def rule(self) -> str:
        """By what the guardian says that it stopped a drill."""
        return "query"

    @property
    def asks_environment(self) -> bool:
        """Whether something of it stands in the environment of whoever drills."""
        return False

    def __str__(self) -> str:
        return f"query {self.promql}"


KINDS: dict[str, type[ServiceCondition | AlertCondition | QueryCondition]] = {
    "http": ServiceCondition,
    "alert": AlertCondition,
    "promql": QueryCondition,
}


def _chosen(value: Any) -> Any:
    """The kind that is meant, so that what is wrong in it is told without the other kinds' mistakes."""
    if not isinstance(value, dict):
        return value
    named = [key for key in KINDS if key in value]
    if len(named) != 1:
        raise ValueError(f"right would be one of {', '.join(map(repr, KINDS))} in each stop condition")
    return KINDS[named[0]].model_validate(value)


Condition = ServiceCondition | AlertCondition | QueryCondition
AnyCondition = Annotated[Condition, BeforeValidator(_chosen, json_schema_input_type=Condition)]
