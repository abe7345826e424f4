"""Why one container does not run: its image, its configuration, its command, its end, its probes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from muster.checks.pods.absent import missing_object, mount_message, unnamed_absence
from muster.checks.pods.probes import killed_by_probe, probe_failing
from muster.checks.pods.trouble import Trouble, namespace_of, one_line, spec_of, statuses, told, unready_since
from muster.checks.pods.words import telling
from muster.checks.seen import Seen, condition
from muster.snapshot import Object, Ref

IMAGE = {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed", "ImageInspectError"}
STARTING_S = 20.0  # what a container may take before it counts as stuck while nothing is said of it
PREPARING_S = 45.0  # the same for one that prepares
RECENT_S = 600.0  # a crash of longer ago says nothing of now
OFTEN = 3  # restarts of a container that is up again between its crashes
_STARTED = re.compile(
    r"(?:unable to start container process: |OCI runtime create failed: |failed to create \w+ task: )+"
)
_RUNC = re.compile(r"(runc create failed|failed to create shim task|failed to create containerd task): ")


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
    if found := _cannot_be_made(seen, pod, label, reason, message):
        return found
    if not spec_of(pod, name) and not state:
        return None
    if _has_crashed(seen, pod, status):
        return killed_by_probe(seen, pod, status, label) or _crash(seen, pod, status, label)
    if state.get("running") and not status.get("ready") and what == "container":
        return probe_failing(seen, pod, status, label)
    return None


def _cannot_be_made(seen: Seen, pod: Object, label: str, reason: str, message: str) -> Trouble | None:
    """What the kubelet says before there is any process."""
    said = one_line(message)
    several = len((pod.get("spec") or {}).get("containers") or []) > 1 or label.startswith("init")
    which = f" ({label})" if several else ""
    if reason in IMAGE:
        return Trouble(f"its image cannot be pulled{which}", _image_evidence(seen, pod, said))
    if reason == "ErrImageNeverPull":
        return Trouble(f"its image is not on the node, and must not be pulled (imagePullPolicy: Never){which}", (said,))
    if reason == "InvalidImageName":
        return Trouble(f"the name of its image is invalid{which}", (said,))
    if reason in ("CreateContainerConfigError", "CreateContainerError"):
        if found := missing_object(seen, pod, message, mounted=False):
            return found
        if found := unnamed_absence(seen, pod):
            return found
        if "cache" in message and "timed out" in message:
            return None  # the kubelet has not seen the objects yet
        return Trouble(f"{label} cannot be created: {said or reason}", (f"{reason}: {said}",))
    if reason in ("RunContainerError", "PostStartHookError", "PreCreateHookError", "PreStartHookError"):
        return _start_error(label, message) or Trouble(f"{label} cannot be started: {said or reason}", (said,))
    return None


def _image_evidence(seen: Seen, pod: Object, said: str) -> tuple[str, ...]:
    pulls = [text for text in told(seen, pod, "Failed") if "pull image" in text]
    return tuple(dict.fromkeys(text for text in [*pulls[:1], said] if text and "Back-off" not in text)) or (said,)


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
    if reason == "OOMKilled" or "OOM-killed" in message:
        return Trouble(_memory(pod, status, label), (seen_so,), since=unready_since(pod))
    if reason in ("StartError", "ContainerCannotRun") or (code == 128 and "failed to" in message):
        return _start_error(label, message) or Trouble(f"{label} cannot be started", (seen_so,))
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


def _start_error(label: str, message: str) -> Trouble | None:
    said = one_line(message)
    if not said:
        return None
    if "OOM-killed" in said:
        return Trouble(f"{label} is killed for memory at its start: its limit is too low to start at all", (said,))
    short = _STARTED.sub("", _RUNC.sub("", said)).removesuffix(": unknown")
    return Trouble(f"{label} cannot be started: {one_line(short, 160)}", (said,))


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
            if seen.age(running.get("startedAt")) > PREPARING_S:
                line = telling(seen.log(pod, name))
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
    message, since = mount_message(seen, pod)
    if message:
        found = missing_object(seen, pod, message, mounted=True) or unnamed_absence(seen, pod)
        return (found or _volume(pod, message)).with_since(since)
    sandbox = told(seen, pod, "FailedCreatePodSandBox", "NetworkNotReady")
    if sandbox and seen.made(pod) > STARTING_S:
        return Trouble(
            f"its pods get no sandbox or network: {one_line(sandbox[0], 160)}", (sandbox[0],), open_cause=True
        )
    if seen.made(pod) > STARTING_S:
        return unnamed_absence(seen, pod)
    return None


def _volume(pod: Object, message: str) -> Trouble:
    said = one_line(message)
    short = re.sub(
        r'^(MountVolume\.\w+|AttachVolume\.\w+|Multi-Attach error) (?:failed )?for volume "([^"]+)" ?:? ?',
        r"volume \2: ",
        said,
    )
    named = re.search(r'for volume "([^"]+)"', message)
    claim = next(
        (
            Ref("PersistentVolumeClaim", namespace_of(pod), volume["persistentVolumeClaim"]["claimName"])
            for volume in (pod.get("spec") or {}).get("volumes") or []
            if volume.get("persistentVolumeClaim") and (named is None or named[1] == volume["name"])
        ),
        None,
    )
    relies = (claim,) if claim else ()
    return Trouble(
        f"a volume cannot be mounted: {one_line(short, 160)}",
        (said,),
        relies_on=relies,
        firm="Multi-Attach" not in said,
    )


def _gates(pod: Object) -> Trouble | None:
    ready = condition(pod, "Ready")
    if ready.get("status") == "False" and ready.get("reason") == "ReadinessGatesNotReady":
        gates = [one.get("conditionType") for one in (pod.get("spec") or {}).get("readinessGates") or []]
        return Trouble(
            f"its pods wait for readiness gate {', '.join(map(str, gates))}", (str(ready.get("message")),), firm=False
        )
    return None
