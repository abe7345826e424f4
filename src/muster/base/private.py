"""A directory for what must not be kept: credentials, and whatever may hold one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muster.base.errors import UsageError
from muster.base.process import Child

# It only waits: what counts is the lifeline above it, which outlives us until the directory is removed.
WAITS = ("sleep", "infinity")


@contextmanager
def private_directory() -> Iterator[Path]:
    """A temporary directory that only this user can enter. It is gone with the block, and with this process however
    that ends: a kill that nothing can catch included.

    Raises:
        UsageError: there is no room for one.
    """
    try:
        directory = Path(tempfile.mkdtemp(prefix="muster-private-"))
    except OSError as error:
        raise UsageError(f"no temporary directory can be had for credentials: {error.strerror}") from error
    try:
        with Child(WAITS, remove=[directory], grace=0.1):
            yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)  # where the lifeline itself did not come up
