"""The Job controller: pods that run to their end, a number of times, with a limit on failures."""

from __future__ import annotations

from collections.abc import Iterable

from muster.embedded.admission.names import random_suffix
from muster.embedded.controllers.pods import is_active, is_ready, pod_from_template, without_zeros
from muster.embedded.deletion import DeleteOptions
from muster.embedded.events import EventRecorder
from muster.embedded.objects import (
    Key,
    Object,
    age_seconds,
    condition,
    controller_of,
    is_finished,
    is_owned_by,
    is_terminating,
    timestamp,
)
from muster.embedded.reconciler import Reconciler, own_key
from muster.embedded.resources import JOBS, PODS
from muster.embedded.store import Store

FIRST_BACKOFF_S = 10.0
LAST_BACKOFF_S = 360.0


class JobController:
    """Creates the pods of Jobs and judges their outcome."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = EventRecorder(store, "job-controller")

    def reconciler(self) -> Reconciler[Key]:
        return Reconciler("job", self._store, self.reconcile).watch(JOBS, own_key).watch(PODS, _job_of)

    def reconcile(self, key: Key) -> float | None:
        job = self._store.find(JOBS, *key)
        if job is None or is_terminating(job):
            return None
        if _outcome(job):
            return self._expire(job)
        uid = job["metadata"]["uid"]
        pods = self._store.objects(PODS, key.namespace, lambda pod: is_owned_by(pod, uid))
        status = job.setdefault("status", {})
        status.setdefault("startTime", timestamp())
        verdict, again = self._judge(job, pods)
        active = [pod for pod in pods if is_active(pod)]
        if verdict is None and not job["spec"].get("suspend"):
            again = self._start_missing(job, pods, active, again)
        self._write_status(job, pods, active, verdict)
        return again

    def _judge(self, job: Object, pods: list[Object]) -> tuple[Object | None, float | None]:
        """The condition that ends the Job, None while it goes on; and after how many seconds to look again."""
        spec = job["spec"]
        failures = _count(pods, "Failed") + _restarts(pods)
        if _count(pods, "Succeeded") >= spec["completions"]:
            return _ended("Complete", "CompletionsReached", "Reached expected number of succeeded pods"), None
        if failures > spec["backoffLimit"]:
            return _ended("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"), None
        deadline = spec.get("activeDeadlineSeconds")
        if deadline is None:
            return None, None
        left = deadline - age_seconds(job["status"]["startTime"])
        if left <= 0:
            return _ended("Failed", "DeadlineExceeded", "Job was active longer than specified deadline"), None
        return None, left + 0.05

    def _start_missing(
        self, job: Object, pods: list[Object], active: list[Object], again: float | None
    ) -> float | None:
        """Create pods up to the parallelism; after a failure later each time. After how long to look again."""
        spec = job["spec"]
        left = spec["completions"] - _count(pods, "Succeeded")
        missing = min(spec["parallelism"], left) - len(active)
        if missing <= 0:
            return again
        wait = _backoff(pods)
        if wait > 0:
            return wait if again is None else min(wait, again)
        for _ in range(missing):
            pod = pod_from_template(spec["template"], job)
            pod["metadata"]["name"] = f"{job['metadata']['name']}-{random_suffix()}"
            made = self._store.create(PODS, pod)
            pods.append(made)
            active.append(made)
            self._events.normal(job, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
        return again

    def _write_status(self, job: Object, pods: list[Object], active: list[Object], verdict: Object | None) -> None:
        if verdict is not None:
            for pod in active:
                meta = pod["metadata"]
                self._store.delete(PODS, meta["namespace"], meta["name"], DeleteOptions(uid=meta["uid"]))
            active = []
        status: Object = {
            "startTime": job["status"]["startTime"],
            "active": len(active),
            "ready": sum(map(is_ready, active)),
            "succeeded": _count(pods, "Succeeded"),
            "failed": _count(pods, "Failed"),
        }
        if verdict is not None:
            status["conditions"] = [verdict]
            if verdict["type"] == "Complete":
                status["completionTime"] = timestamp()
                self._events.normal(job, "Completed", "Job completed")
            else:
                self._events.warning(job, verdict["reason"], verdict["message"])
        job["status"] = without_zeros(status)
        self._store.update_status(JOBS, job)

    def _expire(self, job: Object) -> float | None:
        """Delete a Job that has ended, when its time to live is over."""
        keep = job["spec"].get("ttlSecondsAfterFinished")
        ended = _outcome(job)
        if keep is None or ended is None:
            return None
        left = keep - age_seconds(ended["lastTransitionTime"])
        if left > 0:
            return float(left) + 0.05
        self._store.delete(JOBS, *own_key(job)[0])
        return None


def _job_of(pod: Object) -> Iterable[Key]:
    owner = controller_of(pod)
    if owner is None or owner["kind"] != "Job":
        return ()
    return (Key(pod["metadata"]["namespace"], owner["name"]),)


def _outcome(job: Object) -> Object | None:
    """The condition with which the Job ended, if it has."""
    for kind in ("Complete", "Failed"):
        found = condition(job, kind)
        if found is not None and found["status"] == "True":
            return found
    return None


def _ended(kind: str, reason: str, message: str) -> Object:
    now = timestamp()
    times = {"lastProbeTime": now, "lastTransitionTime": now}
    return {"type": kind, "status": "True", "reason": reason, "message": message, **times}


def _count(pods: list[Object], phase: str) -> int:
    return sum((pod.get("status") or {}).get("phase") == phase for pod in pods)


def _restarts(pods: list[Object]) -> int:
    """Restarts of containers in place, which count as failures too."""
    running = [pod for pod in pods if not is_finished(pod)]
    return sum(c.get("restartCount", 0) for pod in running for c in pod["status"].get("containerStatuses") or ())


def _backoff(pods: list[Object]) -> float:
    """Seconds to wait before another pod is made after failures."""
    ends = [
        (state.get("state") or {}).get("terminated", {}).get("finishedAt")
        for pod in pods
        if (pod.get("status") or {}).get("phase") == "Failed"
        for state in pod["status"].get("containerStatuses") or ()
    ]
    ends = [end for end in ends if end]
    if not ends:
        return 0.0
    wait: float = min(FIRST_BACKOFF_S * 2.0 ** (len(ends) - 1), LAST_BACKOFF_S)
    return max(wait - age_seconds(max(ends)), 0.0)
