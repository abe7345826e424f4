"""Effects that a database or a monitoring tells: the value of a query against what is wanted."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from muster.base.errors import ClusterError, UsageError
from muster.faults.effects.comparison import Compared, show
from muster.faults.effects.observation import Observation, Scene, refuse_if_there
from muster.monitoring import MonitoringError, check_token
from muster.monitoring.asking import Asking
from muster.system import SystemDefinition
from muster.system.monitoring import MonitoringServer
from muster.system.state import SystemState

EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
QUERY = "/api/v1/query"
# What keeps a query from changing anything; with others only the end of its transaction does.
READ_ONLY = {
    "postgresql": ("set transaction read only", "set local statement_timeout = 2000"),
    "sqlite": ("pragma query_only = on",),
}


class SqlValue(Compared):
    """The first value of a query's first row is as wanted; the query only reads.

    It is asked of the primary of system.yaml's `database`, or of its `instance`, by psql in the instance's pod; or of
    the database whose URL (SQLAlchemy's) the environment variable `url_env` holds.
    """

    kind: Literal["sql"]
    query: Annotated[str, Field(min_length=1)]
    instance: str | None = None
    url_env: EnvironmentName | None = None


class PromqlValue(Compared):
    """A sample of a PromQL query is as wanted, whichever; a query without samples shows nothing.

    It is asked of the Prometheus of system.yaml's `monitoring`, or of the one whose URL the environment variable
    `url_env` holds.
    """

    kind: Literal["promql"]
    query: Annotated[str, Field(min_length=1)]
    url_env: EnvironmentName | None = None


def check_sql(effect: SqlValue, system: SystemDefinition | None) -> None:
    """Make sure that there is somebody to ask.

    Raises:
        UsageError: there is not.
    """
    if effect.url_env is not None:
        _from_environment(effect.url_env)
    elif system is None or system.streaming is None:
        raise UsageError(
            "an effect of kind sql asks the 'database' of kind streaming in system.yaml, which has none, or a 'url_env'"
        )
    elif effect.instance is not None and effect.instance not in system.streaming.instances:
        raise UsageError(
            f"an effect of kind sql asks instance '{effect.instance}', which 'database' of system.yaml does not name "
            f"(there are: {', '.join(system.streaming.instances)})"
        )


def check_promql(effect: PromqlValue, system: SystemDefinition | None) -> MonitoringServer:
    """The server that is asked.

    Raises:
        UsageError: there is none.
    """
    if effect.url_env is not None:
        try:
            return MonitoringServer(url=_from_environment(effect.url_env))
        except ValueError:  # which would quote it
            raise UsageError(f"the environment variable {effect.url_env} holds no URL of a Prometheus") from None
    monitoring = system.monitoring if system else None
    if monitoring is None or monitoring.prometheus is None:
        raise UsageError("an effect of kind promql asks the 'monitoring.prometheus' of system.yaml, or a 'url_env'")
    check_token(monitoring.prometheus)
    return monitoring.prometheus


class SeesSqlValue:
    """Looks for an `SqlValue`."""

    def __init__(self, effect: SqlValue, scene: Scene) -> None:
        check_sql(effect, scene.system)
        self._effect, self._scene = effect, scene
        self._before = self._value()
        if not effect.changed:
            refuse_if_there(self)

    def look(self) -> Observation:
        value = self._value()
        return Observation(self._effect.holds(value, self._before), f"'{self._effect.query}' is {show(value)}")

    def _value(self) -> Any:
        if self._effect.url_env is not None:
            return _ask_database(_from_environment(self._effect.url_env), self._effect.query)
        assert self._scene.system is not None, "checked before"
        state = SystemState(self._scene.cluster, self._scene.system)
        names = [self._effect.instance] if self._effect.instance else state.primaries()
        for name in names:
            # One transaction, which ends with the connection: what a query would change is refused.
            answer = state.query(name, f"set transaction read only; {self._effect.query}")
            if answer is not None:
                rows = answer.splitlines()[1:]  # after what `set` says
                return rows[0].split("|")[0] if rows else None
        raise ClusterError(f"no database instance answers '{self._effect.query}'")


class SeesPromqlValue:
    """Looks for a `PromqlValue`."""

    def __init__(self, effect: PromqlValue, scene: Scene) -> None:
        self._effect = effect
        self._server = check_promql(effect, scene.system)
        self._before = self._values()
        if not effect.changed:
            refuse_if_there(self)

    def look(self) -> Observation:
        values = self._values()
        if self._effect.changed:
            there = values != self._before
        else:
            there = any(self._effect.holds(value, None) for value in values)
        shown = ", ".join(show(value) for value in values[:3]) or "without samples"
        return Observation(there, f"'{self._effect.query}' is {shown}")

    def _values(self) -> list[float]:
        """The samples that are numbers, sorted: a ratio of nothing is none.

        Raises:
            ClusterError: the monitoring does not answer, or not with samples.
        """
        server = self._server
        try:
            with Asking(server.address, limit_s=server.limit_s, token=check_token(server)) as asking:
                content = asking.get(QUERY, [("query", self._effect.query)])
        except MonitoringError as error:
            raise ClusterError(str(error)) from error
        values = _samples(content)
        if values is None:
            raise ClusterError(f"{server.address} did not answer '{self._effect.query}' with numbers")
        return sorted(value for value in values if not math.isnan(value))


def _samples(content: Any) -> list[float] | None:
    """The numbers of an answer of Prometheus' HTTP API (`vector` or `scalar`); None if it is none."""
    try:
        data = content["data"]
        found = [data["result"]] if data["resultType"] == "scalar" else [one["value"] for one in data["result"]]
        return [float(value) for _, value in found]
    except (KeyError, TypeError, ValueError):
        return None


def _from_environment(name: str) -> str:
    url = os.environ.get(name, "").strip()
    if not url:
        raise UsageError(f"an effect asks where the environment variable {name} says, which is not set")
    return url


def _ask_database(url: str, query: str) -> Any:
    """The first value of a query, in a transaction that is rolled back.

    Raises:
        UsageError: the URL is none, or its driver is not installed.
        ClusterError: the database does not answer, or not to this.
    """
    from sqlalchemy import create_engine, make_url, pool  # noqa: PLC0415 - slow, and few ask so
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError  # noqa: PLC0415

    try:
        address = make_url(url)
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        limits: Mapping[str, Any] = {"connect_timeout": 2} if address.drivername.startswith("postgresql") else {}
        engine = create_engine(address, connect_args=dict(limits), poolclass=pool.NullPool)
    except ImportError as error:
        raise UsageError(f"an effect's database needs a driver that is not installed: {error}") from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:  # whose words may quote the URL
        raise UsageError(f"an effect's database URL cannot be used ({type(error).__name__})") from None
    try:
        with engine.connect() as connection:
            for first in READ_ONLY.get(address.get_backend_name(), ()):
                connection.exec_driver_sql(first)
            row = connection.exec_driver_sql(query).first()
            connection.rollback()
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()
        raise ClusterError(f"'{query}' was not answered: {said[0] if said else type(error.orig).__name__}") from None
    except SQLAlchemyError as error:
        raise ClusterError(f"'{query}' was not answered ({type(error).__name__})") from None
    return None if row is None else row[0]
