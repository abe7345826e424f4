"""Taking a release over in order to roll it back, whoever looks after it."""

from __future__ import annotations

from muster.kube import Cluster
from muster.release.contents import Contents
from muster.release.kept import find_kept
from muster.release.record import Release, ReleaseRecordError, take_over
from muster.release.returning import Returning
from muster.release.telling import RollbackEvents
from muster.release.work import Releasing
from muster.system import SystemDefinition

NOTHING = Contents((), (), (), (), None)


def begin_rollback(
    cluster: Cluster,
    system: SystemDefinition,
    found: Release,
    why: str,
    url: str,
    *,
    decided: float,
    events: RollbackEvents | None = None,
) -> Returning:
    """Take the release over: from here on nobody else shares traffic for it. `decided` is when it was decided
    (CLOCK_MONOTONIC s), `url` where clients reach the system; `events` tells a drill's timeline of it.

    Raises:
        RefusedError: it has just ended.
        ReleaseRecordError: it has begun to change something, and what is not kept any more.
        ClusterError: the cluster does not answer.
    """
    book = take_over(cluster, found, state="rolling back", why=why, cause="person", wanted=None)
    book.tell(f"rolls back: {why}")
    try:
        contents = find_kept(cluster, found)
    except ReleaseRecordError:
        if found.way.name or found.step is not None:
            raise
        contents = NOTHING  # it had not begun to act
    return Returning(Releasing(cluster, system, book, contents), url, decided=decided, events=events)
