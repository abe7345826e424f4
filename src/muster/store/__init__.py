"""One store of what happened: drills and incidents in one database, SQLite or PostgreSQL, by the same migrations.

Belongs here: opening it and its tables. What is written and asked does not: see `muster.history`, `muster.incidents`.
"""

from muster.store.errors import HistoryError, NoHistoryError
from muster.store.opened import Opened

__all__ = ["HistoryError", "NoHistoryError", "Opened"]
