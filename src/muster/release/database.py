"""The database's change that a release brings: a Job of its manifests, run once, before the new version starts.

The old version works on while it is made, and after. Where the release says that it does not, there is no way back by
itself from here on.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from muster.base.errors import ClusterError, MusterError
from muster.base.texts import one_line
from muster.release.canary import marked
from muster.release.record import DatabaseAt
from muster.release.work import Releasing
from muster.steps import Step
from muster.system.pods import STUCK, controller_of, troubles
from muster.wire.canary import LONGEST

WITHIN_S = 3600.0
LONGEST_WORDS = 160
# A Job itself counts its crashes, and gives up after so many; for these it waits for ever.
NEVER_STARTS = STUCK - {"CrashLoopBackOff"}
Object = dict[str, Any]


@dataclass(frozen=True)
class Migration:
    """One run of the Job: under a name of the release's own, so that it runs once however often it is asked for."""

    work: Releasing
    job: Object

    def steps(self) -> Iterator[Step]:
        """Run it, and wait for its end."""
        yield Step(
            "pre: change the database",
            lambda: not self._database.done,
            self._start,
            self._is_done,
            within_s=WITHIN_S,
            waits_for=lambda: f"Job {self.name} to end",
        )

    @property
    def name(self) -> str:
        """What the Job of this release is called."""
        suffix = f"-{self.work.id[-4:]}"
        return f"{self.job['metadata']['name'][: LONGEST - len(suffix)]}{suffix}"

    @property
    def _database(self) -> DatabaseAt:
        database = self.work.book.release.database
        assert database is not None
        return database

    def _start(self) -> str:
        body = copy.deepcopy(self.job)
        body["metadata"] = {
            "name": self.name,
            "namespace": self.work.namespace,
            "labels": {**(body["metadata"].get("labels") or {}), **marked(self.work.id)},
        }
        # From here on it may have begun: who is not sure does not go back by itself.
        self.work.book.put(database=self._database.model_copy(update={"begun": True}))
        if self.work.cluster.find("Job", self.name, self.work.namespace) is None:
            self.work.cluster.create(body, self.work.namespace)
        return f"started Job {self.name}"

    def _is_done(self) -> bool:
        job = self.work.cluster.get("Job", self.name, self.work.namespace)
        for condition in (job.get("status") or {}).get("conditions") or []:
            if condition["status"] == "True" and condition["type"] == "Failed":
                why = condition.get("message") or condition.get("reason")
                raise MusterError(f"Job {self.name} failed: {why}{self._last_words(job)}")
            if condition["status"] == "True" and condition["type"] == "Complete":
                self.work.book.put(database=self._database.model_copy(update={"done": True}))
                return True
        stuck = [each for pod in self._pods(job) for each in troubles(pod) if each.reason in NEVER_STARTS]
        if stuck:
            raise MusterError(f"Job {self.name} does not start: {stuck[0]}")
        return False

    def _pods(self, job: Object) -> list[Object]:
        """The Job's pods, the newest last."""
        uid = job["metadata"]["uid"]
        pods = self.work.cluster.list("Pod", self.work.namespace)
        own = [pod for pod in pods if (controller_of(pod) or {}).get("uid") == uid]
        return sorted(own, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))

    def _last_words(self, job: Object) -> str:
        """The last line that its newest pod wrote, as the end of a sentence; empty where that cannot be read."""
        try:
            said = [
                self.work.cluster.logs(pod["metadata"]["name"], self.work.namespace, tail=1)
                for pod in self._pods(job)[-1:]
            ]
        except ClusterError:  # whoever may not read logs is told less
            return ""
        line = one_line(said[0])[:LONGEST_WORDS] if said else ""
        return f"; its last words: {line}" if line else ""
