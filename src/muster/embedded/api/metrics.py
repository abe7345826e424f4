"""metrics.k8s.io: what the processes of pods, and the machine, use now. `kubectl top` shows it.

Nothing is measured until somebody asks; then the processes are looked at twice.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import psutil
from aiohttp import web

from muster.base.clock import now
from muster.embedded import selectors
from muster.embedded.api.call import Backend
from muster.embedded.api.forms.answers import Form, answer, negotiate
from muster.embedded.objects import Object, timestamp
from muster.embedded.resources import NODES, PODS, Resource
from muster.embedded.status import StatusError, method_not_allowed, unknown_path
from muster.embedded.store import Stored

GROUP_VERSION = "metrics.k8s.io/v1beta1"
PREFIX = f"/apis/{GROUP_VERSION}/"
WINDOW_S = 0.5  # over which the use of the processors is averaged
_PATH = re.compile(rf"{PREFIX}(?:namespaces/(?P<namespace>[^/]+)/(?=pods))?(?P<plural>pods|nodes)(?:/(?P<name>[^/]+))?")


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used: seconds of processors since some beginning, and bytes of memory at present."""

    cpu_s: float
    memory: int

    def since(self, before: Usage, seconds: float) -> Object:
        """The use between two looks as quantities."""
        cores = max(self.cpu_s - before.cpu_s, 0.0) / seconds
        return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{self.memory // 1024}Ki"}


async def get(request: web.Request, backend: Backend) -> web.Response:
    """GET of the metrics of one pod or node, or of many. Raises `StatusError`: 400, 404, 405, 406."""
    found = _PATH.fullmatch(request.path.rstrip("/"))
    if not found or (found["plural"] == "pods" and found["name"] and not found["namespace"]):
        raise unknown_path()
    if request.method != "GET":
        raise method_not_allowed()
    form = Form(negotiate(request).media)
    resource, kind = (PODS, "PodMetrics") if found["plural"] == "pods" else (NODES, "NodeMetrics")
    chosen = _choose(request, backend, resource, found["namespace"], found["name"])
    items = await (_of_pods(backend, chosen) if resource is PODS else _of_nodes(chosen))
    if not found["name"]:
        whole = {"kind": f"{kind}List", "apiVersion": GROUP_VERSION, "metadata": {}, "items": items}
        return answer(form, whole)
    if not items:
        raise _not_found(resource, found["namespace"], found["name"])
    return answer(form, {"kind": kind, "apiVersion": GROUP_VERSION, **items[0]})


def _choose(
    request: web.Request, backend: Backend, resource: Resource, namespace: str | None, name: str | None
) -> list[Stored]:
    labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
    match = selectors.combine(labels, fields, resource.kind)
    rows = backend.store.scan(resource, namespace, match)
    return [row for row in rows if name in (None, row.key.name)]


def _not_found(resource: Resource, namespace: str | None, name: str) -> StatusError:
    kind = "podmetrics" if resource is PODS else "nodemetrics"
    shown = f"{namespace}/{name}" if namespace else name
    details = {"name": shown, "group": "metrics.k8s.io", "kind": kind}
    return StatusError(404, "NotFound", f'{kind}.metrics.k8s.io "{shown}" not found', details)


async def _of_pods(backend: Backend, pods: list[Stored]) -> list[Object]:
    """The metrics of the pods that run."""
    programs = {row.key: backend.node.programs(*row.key) for row in pods}
    pids = [pid for found in programs.values() for pid in found.values()]
    begun = now()
    before = await asyncio.to_thread(_look, pids, memory=False)
    if before:
        await asyncio.sleep(WINDOW_S)
    after, window = await asyncio.to_thread(_look, pids), now() - begun
    items = []
    for row in pods:
        containers = [
            {"name": name, "usage": after[pid].since(before[pid], window)}
            for name, pid in programs[row.key].items()
            if pid in before and pid in after
        ]
        if containers:
            items.append({**_head(row, window), "containers": containers})
    return items


async def _of_nodes(nodes: list[Stored]) -> list[Object]:
    """There is one machine, whatever nodes there are."""
    begun, before = now(), _machine()
    if nodes:
        await asyncio.sleep(WINDOW_S)
    window = now() - begun
    usage = _machine().since(before, window)
    return [{**_head(row, window), "usage": usage} for row in nodes]


def _head(row: Stored, window: float) -> Object:
    kept = ("name", "namespace", "labels", "creationTimestamp")
    meta = {field: row.shared["metadata"][field] for field in kept if field in row.shared["metadata"]}
    return {"metadata": meta, "timestamp": timestamp(), "window": f"{window:.3f}s"}


def _machine() -> Usage:
    times, memory = psutil.cpu_times(), psutil.virtual_memory()
    return Usage(times.user + times.nice + times.system, memory.total - memory.available)


def _look(pids: Iterable[int], *, memory: bool = True) -> dict[int, Usage]:
    """What each process that is still there uses, together with all below it; the `memory` costs most of a look."""
    children = defaultdict[int, list[psutil.Process]](list)
    there = dict[int, psutil.Process]()
    for process in psutil.process_iter(["ppid"]):  # once for all: each look at the table of processes costs, too
        children[process.info["ppid"]].append(process)
        there[process.pid] = process
    found = {}
    for pid in pids:
        if pid not in there:
            continue
        family = [there[pid]]
        for process in family:  # grows while it is gone through
            family += children[process.pid]
        usages = [_of_process(process, memory=memory) for process in family]
        found[pid] = Usage(sum(usage.cpu_s for usage in usages), sum(usage.memory for usage in usages))
    return found


def _of_process(process: psutil.Process, *, memory: bool) -> Usage:
    """Nothing for one that has ended. Memory that processes share is divided among them, where that can be seen."""
    try:
        with process.oneshot():
            times = process.cpu_times()
            cpu_s = times.user + times.system
            if not memory:
                return Usage(cpu_s, 0)
            try:
                return Usage(cpu_s, process.memory_full_info().pss)
            except psutil.AccessDenied:
                return Usage(cpu_s, process.memory_info().rss)
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return Usage(0.0, 0)
