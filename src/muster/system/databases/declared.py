"""The part `database` of system.yaml: which kind of replicated database it is, and where it is asked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from muster.base.errors import UsageError
from muster.system.headers import Headers
from muster.system.procedures import ObjectName
from muster.system.schema import BaseUrl, Name, Seconds, Strict


class Clients(Strict):
    """As whom clients log in: their role, and the environment variable of the database's container in which its Secret
    gives it that role's password."""

    role: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,49}$")]
    password_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Database(Strict):
    """PostgreSQL in streaming replication: `instances` are StatefulSets of one pod each, `service` the Service whose
    selector names the primary by the label `selector_key`, `topology` the ConfigMap whose key is the durable fence."""

    kind: Literal["streaming"] = "streaming"
    service: Name
    instances: Annotated[list[Name], Field(min_length=1)]
    selector_key: str = "instance"
    topology: Name
    topology_key: str = "primary"
    container: str = "postgres"
    clients: Clients | None = None
    max_replication_lag_s: Seconds = 1.0


class CloudNativePgDatabase(Strict):
    """A `Cluster` of CloudNativePG (postgresql.cnpg.io/v1), by its name; it tells no lag. `service` is the one that
    leads clients to the primary, `NAME-rw` unless given."""

    kind: Literal["cloudnativepg"]
    cluster: Name
    service: Name | None = None

    @property
    def leading(self) -> str:
        """The Service that leads clients to the primary."""
        return self.service or f"{self.cluster}-rw"


class PatroniDatabase(Strict):
    """PostgreSQL under Patroni, asked at its REST API: `urls` are those of some members, of which the first that
    answers is taken.

    `service` is the one that leads clients to the primary; `headers` are sent with each request, such as Authorization.
    """

    kind: Literal["patroni"]
    urls: Annotated[list[BaseUrl], Field(min_length=1)]
    service: Name
    headers: Headers = {}
    limit_s: Seconds = 5.0
    max_replication_lag_bytes: Annotated[int, Field(ge=0)] = 1_048_576


class CommandDatabase(Strict):
    """Any other database, by commands (a program and its arguments; paths are relative to system.yaml).

    `instances` writes a line for each instance: its name, `primary` or `standby`, `well` or `ill`, and, where it is
    known, how many seconds it is behind. `promote` makes a standby the primary, whose name stands for `{instance}`;
    `changes` names the objects (`Kind/name`) that it changes.
    """

    kind: Literal["command"]
    instances: str | list[str]
    promote: str | list[str] | None = None
    changes: list[ObjectName] = []
    limit_s: Seconds = 10.0
    promote_within_s: Seconds = 60.0
    max_replication_lag_s: Seconds = 1.0


KINDS: dict[str, type[Database | CloudNativePgDatabase | PatroniDatabase | CommandDatabase]] = {
    "streaming": Database,
    "cloudnativepg": CloudNativePgDatabase,
    "patroni": PatroniDatabase,
    "command": CommandDatabase,
}


def _chosen(value: Any) -> Any:
    """The kind that is meant, so that what is wrong in it is told without the other kinds' mistakes."""
    if not isinstance(value, dict):
        return value
    kind = value.get("kind", "streaming")
    if kind not in KINDS:
        raise ValueError(f"'kind' {kind!r} of a database is not known (there are: {', '.join(KINDS)})")
    return KINDS[kind].model_validate(value)


Said = Database | CloudNativePgDatabase | PatroniDatabase | CommandDatabase | None
AnyDatabase = Annotated[Said, BeforeValidator(_chosen, json_schema_input_type=Said)]


def streaming(database: Said, what: str) -> Database:
    """A database that must be PostgreSQL in streaming replication for `what`, a phrase.

    Raises:
        UsageError: it is of another kind.
    """
    if isinstance(database, Database):
        return database
    kind = "none" if database is None else f"one of kind '{database.kind}'"
    raise UsageError(f"{what} needs a 'database' of kind 'streaming' in system.yaml, which has {kind}")
