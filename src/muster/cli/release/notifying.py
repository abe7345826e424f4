"""Telling people of a release while it goes on, without holding it up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import click

from muster.base.errors import MusterError
from muster.cli.noting import cluster_name, where
from muster.cli.posting import post_of, send_now

if TYPE_CHECKING:
    from muster.analysis import Decision, Look
    from muster.release.record import Release
    from muster.release.returning import Returned
    from muster.system import SystemDefinition

ENDINGS = {"rolled back": "rolled back", "frozen": "frozen", "released": "released", "paused": "stopped"}


class Notifying:
    """Puts the notices of a release into the outbox and on their way, one after the other, in a thread: the release
    waits for none of them. A context manager; leaving it waits until they are on their way."""

    def __init__(self, system: SystemDefinition, kube_context: str | None) -> None:
        self._system, self._cluster = system, cluster_name(kube_context)
        self._thread = ThreadPoolExecutor(1)
        self._begun = False
        self._held = ""
        self._release: Release | None = None

    def __enter__(self) -> Notifying:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def phase(self, release: Release) -> None:
        """A phase begins."""
        self._release, self._held = release, ""
        self._tell(release, "phase" if self._begun else "begun")
        self._begun = True

    def decided(self, decision: Decision, look: Look) -> None:
        """A look was taken; the first of a hold is told."""
        del look
        if str(decision.action) != "hold":
            self._held = ""
        elif not self._held and self._release is not None:
            self._held = decision.why
            self._tell(self._release, "held", decision.why)

    def over(self, release: Release, returned: Returned | None) -> None:
        """It has ended, or is left where it is."""
        del returned
        self._tell(release, ENDINGS.get(release.state, "failed"))

    def _tell(self, release: Release, step: str, why: str = "") -> None:
        self._thread.submit(self._put, release, step, why)

    def _put(self, release: Release, step: str, why: str) -> None:
        from muster.notices import Outbox
        from muster.release.notices import notice_of

        try:
            post = post_of(self._system)
            if not post.channels:
                return
            with Outbox.open(*where(None)) as outbox:
                put = outbox.put(post, notice_of(release, self._cluster, step, why=why))
            send_now(None, post, put.troubles)
        except MusterError as error:
            click.echo(f"muster: nobody is told of the release: {error}", err=True)
