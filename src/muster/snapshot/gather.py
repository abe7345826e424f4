"""Gathering a snapshot: every part at once, each within its own limit, the whole within one.

What hangs is left behind: a thread that waits for an answer cannot be ended, but nobody has to wait for it. So
whatever a server does (accepts and says nothing, drips, dies in the middle), there is a snapshot when the time is up,
and what is not in it by then is in `missing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from muster.base.clock import now, utc_iso
from muster.base.errors import UsageError
from muster.kube import Cluster
from muster.snapshot.asking import Beside, Part, ask
from muster.snapshot.cluster import KINDS, Listing, list_all, used
from muster.snapshot.logs import wanted_logs
from muster.snapshot.model import Missing, Snapshot
from muster.snapshot.system import told_of
from muster.system import SystemDefinition

WITHIN_S = 10.0
MOST_S = 30.0
METRICS = ("pods", "nodes")
MOST_OWN = 32  # of a system's own parts at once: each may hang until its own limit, and none is to wait for another
PAGES_S = 0.1  # before the lists' time is over the pages that have come are handed on
# What else is asked of a system, each by its name; of a cluster that does not answer too, so that it is missing.
Further = Callable[[Cluster | None, SystemDefinition], Iterable[tuple[str, Callable[[], Any]]]]
MARGIN = 0.06  # of the whole, kept for making something of what has come


def gather(
    reach: Callable[[], Cluster],
    system: SystemDefinition | None = None,
    *,
    namespace: str | None = None,
    within: float = WITHIN_S,
    meanwhile: Callable[[], object] = lambda: None,
    further: Further | None = None,
) -> Snapshot:
    """A snapshot of a namespace, or of all (None), within so many seconds.

    `reach` connects to the cluster; that, too, may hang. What cannot be had is in the snapshot's `missing`. `meanwhile`
    is called once a cluster that answers was asked for all, while answers are waited for: what takes time and needs
    none of them. `further` names what else is asked for, each part beside those that every snapshot of a system has.

    Raises:
        UsageError: the cluster cannot even be asked for (no such context, a broken kubeconfig), or `within` is none.
    """
    check_within(within)
    deadline = now() + within * (1 - MARGIN)
    taken = utc_iso()
    met = ask([Part("cluster", lambda: _met(reach))], min(deadline, now() + within / 2))
    if (error := met.values.get("cluster")) and isinstance(error, UsageError):
        raise error
    cluster = met.values.get("cluster")
    begun = Snapshot(taken, namespace or "", system=told_of(system) if system else {})
    if isinstance(cluster, Cluster):
        return _of_cluster(begun, cluster, _own_parts(cluster, system, deadline, further), deadline, meanwhile)
    heard = ask(_own_parts(None, system, deadline, further), deadline, workers=MOST_OWN)
    unseen = [Missing(kind.name, "the cluster does not answer") for kind in KINDS if kind.everywhere]
    missing = [Missing("cluster", met.missing.get("cluster", "")), *unseen, *heard.lacking()]
    return replace(begun, answers=heard.answers(), missing=tuple(sorted(missing)))


def check_within(within: float) -> None:
    """Refuse a limit that no look can keep to.

    Raises:
        UsageError: it is none.
    """
    if not 0 < within <= MOST_S:
        raise UsageError(f"'--within {within:g}' is no time for a diagnosis; right would be up to {MOST_S:g} seconds")


def _of_cluster(
    begun: Snapshot,
    cluster: Cluster,
    own_parts: list[Part],
    deadline: float,
    meanwhile: Callable[[], object],
) -> Snapshot:
    space = begun.namespace or None
    # First what takes its time by nature: metrics may be measured only once they are asked for.
    used_by = [Part(what, lambda what=what: used(cluster, what, space, deadline)) for what in METRICS]  # type: ignore[misc]
    measured = Beside(used_by, deadline)
    beside = Beside(own_parts, deadline, workers=MOST_OWN)
    listing = deadline - 0.3 * max(deadline - now(), 0)  # logs can be asked for once pods are known
    parts = [Part(kind.name, lambda kind=kind: list_all(cluster, kind, space, listing - PAGES_S)) for kind in KINDS]  # type: ignore[misc]
    parts.append(Part("version", cluster.version))
    heard = ask(parts, listing)
    objects: dict[str, Listing] = {
        kind.name: items for kind in KINDS if (items := heard.values.get(kind.name)) is not None
    }
    whole = {name for name, items in objects.items() if not items.rest}
    logs = [Part(f"log of {one}", one.get) for one in wanted_logs(cluster, objects.get("Pod") or [])]
    read = ask(logs, deadline)
    meanwhile()
    own, use = beside.heard(), measured.heard()
    missing = heard.lacking() + own.lacking()
    missing += [Missing(f"metrics of {what}", why) for what, why in use.missing.items()]
    missing += [Missing(f"rest of {name}", items.rest) for name, items in objects.items() if items.rest]
    if read.missing:
        why = next(iter(read.missing.values()))
        missing.append(Missing("logs", f"{len(read.missing)} of {len(logs)} could not be read: {why}"))
    metrics = use.answers()
    return replace(
        begun,
        context=cluster.context,
        kubernetes=str(heard.values.get("version") or ""),
        listed=frozenset(whole) - {kind.name for kind in KINDS if kind.fields},
        objects=tuple(item for kind in sorted(objects) for item in objects[kind]),
        logs=tuple(sorted(tail for tail in read.values.values() if tail is not None)),
        answers={**own.answers(), **({"metrics": metrics} if metrics else {})},
        missing=tuple(sorted(missing)),
    )


def _met(reach: Callable[[], Cluster]) -> Cluster | UsageError:
    """The cluster; a wrong use is an answer, too, and not something that is missing."""
    try:
        return reach()
    except UsageError as error:
        return error


def _own_parts(
    cluster: Cluster | None, system: SystemDefinition | None, deadline: float, further: Further | None
) -> list[Part]:
    from muster.snapshot.answers import parts_of  # noqa: PLC0415 - what few need, and costs

    if system is None:
        return []
    asked = (*parts_of(cluster, system, deadline), *(further(cluster, system) if further else ()))
    return [Part(name, get) for name, get in asked]
