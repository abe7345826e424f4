"""Which drills of a run may be held side by side, by the workers of pytest-xdist."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from muster.plugin.run import Run

FILE = ".turns"


def forget_turns(run: Run) -> None:
    """Take the turns' file out of the report of a run that is over."""
    (run.directory / FILE).unlink(missing_ok=True)


@contextmanager
def turn(item: pytest.Item, run: Run) -> Iterator[None]:
    """A drill's time: shared with the drills of other workers, unless its marker says `alone`.

    A drill that takes the machine to its limits measures the others as well, and they it; and where the workers have
    one system between them there is one drill at a time. The kernel gives the turn back however the worker ends.
    """
    marker = item.get_closest_marker("drill")
    alone = bool(run.options.kube_context or (marker and marker.kwargs.get("alone")))
    with (run.directory / FILE).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
