"""Bringing a database to the form that this muster knows, whoever else opens it at the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from muster.store.errors import HistoryError
from muster.store.schema import REVISION, VERSION_TABLE

HERE = Path(__file__).parent / "migrations"
# Any number that no other program on the same PostgreSQL server takes for its own lock.
ADVISORY_LOCK = 0x6D757374


def revision_of(connection: Connection) -> str | None:
    """The revision of an open database, or None if it has no history yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    # The table's name is a constant of ours.
    found: str | None = connection.execute(text(f"select version_num from {VERSION_TABLE}")).scalar()  # noqa: S608
    return found


def migrate(connection: Connection, *, steps: Sequence[Path] = (HERE / "versions",), goal: str = REVISION) -> None:
    """Bring the database to revision `goal`, in the transaction that `connection` is in; nothing to do is no work.

    The caller's transaction must keep other writers out on SQLite; on PostgreSQL a lock is taken here.

    Raises:
        HistoryError: the database is of a newer muster.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    found = revision_of(connection)
    if found == goal:
        return
    # Alembic takes a quarter of a second to import, and is needed once in a database's life.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, steps)).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise HistoryError(
            f"the history is of a newer muster (revision {found}, this one knows up to {goal}); "
            "upgrade muster, or name another history with --history"
        )
    command.upgrade(config, goal)
