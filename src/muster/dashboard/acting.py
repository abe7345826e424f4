"""What the keys do to a release: the same as the commands do, each on the release that was named and on no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from muster.base.clock import now
from muster.base.errors import MusterError, RefusedError
from muster.kube import RELEASE, Cluster
from muster.probes.http.address import service_url
from muster.release.record import Command, Release, ask, find_release
from muster.release.taking_back import begin_rollback
from muster.release.watching import looked_after
from muster.system import SystemDefinition


@dataclass(frozen=True)
class Desk:
    """Acts on the releases of a system: `reach` connects to its cluster, `audit` writes an entry of the audit log."""

    definition: SystemDefinition
    reach: Callable[[], Cluster]
    audit: Callable[..., None]

    def ask(self, named: Release, command: Command, why: str) -> str:
        """Ask something of whoever looks after a release; says in one line of whom.

        Raises:
            RefusedError: it has ended, or another one is under way.
            MusterError: the cluster does not answer, or the record cannot be understood.
        """
        with self.reach() as cluster:
            self._still(cluster, named)
            target = f"{cluster.context}/{self.definition.namespace}"
            try:
                found = ask(cluster, self.definition.namespace, command, why)
            except MusterError as error:
                self.audit(f"release: {command}", target=target, outcome="failed", why=str(error), release=named.id)
                raise
            self.audit(f"release: {command}", target=target, outcome="asked", why=why, release=found.id)
            by = looked_after(cluster, self.definition.namespace)
        if by is None:
            return f"{command} is noted for {found.target}, but nobody looks after it: muster deploy --continue, or r"
        return f"{command} is asked of {by}, who looks after {found.target}"

    def roll_back(self, named: Release, why: str, told: Callable[[str], None], *, decided: float | None = None) -> str:
        """Bring all traffic to the old version and remove the new one, whoever looks after the release; says in one
        line how that went. `told` is called with how it goes, `decided` is when it was decided (CLOCK_MONOTONIC s).

        Raises:
            RefusedError: it has ended, another one is under way, or it has changed the database for good.
            MusterError: it did not come to its end; it may be run again.
        """
        since = now() if decided is None else decided
        with self.reach() as connection:
            cluster = connection.asking_as(RELEASE)
            found = self._still(cluster, named)
            check_way_back(found)
            target = f"{cluster.context}/{self.definition.namespace}"
            self.audit("rollback", target=target, outcome="begun", why=why, release=found.id)
            try:
                url = service_url(cluster, self.definition)
                returning = begin_rollback(cluster, self.definition, found, why, url, decided=since)
                told("the release is taken over, all traffic goes to the old version")
                returned = returning.back(why, told)
                told(f"{returned or 'no traffic had been shared'}; the new version is being removed")
                cleared = returning.clear()
            except MusterError as error:
                self.audit("rollback", target=target, outcome="failed", why=str(error), release=found.id)
                raise
            self.audit("rollback", target=target, outcome="done", release=found.id)
        return f"{found.target}: rolled back; {cleared}"

    def _still(self, cluster: Cluster, named: Release) -> Release:
        """The release that was named, as it is now.

        Raises:
            RefusedError: it has ended, or another one is under way.
        """
        found = find_release(cluster, self.definition.namespace)
        if found is None or found.id != named.id:
            now_there = "it is gone" if found is None else f"{found.target} is there now"
            raise RefusedError(f"refused: {named.target} is not what is under way any more: {now_there}")
        if found.is_over:
            raise RefusedError(f"refused: {found.target} is {found.state} since {found.ended}")
        return found


def check_way_back(release: Release) -> None:
    """Refuse what would leave the old version with a database that it may not work with.

    Raises:
        RefusedError: the release has changed the database for good.
    """
    if release.changed_for_good:
        raise RefusedError(
            f"refused: {release.target} has changed the database, and not so that the old version works on; to force "
            "it, leave with q and run 'muster rollback -f -r REASON'"
        )
