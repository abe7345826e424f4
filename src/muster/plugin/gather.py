"""What the cluster says of a drill that has just ended: images, events, and logs where the drill is not met."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from muster.base.errors import ClusterError
from muster.base.files import write_atomically

if TYPE_CHECKING:
    from muster.drill import Drill
    from muster.kube import Cluster
    from muster.verdict import DrillVerdict

EVENTS_KEPT = 200
LOG_LINES = 300


def gather(drill: Drill, verdict: DrillVerdict) -> None:
    """Keep it in the drill's directory, below `<name>.d/`. The verdict was reached before, and stays.

    Raises:
        ClusterError: the cluster does not answer.
        OSError: the directory cannot be written.
    """
    from muster.report.allure import CLUSTER_FILE

    cluster, namespace = drill.state.cluster, drill.state.namespace
    pods = cluster.list("Pod", namespace)
    facts = {"version": cluster.version(), "images": images(pods)}
    write_atomically(drill.work / CLUSTER_FILE, orjson.dumps(facts))
    lines = event_lines(cluster.list("Event", namespace))
    write_atomically(drill.work / "events.txt", "".join(f"{line}\n" for line in lines[-EVENTS_KEPT:]))
    if verdict.verdict != "met":
        _keep_logs(cluster, namespace, pods, drill.work / "pods")


def images(pods: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """The images of pods by name, each with the digests under which it runs."""
    found: dict[str, set[str]] = {}
    for pod in pods:
        for status in pod.get("status", {}).get("containerStatuses") or []:
            ids = found.setdefault(str(status.get("image")), set())
            if status.get("imageID"):
                ids.add(str(status["imageID"]).rsplit("@", 1)[-1])
    return {name: sorted(ids) for name, ids in sorted(found.items())}


def event_lines(events: Iterable[dict[str, Any]]) -> list[str]:
    """Kubernetes events a line each, in order of time: when, about what, why."""
    lines = []
    for event in events:
        when = event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or ""
        about = event.get("involvedObject") or {}
        count = f" (x{event['count']})" if (event.get("count") or 1) > 1 else ""
        words = f"{event.get('reason', '')}: {str(event.get('message', '')).strip()}"
        lines.append(f"{when}  {event.get('type', '')}  {about.get('kind')} {about.get('name')}  {words}{count}")
    return sorted(lines)


def _keep_logs(cluster: Cluster, namespace: str, pods: Iterable[dict[str, Any]], directory: Path) -> None:
    """The last lines of every container, and of the instance before it where it was restarted."""
    directory.mkdir(exist_ok=True)
    for pod in pods:
        name = pod["metadata"]["name"]
        for status in pod.get("status", {}).get("containerStatuses") or []:
            container, kinds = status["name"], [False, True] if status.get("restartCount") else [False]
            for previous in kinds:
                path = directory / f"{name}.{container}{'.previous' if previous else ''}.log"
                write_atomically(path, _log(cluster, namespace, name, container, previous=previous))


def _log(cluster: Cluster, namespace: str, pod: str, container: str, *, previous: bool) -> str:
    try:
        return cluster.logs(pod, namespace, container=container, previous=previous, tail=LOG_LINES)
    except ClusterError as error:  # a container that waits to be started has none
        return f"no log to be had: {error}\n"
