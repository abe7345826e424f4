"""Checks of a system's own: the part `checks` of system.yaml (docs/diagnosis.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from muster.system.checks import Checks
from muster.system.requests import Request, check_places, check_reads
from muster.system.schema import DottedPath, Name, Strict

Number = Annotated[float, Field(allow_inf_nan=False)]
Category = Literal[
    "cluster and permissions",
    "workloads and capacity",
    "database, replication and backups",
    "configuration and secrets",
    "monitoring and alerting",
    "rollback path",
    "drill evidence",
    "objectives and error budget",
]
Severity = Literal["P1", "P2", "P3", "P4"]
WAYS = ("http", "sql", "promql")


class HttpQuestion(Strict):
    """A request of the service and what its answer must hold, as a further probe has it."""

    request: Request
    expect: dict[DottedPath, Any] = {}
    check: Checks = {}

    @model_validator(mode="after")
    def _only_reads(self) -> Self:
        check_places(self.request, "request")
        check_reads(self.request, "request")
        return self


class Bounds(Strict):
    """Numbers that something is to be `at_least`, and `at_most`."""

    at_least: Number | None = None
    at_most: Number | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("right would be 'at_least' or 'at_most', or any value would do")
        return self


class OwnCheck(Strict):
    """A look at something that only this system has: one of an answer over HTTP, a value that its database says
    (`sql`, the first field of the first row), or values that its Prometheus has (`promql`, each of them).

    Numbers are to be `at_least` and `at_most` so much. `summary` says for people what is looked at, `severity` how
    bad it is where it does not hold, `levels` from which numbers on it is more severe. The answer may take `limit_s`
    seconds. `instance` is which of the database's is asked, the primary unless given.
    """

    summary: Annotated[str, Field(max_length=120)] = ""
    http: HttpQuestion | None = None
    sql: Annotated[str | None, Field(min_length=1)] = None
    instance: Name | None = None
    promql: Annotated[str | None, Field(min_length=1)] = None
    at_least: Number | None = None
    at_most: Number | None = None
    severity: Severity = "P3"
    levels: dict[Severity, Bounds] = {}
    category: Category = "workloads and capacity"
    limit_s: Annotated[float, Field(gt=0, le=10)] = 2.0

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        asked = [way for way in WAYS if getattr(self, way) is not None]
        if len(asked) != 1:
            raise ValueError(f"right would be one of 'http', 'sql' and 'promql', not {' and '.join(asked) or 'none'}")
        bounded = self.at_least is not None or self.at_most is not None
        if self.http is not None and bounded:
            raise ValueError("of an answer over HTTP bounds stand below 'http.check', at the value that they are of")
        if self.http is None and not bounded:
            raise ValueError(f"'{asked[0]}' needs a threshold, 'at_least' or 'at_most', or any value would do")
        if self.instance is not None and self.sql is None:
            raise ValueError("'instance' is a database's, and goes with 'sql' alone")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"nothing is at least {self.at_least:g} and at most {self.at_most:g}")
        self._check_levels()
        if "\n" in self.summary:
            raise ValueError("'summary' is one line")
        return self

    def _check_levels(self) -> None:
        """Each level must be more severe than the check itself, and lie beyond the level below it."""
        if self.levels and self.http is not None:
            raise ValueError("'levels' are of numbers, and an answer over HTTP has none")
        below, than = self, self.severity
        for severity in sorted(self.levels, reverse=True):
            level = self.levels[severity]
            if severity >= self.severity:
                raise ValueError(f"level {severity} is not more severe than the check's own severity, {self.severity}")
            if level.at_most is not None and (below.at_most is None or level.at_most <= below.at_most):
                raise ValueError(f"'at_most' of level {severity} is not above that of {than}")
            if level.at_least is not None and (below.at_least is None or level.at_least >= below.at_least):
                raise ValueError(f"'at_least' of level {severity} is not below that of {than}")

    def thresholds(self) -> list[tuple[str, float | None, float | None]]:
        """Severity, `at_least` and `at_most` of each level, the most severe first."""
        levels = [(severity, one.at_least, one.at_most) for severity, one in sorted(self.levels.items())]
        return [*levels, (self.severity, self.at_least, self.at_most)]

    @property
    def way(self) -> str:
        """How it is asked: `http`, `sql` or `promql`."""
        return next(way for way in WAYS if getattr(self, way) is not None)
