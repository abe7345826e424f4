"""Opening a database so that several processes may write to it at once."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, pool
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

from muster.base.errors import TimeoutExceededError
from muster.base.masking import MASK, SECRET_NAME
from muster.base.waiting import wait_for
from muster.store.errors import HistoryError

BUSY_S = 30.0
RIGHT = "right would be a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"


def read_url(text: str, base: Path) -> URL:
    """The database that a person named: a URL, or the path of a file. A relative path starts from `base`.

    Raises:
        HistoryError: it is neither.
    """
    if "://" not in text:
        return URL.create("sqlite", database=str(base / text))
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise HistoryError(f"history '{text.split('://', maxsplit=1)[0]}://...' is no address; {RIGHT}") from error
    if backend == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise HistoryError(f"history '{text}' names no file; {RIGHT}")
        return url.set(drivername="sqlite", database=str(base / str(url.database)))
    if backend != "postgresql":
        raise HistoryError(f"history '{backend}' is no database that muster writes to; {RIGHT}")
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def open_engine(url: URL) -> Engine:
    """An engine whose connections wait for each other instead of failing.

    On SQLite a transaction with the execution option `immediate` takes the write lock as it begins, so that two that
    read before they write do not run into each other; readers are not kept waiting (write-ahead log).

    Raises:
        HistoryError: the driver is not installed.
    """
    try:
        if url.get_backend_name() == "postgresql":
            return create_engine(url, poolclass=pool.NullPool, connect_args={"connect_timeout": int(BUSY_S / 3)})
        engine = create_engine(url, poolclass=pool.NullPool, connect_args={"timeout": BUSY_S})
    except (NoSuchModuleError, ImportError) as error:
        raise HistoryError(
            f"history {shown(url)} needs a driver that is not installed ({error}); "
            "right would be: pip install 'pytest-muster[postgresql]'"
        ) from error
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def shown(url: URL) -> str:
    """An address as it may be shown: a file's path, or a URL without its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    hidden = {key: MASK for key in url.query if SECRET_NAME.search(key)}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def use_write_ahead_log(engine: Engine) -> None:
    """Let readers and a writer of an SQLite file work side by side; the file remembers it.

    Raises:
        HistoryError: others keep the file busy.
    """

    def switch() -> bool:
        # Not in a transaction; and while another process does the same, SQLite fails at once instead of waiting.
        try:
            with engine.connect() as connection:
                raw: Any = connection.connection.dbapi_connection
                return bool(raw.execute("pragma journal_mode").fetchone()[0] == "wal") or bool(
                    raw.execute("pragma journal_mode = wal").fetchone()
                )
        except (sqlite3.OperationalError, OperationalError) as error:
            if "locked" in str(error) or "busy" in str(error):
                return False
            raise

    try:
        wait_for(switch, within=BUSY_S, reason="the history's file to be free")
    except TimeoutExceededError as error:
        raise HistoryError(f"history {shown(engine.url)} cannot be opened: {error}") from error


def _prepare(connection: Any, _record: object) -> None:
    # The driver would begin transactions of its own, and commit before each change of tables.
    connection.isolation_level = None
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma synchronous = normal")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("begin immediate" if immediate else "begin")
