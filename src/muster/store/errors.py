"""What can go wrong with a history."""

from __future__ import annotations

from muster.base.errors import UsageError


class HistoryError(UsageError):
    """The history cannot be opened, understood, or written; it never changes a verdict."""


class NoHistoryError(HistoryError):
    """There is none yet."""
