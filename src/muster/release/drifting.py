"""Whether somebody else changes what a release shares traffic by, or what it compares with; and who."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from muster.release.work import Releasing, is_near
from muster.wire.names import KEEPERS

SOMEBODY = "somebody"
OWN = "muster"  # how the API server calls whoever asks with muster's User-Agent
# By how the field managers of programs begin what people call those.
PROGRAMS = {
    "argocd": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "flux": "Flux",
    "helm": "Helm",
    "kubectl": "somebody with kubectl",
}
# Field managers that are nobody: who said no name, and what there was before a field manager was kept.
NAMELESS = {"", "unknown", "before-first-apply"}
# By which field each kind shares traffic.
SHARES_BY = {"HTTPRoute": "rules", "VirtualService": "http", "Service": "selector", "Deployment": "replicas"}
Object = dict[str, Any]


@dataclass(frozen=True)
class Drift:
    """What was changed and by whom, one line; `mends` is whether it may be written again."""

    why: str
    mends: bool


def drift(work: Releasing) -> Drift | None:
    """What somebody else changed since the last look; None where nothing was.

    Raises:
        ClusterError: the cluster does not answer.
    """
    return _of_traffic(work) or _of_stable(work)


def _of_traffic(work: Releasing) -> Drift | None:
    release, way = work.book.release, work.way
    if way is None:
        return None
    split = way.read()
    if not split.objects:
        return Drift(f"what shares traffic ({way.name}) is gone: somebody deleted it", mends=False)
    if is_near(split.share, release.share.possible):
        return None
    by = changed_by(*((one, SHARES_BY[one["kind"]]) for one in split.objects))
    said = "shares that differ" if split.share is None else f"{split.share:.0%}"
    return Drift(
        f"{by} changed how traffic is shared: the new version has {said}, not {release.share.possible:.0%}", mends=True
    )


def _of_stable(work: Releasing) -> Drift | None:
    if (serving := work.serving) is None or work.book.release.past_return:
        return None
    what = f"Deployment {serving.name}, the old version,"
    live = work.cluster.find("Deployment", serving.name, work.namespace)
    if live is None:
        return Drift(f"{what} is gone: somebody deleted it", mends=False)
    if live["spec"]["template"] != serving.live["spec"]["template"]:
        return Drift(f"{changed_by((live, 'template'))} changed {what} meanwhile", mends=False)
    if (pods := live["spec"].get("replicas", 1)) < serving.replicas:
        by = changed_by((live, "replicas"))
        return Drift(
            f"{by} scaled {what} to {pods}: it is to be able to carry all, with {serving.replicas}", mends=False
        )
    return None


def changed_by(*parts: tuple[Object, str]) -> str:
    """Who changed one of some objects last, each given with the field of its `spec` that matters, for people.

    It is whoever owns that field, else who wrote the object last. Where that one left no name it is the controller that
    keeps the object, as its labels say, and else somebody.
    """
    writers = [
        (_owns(one, field), str(one.get("time", "")), _named(one, item))
        for item, field in parts
        for one in _others(item)
    ]
    kept = next((name for item, _ in parts if (name := _keeper(item))), SOMEBODY)
    return max(writers, default=(False, "", kept))[2] or kept


def _others(item: Object) -> list[Object]:
    """The entries of who wrote an object, but for muster, and for who only tells its state."""
    entries = item["metadata"].get("managedFields") or []
    return [one for one in entries if one.get("subresource") != "status" and one.get("manager") != OWN]


def _owns(entry: Object, field: str) -> bool:
    return f"f:{field}" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})


def _named(entry: Object, item: Object) -> str:
    """What people call whoever wrote an entry of an object, with their own name; empty where nobody knows."""
    manager = str(entry.get("manager", ""))
    if manager in NAMELESS:
        return _keeper(item)
    known = next((name for begins, name in PROGRAMS.items() if manager.startswith(begins)), "")
    return f"{known} ('{manager}')" if known else f"'{manager}'"


def _keeper(item: Object) -> str:
    """The controller that keeps an object, as its labels and annotations say; empty where none does."""
    metadata = item["metadata"]
    told = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    return next((name for key, name in KEEPERS.items() if key in told), "")
