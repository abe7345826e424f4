"""Looking after a release from a process of its own: beginning one, or going on with one, to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from muster.analysis.recording import check_appendable
from muster.base.errors import UsageError
from muster.base.timeline import Timeline
from muster.kube import RELEASE, Cluster
from muster.probes.http.address import service_url
from muster.release.beginning import begin, go_on, lock_of, settings_of, told_of
from muster.release.coordinator import Coordinator, Watcher
from muster.release.record import PHASES, PhaseName, Release, find_release
from muster.release.telling import RollbackEvents
from muster.safety import AuditLog
from muster.system import SystemDefinition


@dataclass(frozen=True)
class LookingAfter:
    """Who looks after a release, and how.

    `said` is told single lines, each look is appended to `recording`;
    `timeline` is a drill's, which is told of a rollback. `url` is where clients reach the system, where that is not to
    be found out; `id_` is the id of the release that begins.
    """

    cluster: Cluster
    system: SystemDefinition
    watcher: Watcher
    said: Callable[[str], None]
    audit: AuditLog
    time_scale: float = 1.0
    until: PhaseName | None = None
    recording: Path | None = None
    timeline: Timeline | None = None
    url: str = ""
    id_: str = ""

    def run(self, release: str | None) -> Release | None:
        """Bring out a release, or without one go on with that which is under way. None: nothing differs.

        Raises:
            UsageError: the release is wrong, none is under way, or it is another one that is.
            RefusedError: somebody else looks after it, or it cannot be begun now.
            SupersededError: another one has taken it over meanwhile.
            ClusterError: the cluster does not answer.
        """
        if self.recording is not None:
            check_appendable(self.recording)
        events = RollbackEvents(self.timeline)
        cluster, system = events.observed(self.cluster.asking_as(RELEASE)), self.system
        url = self.url or service_url(cluster, system)
        found = find_release(cluster, system.namespace)
        if found is not None and found.is_over:
            found = None
        if release is None and found is None:
            raise UsageError(f"no release is under way in namespace '{system.namespace}'; name one to bring out")
        if release is not None and found is not None and found.release != release:
            raise UsageError(told_of(found))
        if self.until is not None and found is not None and PHASES.index(found.phase) > PHASES.index(self.until):
            raise UsageError(f"it cannot stop after {self.until}: {told_of(found)}")
        with lock_of(cluster, system.namespace, self.said) as turn:
            if found is not None:
                work = go_on(cluster, system, found)
            else:
                begun = begin(str(release), cluster, system, url, time_scale=self.time_scale, id_=self.id_)
                if begun is None:
                    return None
                work = begun
            settings, left = settings_of(system, work.contents, cluster)
            for line in left:
                self.said(line)
            if (scale := work.book.release.time_scale) != 1:
                self.said(f"a rehearsal: bakes are {scale:g} times shorter than they are said to be, and of the least")
                self.said("samples as much less is asked; it proves nothing for production")
            coordinator = Coordinator(
                work, url, turn, self.watcher, self.audit, settings, recording=self.recording, events=events
            )
            return coordinator.run(self.until)
