"""The state of a pod's containers as the kubelet knows it, and the `status` that it writes from that."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

from muster.embedded.objects import Object, legible, timestamp
from muster.wire.names import EMBEDDED_IMAGE


@dataclass(slots=True)
class ContainerState:
    """One container. `state` and `last` are `ContainerState` objects of the API ({"running": {...}}, ...)."""

    spec: Object
    init: bool = False
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last: Object = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    container_id: str = ""
    digest: str | None = None  # of what the present run's image stands for, where it can be told
    done: bool = False  # an init container that has succeeded, any other that will not run again

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def sidecar(self) -> bool:
        """An init container that keeps running beside the others."""
        return self.init and self.spec.get("restartPolicy") == "Always"

    @property
    def running(self) -> bool:
        return "running" in self.state

    @property
    def terminated(self) -> Object | None:
        return self.state.get("terminated")

    def wait(self, reason: str, message: str = "") -> None:
        """Not running, for this reason; what was terminated becomes the last state."""
        if "terminated" in self.state:
            self.last = self.state
        self.state = {"waiting": {"reason": reason} | ({"message": legible(message)} if message else {})}
        self.ready = self.started = False

    def run(self, container_id: str, digest: str | None = None) -> None:
        """It runs, and stands for this content."""
        self.digest = digest
        if "terminated" in self.state:
            self.last = self.state
        self.state = {"running": {"startedAt": timestamp()}}
        self.container_id = container_id

    def terminate(self, exit_code: int, reason: str, message: str = "", signal_number: int = 0) -> None:
        started = (self.state.get("running") or {}).get("startedAt") or timestamp()
        self.state = {"terminated": {"exitCode": exit_code} | ({"signal": signal_number} if signal_number else {})}
        self.state["terminated"] |= {"reason": reason} | ({"message": legible(message)} if message else {})
        self.state["terminated"] |= {"startedAt": started, "finishedAt": timestamp(), "containerID": self.container_id}
        self.ready = self.started = False

    def to_object(self) -> Object:
        image = self.spec["image"]
        return {
            "name": self.name,
            "state": self.state,
            "lastState": self.last,
            "ready": self.ready,
            "restartCount": self.restarts,
            "image": image,
            "imageID": self._image_id(image) if self.container_id else "",
            "started": self.started,
        } | ({"containerID": self.container_id} if self.container_id else {})

    def _image_id(self, image: str) -> str:
        """As of an image that was pulled: its name, and the digest of its content."""
        name = image.partition("@")[0]
        return f"{EMBEDDED_IMAGE}{name}" + (f"@{self.digest}" if self.digest else "")


def exit_code(status: int) -> tuple[int, int]:
    """(exit code as Kubernetes counts it, signal number or 0) of a wait status."""
    code = os.waitstatus_to_exitcode(status)
    return (code, 0) if code >= 0 else (128 - code, -code)


def reason_of(code: int) -> str:
    """The reason of a termination, as containerd's CRI names it."""
    return "Completed" if code == 0 else "Error"


def describe_exit(code: int, number: int) -> str:
    """An exit in words."""
    return f"killed by {signal.Signals(number).name}" if number else f"exit code {code}"


def phase_of(policy: str, containers: Sequence[ContainerState], inits: Sequence[ContainerState]) -> str:
    """The pod's phase (kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle)."""
    failed_init = any(c.done and c.terminated and c.terminated["exitCode"] for c in inits if not c.sidecar)
    if failed_init:
        return "Failed"
    if any(not c.done and not c.started for c in inits if c.sidecar) or any(not c.done for c in inits if not c.sidecar):
        return "Pending"
    if all(c.done for c in containers):
        return "Failed" if any(c.terminated and c.terminated["exitCode"] for c in containers) else "Succeeded"
    if all("waiting" in c.state and not c.last for c in containers):
        return "Pending"
    if policy != "Never" or any(c.running or c.terminated for c in containers):
        return "Running"
    return "Pending"


def _names(containers: Sequence[ContainerState]) -> str:
    return "[" + " ".join(c.name for c in containers) + "]"


def _readiness(phase: str, containers: Sequence[ContainerState]) -> Object:
    if phase in ("Succeeded", "Failed"):
        return {"status": "False", "reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
    unready = [c for c in containers if not c.ready]
    if unready:
        message = f"containers with unready status: {_names(unready)}"
        return {"status": "False", "reason": "ContainersNotReady", "message": message}
    return {"status": "True"}


def _initialized(phase: str, inits: Sequence[ContainerState]) -> Object:
    waiting = [c for c in inits if not (c.done or (c.sidecar and c.started))]
    if waiting:
        message = f"containers with incomplete status: {_names(waiting)}"
        return {"status": "False", "reason": "ContainersNotInitialized", "message": message}
    return {"status": "True"} | ({"reason": "PodCompleted"} if phase == "Succeeded" else {})


def pod_status(
    old: Object,
    spec: Object,
    containers: Sequence[ContainerState],
    inits: Sequence[ContainerState],
    *,
    generation: int,
    host_ip: str,
    pod_ip: str | None,
) -> Object:
    """The status to write; `old` is the one that stands there, from which times of unchanged conditions are kept."""
    phase = phase_of(spec.get("restartPolicy", "Always"), containers, inits)
    readiness = _readiness(phase, [*containers, *(c for c in inits if c.sidecar)])
    conditions = {
        "PodReadyToStartContainers": {"status": "True" if pod_ip and phase in ("Pending", "Running") else "False"},
        "Initialized": _initialized(phase, inits),
        "Ready": _gated(readiness, spec, old),
        "ContainersReady": readiness,
        "PodScheduled": {"status": "True"},
    }
    status: Object = {
        "phase": phase,
        "conditions": _with_times(conditions, old.get("conditions") or [], generation),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "startTime": old.get("startTime") or timestamp(),
        "containerStatuses": [c.to_object() for c in containers],
        "qosClass": old.get("qosClass") or "BestEffort",
        "observedGeneration": generation,
    }
    if pod_ip:
        status |= {"podIP": pod_ip, "podIPs": [{"ip": pod_ip}]}
    if inits:
        status["initContainerStatuses"] = [c.to_object() for c in inits]
    return status


def _gated(readiness: Object, spec: Object, old: Object) -> Object:
    """Ready also needs the conditions that the pod's readiness gates name."""
    true = {c["type"] for c in old.get("conditions") or () if c.get("status") == "True"}
    gates = [gate["conditionType"] for gate in spec.get("readinessGates") or ()]
    if readiness["status"] == "True" and not true.issuperset(gates):
        missing = next(gate for gate in gates if gate not in true)
        message = f'corresponding condition of pod readiness gate "{missing}" does not exist.'
        return {"status": "False", "reason": "ReadinessGatesNotReady", "message": message}
    return readiness


def _with_times(conditions: dict[str, Object], old: list[Object], generation: int) -> list[Object]:
    before = {c["type"]: c for c in old}
    made = []
    for kind, condition in conditions.items():
        was = before.pop(kind, None)
        changed = was is None or was.get("status") != condition["status"]
        since = timestamp() if changed or was is None else was.get("lastTransitionTime") or timestamp()
        made.append(
            {
                "type": kind,
                "observedGeneration": generation,
                **condition,
                "lastProbeTime": None,
                "lastTransitionTime": since,
            }
        )
    return made + list(before.values())  # of other writers: readiness gates
