"""Gathering a snapshot: every part at once, each within its own limit, the whole within one.

What hangs is left behind: a thread that waits for an answer cannot be ended, but nobody has to wait for it. So
whatever a server does (accepts and says nothing, drips, dies in the middle), there is a snapshot when the time is up,
and what is not in it by then is in `missing`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from muster.base.clock import now, utc_iso
from muster.base.errors import MusterError, UsageError
from muster.kube import Cluster
from muster.snapshot.cluster import KINDS, list_all, metrics
from muster.snapshot.logs import wanted_logs
from muster.snapshot.model import Missing, Object, Snapshot
from muster.snapshot.system import told_of
from muster.system import SystemDefinition

WITHIN_S = 10.0
MOST_S = 30.0
WORKERS = 8
MARGIN = 0.06  # of the whole, kept for making something of what has come


class Part:
    """One thing to be asked for: `get` gets it, by `limit` seconds at the most."""

    def __init__(self, name: str, get: Callable[[], Any]) -> None:
        self.name = name
        self.get = get


@dataclass
class _Heard:
    """What has come by now. Threads that come late write into it still, and nobody looks any more."""

    values: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def lacking(self) -> list[Missing]:
        return [Missing(*one) for one in self.missing.items()]

    def answers(self) -> dict[str, Any]:
        return {name: value for name, value in sorted(self.values.items()) if value is not None}


def gather(
    reach: Callable[[], Cluster],
    system: SystemDefinition | None = None,
    *,
    namespace: str | None = None,
    within: float = WITHIN_S,
) -> Snapshot:
    """A snapshot of a namespace, or of all (None), within so many seconds.

    `reach` connects to the cluster; that, too, may hang. What cannot be had is in the snapshot's `missing`.

    Raises:
        UsageError: the cluster cannot even be asked for (no such context, a broken kubeconfig), or `within` is none.
    """
    if not 0 < within <= MOST_S:
        raise UsageError(f"'--within {within:g}' is no time for a diagnosis; right would be up to {MOST_S:g} seconds")
    deadline = now() + within * (1 - MARGIN)
    taken = utc_iso()
    met = ask([Part("cluster", lambda: _met(reach))], min(deadline, now() + within / 2))
    if (error := met.values.get("cluster")) and isinstance(error, UsageError):
        raise error
    cluster = met.values.get("cluster")
    begun = Snapshot(taken, namespace or "", system=told_of(system) if system else {})
    if isinstance(cluster, Cluster):
        return _of_cluster(begun, cluster, system, deadline)
    heard = ask(_own_parts(None, system), deadline)
    unseen = [Missing(kind.name, "the cluster does not answer") for kind in KINDS if kind.counts]
    missing = [Missing("cluster", met.missing.get("cluster", "")), *unseen, *heard.lacking()]
    return replace(begun, answers=heard.answers(), missing=tuple(sorted(missing)))


def _of_cluster(begun: Snapshot, cluster: Cluster, system: SystemDefinition | None, deadline: float) -> Snapshot:
    space = begun.namespace or None
    parts = [Part(kind.name, lambda kind=kind: list_all(cluster, kind, space, deadline)) for kind in KINDS]  # type: ignore[misc]
    parts += [Part("metrics", lambda: metrics(cluster, space)), Part("version", cluster.version)]
    beside = _Beside(_own_parts(cluster, system), deadline)
    # Logs can be asked for once pods are known; some of the time is theirs.
    heard = ask(parts, deadline - 0.3 * max(deadline - now(), 0))
    objects: dict[str, list[Object]] = {
        kind.name: items for kind in KINDS if (items := heard.values.get(kind.name)) is not None
    }
    logs = [Part(f"log of {one}", one.get) for one in wanted_logs(cluster, objects.get("Pod", []))]
    read, own = ask(logs, deadline), beside.heard()
    missing = [one for one in heard.lacking() if _counts(*one)] + own.lacking()
    if read.missing:
        why = next(iter(read.missing.values()))
        missing.append(Missing("logs", f"{len(read.missing)} of {len(logs)} could not be read: {why}"))
    used = {"metrics": heard.values["metrics"]} if heard.values.get("metrics") else {}
    return replace(
        begun,
        context=cluster.context,
        kubernetes=str(heard.values.get("version") or ""),
        listed=frozenset(objects) - {kind.name for kind in KINDS if kind.fields},
        objects=tuple(item for kind in sorted(objects) for item in objects[kind]),
        logs=tuple(sorted(tail for tail in read.values.values() if tail is not None)),
        answers={**own.answers(), **used},
        missing=tuple(sorted(missing)),
    )


def _met(reach: Callable[[], Cluster]) -> Cluster | UsageError:
    """The cluster; a wrong use is an answer, too, and not something that is missing."""
    try:
        return reach()
    except UsageError as error:
        return error


def _own_parts(cluster: Cluster | None, system: SystemDefinition | None) -> list[Part]:
    from muster.snapshot.answers import parts_of  # noqa: PLC0415 - what few need, and costs

    return [Part(name, get) for name, get in parts_of(cluster, system)] if system else []


def _counts(name: str, why: str) -> bool:
    """Whether that something is missing is worth a word: what a cluster simply has not is not."""
    kind = next((kind for kind in KINDS if kind.name == name), None)
    return (kind is None and name not in ("metrics", "version")) or (
        kind is not None and (kind.counts or "forbidden" not in why)
    )


class _Beside:
    """Parts that are asked for while other things are done."""

    def __init__(self, parts: list[Part], deadline: float) -> None:
        self._heard = _Heard()
        self._thread = threading.Thread(target=self._ask, args=(parts, deadline), daemon=True)
        self._thread.start()
        self._deadline = deadline

    def _ask(self, parts: list[Part], deadline: float) -> None:
        self._heard = ask(parts, deadline)

    def heard(self) -> _Heard:
        self._thread.join(max(self._deadline - now(), 0) + 0.2)
        return self._heard


def ask(parts: list[Part], deadline: float) -> _Heard:
    """Ask for parts side by side until all have come, or the deadline is over (CLOCK_MONOTONIC seconds)."""
    heard, todo, done = _Heard(), queue.SimpleQueue[Part](), threading.Semaphore(0)
    for part in parts:
        todo.put(part)

    def work() -> None:
        while now() < deadline:
            try:
                _ask_one(todo.get_nowait(), heard)
            except queue.Empty:
                return
            done.release()

    for _ in range(min(WORKERS, len(parts))):
        threading.Thread(target=work, daemon=True).start()
    for _ in parts:
        if not done.acquire(timeout=max(deadline - now(), 0)):
            break
    taken = _Heard(dict(heard.values), dict(heard.missing))
    for part in parts:
        if part.name not in taken.values and part.name not in taken.missing:
            taken.missing[part.name] = "no answer in time"
    return taken


def _ask_one(part: Part, heard: _Heard) -> None:
    try:
        heard.values[part.name] = part.get()
    except MusterError as error:
        heard.missing[part.name] = " ".join(str(error).split())[:300]
    except Exception as error:  # noqa: BLE001 - an answer that nobody has met yet costs its own part only
        heard.missing[part.name] = f"{type(error).__name__}: {error}"[:300]
