"""What can become of a statement that did not succeed."""

import asyncpg

# Classes of SQLSTATE after which nothing can be told about a commit: connection trouble, resources gone,
# operator intervention (a shutdown in the middle of a commit), system error.
_UNCERTAIN_CLASSES = frozenset({"08", "53", "57", "58"})

_REFUSALS = {
    "25006": "connected to a standby",
    "42P01": "the schema is not installed yet",
    "42703": "the schema is of an older version still",
    "55P03": "the schema is in use and could not be completed yet",
}

LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class UnavailableError(Exception):
    """No primary to be had, or a reader's connection was lost: nothing was changed."""


class IndeterminateError(Exception):
    """A write was asked for and its outcome is not known: it may or may not be durable on both databases."""


def refused(error: asyncpg.PostgresError) -> str | None:
    """Why the server would not do the statement, if it is a matter of time or place and not a mistake of ours."""
    return _REFUSALS.get(error.sqlstate or "")


def uncertain(error: asyncpg.PostgresError) -> bool:
    """Whether the server's error leaves open if a commit took place."""
    return (error.sqlstate or "")[:2] in _UNCERTAIN_CLASSES
