"""The store, open: transactions that wait for each other, and one sentence for what the driver raises."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from muster.store.database import open_engine, read_url, shown, use_write_ahead_log
from muster.store.errors import HistoryError, NoHistoryError
from muster.store.migrate import migrate, revision_of
from muster.store.schema import REVISION


class Opened:
    """A database of what happened. Safe to have open in several processes at once; a context manager."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, address: str, base: Path, *, create: bool = False) -> Self:
        """The store at a URL or path (relative to `base`), brought to the form that this muster knows.

        Raises:
            HistoryError: there is none and `create` is false, it cannot be opened, or a newer muster made it.
        """
        url = read_url(address, base)
        if url.get_backend_name() == "sqlite":
            _find_file(url, create=create)
        opened = cls(open_engine(url))
        with opened._told():
            if create and url.get_backend_name() == "sqlite":
                use_write_ahead_log(opened._engine)
            opened._bring_up_to_date(create=create)
        return opened

    def _bring_up_to_date(self, *, create: bool) -> None:
        with self._engine.connect() as connection:
            found = revision_of(connection)
        if found is None and not create:
            raise _none_at(self._engine.url)
        if found != REVISION:
            with self._writing() as connection:
                migrate(connection)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._engine.execution_options(immediate=True).begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._told(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the driver raises into one sentence."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            said = str(getattr(error, "orig", None) or error).strip().splitlines()
            reason = said[0] if said else type(error).__name__
            raise HistoryError(f"history {shown(self._engine.url)} cannot be used: {reason}") from error


def _find_file(url: URL, *, create: bool) -> None:
    path = Path(str(url.database))
    if not create:
        if not path.exists():
            raise _none_at(url)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HistoryError(f"directory {path.parent} cannot be had for the history: {error.strerror}") from error


def _none_at(url: URL) -> NoHistoryError:
    return NoHistoryError(f"no history at {shown(url)}; drills write one, another is named with --history")
