"""What goes wrong with a backup."""

from __future__ import annotations

from muster.base.errors import MusterError


class BackupError(MusterError):
    """A backup cannot be taken, read or restored."""
