"""Keeping a release in the store while it goes on, without holding it up or failing it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from muster.base.errors import MusterError
from muster.cli.noting import cluster_name, where

if TYPE_CHECKING:
    from muster.analysis import Decision, Look
    from muster.release.record import Release
    from muster.release.returning import Returned
    from muster.released import LookFacts

AGAIN_S = 30.0  # until a store that could not be written is tried again
AT_THE_END_S = 10.0  # for so long at most the end is waited for


@dataclass
class _ToKeep:
    """What is to be written still: the release as it is now, and looks since the last that were."""

    release: Release | None = None
    returned: Returned | None = None
    looks: tuple[LookFacts, ...] = ()


class Keeping:
    """Writes a release into the project's store, in a thread of its own. What cannot be written is said once, tried
    again, and given up at the end. A context manager; leaving it waits a little until all is written."""

    def __init__(self, kube_context: str | None, said: Callable[[str], None] | None = None) -> None:
        """`said` is told what is wrong, on standard error by default."""
        self._cluster = cluster_name(kube_context)
        self._said = said or (lambda line: click.echo(f"muster: {line}", err=True))
        self._to_keep, self._lock = _ToKeep(), threading.Lock()
        self._wake, self._leaving = threading.Event(), threading.Event()
        self._complained = False
        self._thread = threading.Thread(target=self._work, name="keeping", daemon=True)

    def __enter__(self) -> Keeping:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._wake.set()
        self._thread.join(AT_THE_END_S)

    def phase(self, release: Release) -> None:
        """Keep that a phase begins."""
        self._put(release=release)

    def decided(self, decision: Decision, look: Look) -> None:
        """Keep a look, and what was decided after it."""
        from muster.released.rows import look_facts

        self._put(look=look_facts(decision, look))

    def over(self, release: Release, returned: Returned | None) -> None:
        """Keep that it has ended, or is left where it is."""
        self._put(release=release, returned=returned)

    def _put(
        self, *, release: Release | None = None, returned: Returned | None = None, look: LookFacts | None = None
    ) -> None:
        with self._lock:
            held = self._to_keep
            looks = held.looks if look is None else (*held.looks, look)
            self._to_keep = _ToKeep(release or held.release, returned or held.returned, looks)
        self._wake.set()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            last = self._leaving.is_set()  # asked before it is written: what was put until then is written after it
            if not self._write() and not last:
                self._leaving.wait(AGAIN_S)
                self._wake.set()
            if last:
                return

    def _write(self) -> bool:
        """Write what there is; whether that could be."""
        with self._lock:
            now, self._to_keep = self._to_keep, _ToKeep(self._to_keep.release, self._to_keep.returned)
        if now.release is None or os.environ.get("MUSTER_HISTORY") == "none":
            return True
        from muster.released import Releases

        try:
            with Releases.open(*where(), create=True) as kept:
                kept.keep(now.release, self._cluster, returned=now.returned, looks=now.looks)
        except MusterError as error:
            with self._lock:
                self._to_keep.looks = (*now.looks, *self._to_keep.looks)
            if not self._complained:
                self._said(f"the release is not kept in the store: {error}")
            self._complained = True
            return False
        return True
