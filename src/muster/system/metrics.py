"""What a system exposes to Prometheus: the part `metrics` of system.yaml (docs/monitoring.md)."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from muster.system.schema import Name, Strict

_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?", re.DOTALL)


class Selector(NamedTuple):
    """A metric's name, and the matchers of its labels as PromQL writes them, empty where it has none."""

    name: str
    matchers: str

    def promql(self, suffix: str = "", more: str = "") -> str:
        """The selector in PromQL, with `suffix` after the name and `more` matchers."""
        within = ", ".join(part for part in (self.matchers, more) if part)
        return f"{self.name}{suffix}{{{within}}}" if within else f"{self.name}{suffix}"


def selector(text: str) -> Selector:
    """A selector such as `http_requests_total{code=~"5.."}`.

    Raises:
        ValueError: it is none.
    """
    found = _SELECTOR.fullmatch(text.strip())
    if found is None:
        raise ValueError(
            f"'{text}' selects no series; right would be a name, such as http_requests_total{{code=\"500\"}}"
        )
    return Selector(found[1], (found[2] or "").strip().rstrip(","))


def _checked(text: str) -> str:
    selector(text)
    return text.strip()


SelectorText = Annotated[str, AfterValidator(_checked)]


class Target(Strict):
    """Where the pods of a workload expose metrics. `serves`: clients have nobody where no pod of it is there."""

    port: Annotated[int, Field(ge=1, le=65535)]
    path: Annotated[str, Field(pattern=r"^/")] = "/metrics"
    serves: bool = False


class Metrics(Strict):
    """What Prometheus scrapes of the system, and which of its series count the requests of clients.

    `targets` are workloads by name. `requests` and `errors` are counters of all requests and of those that were
    answered badly, `seconds` is a histogram of how long good answers take: each a selector of series.
    """

    targets: Annotated[dict[Name, Target], Field(min_length=1)]
    requests: SelectorText | None = None
    errors: SelectorText | None = None
    seconds: SelectorText | None = None

    @model_validator(mode="after")
    def _counts_both(self) -> Self:
        if (self.requests is None) != (self.errors is None):
            raise ValueError("'requests' and 'errors' go together: what is bad is counted of all")
        return self
