"""One connection to the primary, on which no commit passes for durable that was not confirmed."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import asyncpg

from enhancer.storage.errors import LOST, IndeterminateError, UnavailableError, refused, uncertain

# PostgreSQL reports a commit that did not wait for its standby as a success, with this warning before it.
_UNCONFIRMED = ("canceling wait for synchronous replication", "canceling the wait for synchronous replication")

CONNECT_LIMIT_S = 1.0
_CLOSE_LIMIT_S = 2.0

_IDENTITY = "select current_setting('cluster_name') as name, host(inet_server_addr()) as host"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Address:
    """Where the primary is to be found: a Service, behind which recovery may put another database."""

    host: str
    port: int
    user: str
    password: str
    database: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Address":
        """The Service `db`: by its address where Kubernetes gives it to the environment, else by its name."""
        return cls(
            host=environment.get("DB_SERVICE_HOST", "db"),
            port=int(environment.get("DB_SERVICE_PORT", "5432")),
            user=environment.get("DB_USER", "enhancer"),
            password=environment.get("DB_PASSWORD", ""),
            database=environment.get("DB_NAME", "enhancer"),
        )


@dataclass(frozen=True)
class Server:
    """The database that answers: its instance's name and the address of its pod."""

    name: str
    host: str


class Connection:
    """A connection to a server that accepted writes when it was opened.

    Every method raises UnavailableError (nothing changed) or IndeterminateError (a write with unknown outcome);
    after either the connection is broken and must be discarded.
    """

    def __init__(self, raw: Any, server: Server) -> None:
        self.server = server
        self._raw = raw
        self._unconfirmed = False
        self.broken = False
        raw.add_log_listener(self._on_notice)

    @classmethod
    async def open(cls, address: Address, **server_settings: str) -> "Connection":
        """Connect to `address`; raises UnavailableError, within twice CONNECT_LIMIT_S."""
        raw: Any = None
        try:
            raw = await asyncpg.connect(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
                ssl=False,
                timeout=CONNECT_LIMIT_S,
                target_session_attrs="read-write",
                server_settings={"application_name": "enhancer", **server_settings},
            )
            row = await raw.fetchrow(_IDENTITY, timeout=CONNECT_LIMIT_S)
        except (*LOST, asyncpg.PostgresError) as error:
            if raw is not None:
                raw.terminate()
            raise UnavailableError(_words(error)) from error
        return cls(raw, Server(row["name"], row["host"]))

    def on_lost(self, callback: Any) -> None:
        """Have `callback()` called when the server or the network ends the connection."""
        self._raw.add_termination_listener(lambda _: callback())

    async def read(self, sql: str, *arguments: object, limit_s: float) -> list[Row]:
        """Rows of a query; UnavailableError if there is no answer in `limit_s` seconds."""
        self._check_open()
        try:
            return cast("list[Row]", await self._raw.fetch(sql, *arguments, timeout=limit_s))
        except asyncpg.PostgresError as error:
            self._raise_refusal(error)
            raise UnavailableError(_words(error)) from error
        except LOST as error:
            self.broken = True
            raise UnavailableError(_words(error)) from error

    async def write(self, sql: str, *arguments: object, limit_s: float) -> list[Row]:
        """Rows of a statement that commits by itself; returns only when the commit is confirmed.

        With `limit_s` over, the server is asked to stop waiting, and the write is indeterminate.
        """
        self._check_open()
        self._unconfirmed = False
        try:
            rows = await self._raw.fetch(sql, *arguments, timeout=limit_s)
        except asyncpg.PostgresError as error:
            self._raise_refusal(error)
            raise IndeterminateError(_words(error)) from error
        except LOST as error:
            self.broken = True
            raise IndeterminateError(_words(error)) from error
        # Notices are handled before the statement's result: asyncpg queues both on the event loop in order.
        if self._unconfirmed:
            raise IndeterminateError("the standby did not confirm the commit")
        return cast("list[Row]", rows)

    async def execute(self, script: str, *, limit_s: float) -> None:
        """Run several statements, as one transaction; raises like `write`."""
        self._unconfirmed = False
        try:
            await self._raw.execute(script, timeout=limit_s)
        except asyncpg.PostgresError as error:
            self._raise_refusal(error)
            raise IndeterminateError(_words(error)) from error
        except LOST as error:
            self.broken = True
            raise IndeterminateError(_words(error)) from error

    async def close(self) -> None:
        """Close in good order, cancelling what still runs on the server, or else at once."""
        try:
            await self._raw.close(timeout=_CLOSE_LIMIT_S)
        except (*LOST, asyncpg.PostgresError, asyncio.CancelledError):
            self._raw.terminate()

    def abort(self) -> None:
        """Drop the connection without a word to the server."""
        self.broken = True
        self._raw.terminate()

    def _raise_refusal(self, error: asyncpg.PostgresError) -> None:
        """Raise what tells that nothing was done; return if that cannot be told."""
        self.broken = bool(refused(error)) or uncertain(error)
        if why := refused(error):
            raise UnavailableError(why) from error
        if not self.broken:
            raise error

    def _check_open(self) -> None:
        if self.broken or self._raw.is_closed():
            self.broken = True
            raise UnavailableError("connection lost")

    def _on_notice(self, _: object, message: Any) -> None:
        if str(message.message).startswith(_UNCONFIRMED):
            self._unconfirmed = True


def _words(error: BaseException) -> str:
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
