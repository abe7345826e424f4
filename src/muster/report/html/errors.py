"""What can go wrong with a report; none of it changes a verdict."""

from __future__ import annotations

from muster.base.errors import MusterError


class ReportError(MusterError):
    """The report cannot be made."""
