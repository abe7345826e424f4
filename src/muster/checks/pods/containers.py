"""Why one container does not run or serve, and what its pod waits for before it has any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muster.checks.pods.absent import unnamed_absence
from muster.checks.pods.mounting import unmounted
from muster.checks.pods.probes import killed_by_probe, probe_failing
from muster.checks.pods.starting import bare, cannot_start, start_error, stopped_by_hook
from muster.checks.pods.trouble import Trouble, last_said, spec_of, statuses, unready_since
from muster.checks.pods.words import grouped, telling
from muster.checks.seen import Seen, condition
from muster.snapshot import Object, Ref

STARTING_S = 20.0  # what a container may take before it counts as stuck while nothing is said of it
PREPARING_S = 45.0  # the same for one that prepares, and says the same again and again
ENDLESS_S = 3600.0  # and for one that says nothing of the kind: a migration takes its time
SAME = 3  # lines that say the same before it is a wait
RECENT_S = 600.0  # a crash of longer ago says nothing of now
JUST_S = 15.0
OFTEN = 3  # restarts of a container that is up again between its crashes


def pod_trouble(seen: Seen, pod: Object) -> Trouble | None:
    """What keeps a pod that has a node from serving; None where nothing does, or it may be on its way."""
    if found := _node_lost(seen, pod):
        return found.with_since(unready_since(pod))
    preparing = list(_preparing(seen, pod))
    if preparing:
        return preparing[0].with_since(unready_since(pod))
    for status in statuses(pod):
        found = container_trouble(seen, pod, status)
        if found is not None:
            return found.with_since(unready_since(pod))
    found = _waiting_for_volumes(seen, pod) or _gates(pod)
    return found.with_since(unready_since(pod)) if found else None


def _node_lost(seen: Seen, pod: Object) -> Trouble | None:
    name = str((pod.get("spec") or {}).get("nodeName") or "")
    node = Ref("Node", "", name)
    found = seen.find(node)
    if found is not None and condition(found, "Ready").get("status") in ("False", "Unknown"):
        return Trouble(
            f"its node {name} is not ready", (str(condition(found, "Ready").get("message") or ""),), relies_on=(node,)
        )
    if found is None and seen.knows("Node") and name and condition(pod, "Ready").get("status") != "True":
        return Trouble(f"its node {name} is gone", (f"there is no node {name}",))
    return None


def container_trouble(seen: Seen, pod: Object, status: Object, what: str = "container") -> Trouble | None:
    """What is wrong with one container."""
    name, label = status["name"], f"{what} {status['name']}"
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if found := cannot_start(seen, pod, label, reason, message):
        return found
    if not spec_of(pod, name) and not state:
        return None
    if _has_crashed(seen, pod, status):
        return (
            killed_by_probe(seen, pod, status, label)
            or stopped_by_hook(seen, pod, label)
            or _crash(seen, pod, status, label)
        )
    if state.get("running") and not status.get("ready") and what == "container":
        return probe_failing(seen, pod, status, label)
    return None


def _has_crashed(seen: Seen, pod: Object, status: Object) -> bool:
    """Whether a container ends again and again, or has ended and stays so."""
    state = status.get("state") or {}
    if (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff":
        return True
    always = _restarts(pod, status)
    if ended := state.get("terminated"):
        failed = bool(ended.get("exitCode") or ended.get("signal"))
        return failed if always != "Always" else failed or int(status.get("restartCount") or 0) > 0
    last = (status.get("lastState") or {}).get("terminated")
    if not last or seen.age(last.get("finishedAt")) > RECENT_S:
        return False
    if not status.get("ready") and last.get("exitCode") and seen.age(last.get("finishedAt")) < JUST_S:
        return True  # it has just failed, and nothing says yet that it fares better now
    count = int(status.get("restartCount") or 0)
    return count >= (OFTEN if status.get("ready") else OFTEN - 1)


def _restarts(pod: Object, status: Object) -> str:
    return str(
        spec_of(pod, status["name"]).get("restartPolicy") or (pod.get("spec") or {}).get("restartPolicy") or "Always"
    )


def _last_end(status: Object) -> Object:
    state = status.get("state") or {}
    return state.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}


def _crash(seen: Seen, pod: Object, status: Object, label: str) -> Trouble:
    ended = _last_end(status)
    code = ended.get("exitCode")
    reason, message = str(ended.get("reason") or ""), str(ended.get("message") or "")
    count = int(status.get("restartCount") or 0)
    seen_so = f"{label}: {reason or 'ended'}, exit code {code}, {count} restarts"
    if reason == "OOMKilled":
        return Trouble(_memory(pod, status, label), (seen_so,), since=unready_since(pod))
    if reason in ("StartError", "ContainerCannotRun") or (code == 128 and "failed to" in message):
        return start_error(label, message) or Trouble(f"{label} cannot be started", (seen_so,))
    line = _line(seen, pod, status, message)
    evidence = (seen_so, *([f"log: {line}"] if line else []))
    text = f"{label} {_ended(code, count)}{f': {line}' if line else ''}"
    return Trouble(text, evidence, since=unready_since(pod), open_cause=True)


def _line(seen: Seen, pod: Object, status: Object, message: str) -> str:
    """What a container said last before it ended: the log of that instance, else its termination message."""
    running = bool((status.get("state") or {}).get("running"))
    for previous in (True, False) if running else (False, True):
        if line := telling(seen.log(pod, status["name"], previous=previous)):
            return line
    return telling(message.splitlines())


def _ended(code: object, count: int) -> str:
    match code:
        case 0:
            return "ends by itself (exit code 0), so it is restarted again and again"
        case 126:
            return "exits with 126 (its command cannot be executed)"
        case 127:
            return "exits with 127 (its command is not found)"
        case 134:
            return "exits with 134 (aborted)"
        case 137:
            return "is killed (137), not for memory"
        case 139:
            return "exits with 139 (segmentation fault)"
        case 143:
            return "is ended from outside (143)"
        case None:
            return f"is restarted again and again ({count} times)"
    return f"exits with {code}"


def _memory(pod: Object, status: Object, label: str) -> str:
    limit = ((spec_of(pod, status["name"]).get("resources") or {}).get("limits") or {}).get("memory")
    if limit:
        return f"{label} is killed for memory at its limit of {limit}"
    whole = (((pod.get("spec") or {}).get("resources") or {}).get("limits") or {}).get("memory")
    if whole:
        return f"{label} is killed for memory at its pod's limit of {whole}"
    return f"{label} is killed for memory; it has no limit, the node has no more"


def _preparing(seen: Seen, pod: Object) -> Iterator[Trouble]:
    """What is wrong with what a pod prepares itself with."""
    for status in statuses(pod, "initContainerStatuses"):
        name = status["name"]
        stays = spec_of(pod, name).get("restartPolicy") == "Always"
        if found := container_trouble(seen, pod, status, "init container"):
            yield found
            return
        state = status.get("state") or {}
        running = state.get("running")
        if running and not stays:
            line = _waits(seen.log(pod, name))
            if seen.age(running.get("startedAt")) > (PREPARING_S if line else ENDLESS_S):
                yield Trouble(
                    f"init container {name} does not end{f': {line}' if line else ''}",
                    (f"init container {name} runs since {running.get('startedAt')}",),
                    firm=False,
                    open_cause=True,
                )
            return
        if (
            running
            and stays
            and not status.get("started")
            and (found := probe_failing(seen, pod, status, f"init container {name}"))
        ):
            yield found
            return


def _waits(lines: Sequence[str]) -> str:
    """What a program that waits for something says again and again; empty where it goes on."""
    patterns = grouped(lines[-2 * SAME :])
    return patterns[0][2] if patterns and patterns[0][1] >= SAME else ""


def _waiting_for_volumes(seen: Seen, pod: Object) -> Trouble | None:
    """What a pod whose containers are not made yet waits for: volumes, a network."""
    waiting = [((s.get("state") or {}).get("waiting") or {}).get("reason") for s in statuses(pod)]
    if (pod.get("status") or {}).get("phase") != "Pending" or not set(waiting) <= {
        "ContainerCreating",
        "PodInitializing",
        None,
    }:
        return None
    prepared = statuses(pod, "initContainerStatuses")
    if any((s.get("state") or {}).get("running") for s in prepared):
        return None
    if found := unmounted(seen, pod):
        return found
    sandbox = last_said(seen, pod, "FailedCreatePodSandBox", "NetworkNotReady")
    if sandbox and seen.made(pod) > STARTING_S:
        return Trouble(f"its pods get no sandbox or network: {bare(sandbox)}", (sandbox,), open_cause=True)
    if seen.made(pod) > STARTING_S:
        return unnamed_absence(seen, pod)
    return None


def _gates(pod: Object) -> Trouble | None:
    ready = condition(pod, "Ready")
    if ready.get("status") == "False" and ready.get("reason") == "ReadinessGatesNotReady":
        gates = [one.get("conditionType") for one in (pod.get("spec") or {}).get("readinessGates") or []]
        return Trouble(
            f"its pods wait for readiness gate {', '.join(map(str, gates))}", (str(ready.get("message")),), firm=False
        )
    return None
