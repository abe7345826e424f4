"""Jobs and CronJobs that failed for good."""

from __future__ import annotations

from collections.abc import Iterator

from muster.checks.check import Finding, Harm
from muster.checks.pods.trouble import statuses
from muster.checks.pods.words import telling
from muster.checks.seen import Seen, condition, labels
from muster.snapshot import Object, Ref, ref_of

OLD_S = 7 * 86400.0  # a failure of longer ago is history


def jobs(seen: Seen) -> Iterator[Finding]:
    """Jobs that will not be tried again, unless a later one of their CronJob is through."""
    for job in seen.of("Job"):
        failed = condition(job, "Failed")
        if failed.get("status") != "True" or seen.age(failed.get("lastTransitionTime")) > OLD_S:
            continue
        top = seen.workload(job)
        if top.kind == "CronJob" and not _is_latest(seen, job, top):
            continue
        yield _failed(seen, job, top)


def cron_jobs(seen: Seen) -> Iterator[Finding]:
    """CronJobs that cannot begin their Jobs."""
    for item in seen.of("CronJob"):
        ref = ref_of(item)
        for event in seen.events(
            ref, "UnparseableSchedule", "InvalidSchedule", "UnknownTimeZone", "FailedCreate", "TooManyMissedTimes"
        ):
            if seen.age(event.get("lastTimestamp")) < 3600 and not (item.get("spec") or {}).get("suspend"):
                yield Finding(
                    ref,
                    f"cannot begin its Jobs: {' '.join(str(event.get('message')).split())[:160]}",
                    Harm.PART,
                    str(event.get("firstTimestamp") or ""),
                )
                break


def _is_latest(seen: Seen, job: Object, top: Ref) -> bool:
    made = [item for item in seen.of("Job", top.namespace) if seen.workload(item) == top]
    ended = [item for item in made if condition(item, "Complete") or condition(item, "Failed")]
    return max(ended, key=lambda item: str(item["metadata"].get("creationTimestamp"))) is job


def _failed(seen: Seen, job: Object, top: Ref) -> Finding:
    said = condition(job, "Failed")
    ref, spec, status = ref_of(job), job.get("spec") or {}, job.get("status") or {}
    tries = int(status.get("failed") or 0)
    line, code = _line(seen, job)
    match said.get("reason"):
        case "DeadlineExceeded":
            reason = f"was not done within its deadline of {spec.get('activeDeadlineSeconds', '?')} s"
        case "PodFailurePolicy":
            reason = f"failed by its pod failure policy after {_tries(tries)}"
        case "FailedIndexes" | "MaxFailedIndexesExceeded":
            reason = f"failed: indexes {status.get('failedIndexes', '?')} of it"
        case _:
            reason = f"failed after {_tries(max(tries, 1))}"
    if line:
        reason = f"{reason}: {line}"
    elif code:
        reason = f"{reason}: exit code {code}"
    evidence = [str(said.get("message") or said.get("reason") or "")]
    if top != ref:
        reason, evidence = f"its latest Job {reason}", [f"Job {ref.name}", *evidence]
    return Finding(top, reason, Harm.PART, str(said.get("lastTransitionTime") or ""), tuple(evidence), open_cause=True)


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def _line(seen: Seen, job: Object) -> tuple[str, int]:
    """What the pod that was tried last said, and how it ended."""
    name, space = job["metadata"]["name"], job["metadata"].get("namespace")
    tried = [
        pod
        for pod in seen.of("Pod", space)
        if seen.owner(pod) == ref_of(job) or labels(pod).get("batch.kubernetes.io/job-name") == name
    ]
    code = 0
    for pod in sorted(tried, key=lambda one: str(one["metadata"].get("creationTimestamp")), reverse=True):
        for one in [*statuses(pod), *statuses(pod, "initContainerStatuses")]:
            ended = (one.get("state") or {}).get("terminated") or (one.get("lastState") or {}).get("terminated") or {}
            code = code or int(ended.get("exitCode") or 0)
            if (
                line := telling(seen.log(pod, one["name"]))
                or telling(seen.log(pod, one["name"], previous=True))
                or telling(str(ended.get("message") or "").splitlines())
            ):
                if ended.get("reason") == "OOMKilled":
                    return f"container {one['name']} is killed for memory", code
                return line, code
            if ended.get("reason") == "OOMKilled":
                return f"container {one['name']} is killed for memory", code
    return "", code
