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


class OwnCheck(Strict):
    """A look at something that only this system has: one of an answer over HTTP, a value that its database says
    (`sql`, the first field of the first row), or values that its Prometheus has (`promql`, each of them).

    Numbers are to be `at_least` and `at_most` so much. `summary` says for people what is looked at, `severity` how
    bad it is where it does not hold. The answer may take `limit_s` seconds. `instance` is which of the database's is
    asked, the primary unless given.
    """

    summary: Annotated[str, Field(max_length=120)] = ""
    http: HttpQuestion | None = None
    sql: Annotated[str | None, Field(min_length=1)] = None
    instance: Name | None = None
    promql: Annotated[str | None, Field(min_length=1)] = None
    at_least: Number | None = None
    at_most: Number | None = None
    severity: Literal["P1", "P2", "P3", "P4"] = "P3"
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
        if "\n" in self.summary:
            raise ValueError("'summary' is one line")
        return self

    @property
    def way(self) -> str:
        """How it is asked: `http`, `sql` or `promql`."""
        return next(way for way in WAYS if getattr(self, way) is not None)
