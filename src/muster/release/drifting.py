"""Whether somebody else changes what a release shares traffic by, or what it compares with; and who."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from muster.release.work import Releasing, is_near
from muster.wire.names import KEEPERS

OWN = "muster"  # how the API server calls whoever asks with muster's User-Agent
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
    by = next((name for one in split.objects for name in changed_by(one)), "somebody")
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
    by, pods = next(iter(changed_by(live)), "somebody"), live["spec"].get("replicas", 1)
    if live["spec"]["template"] != serving.live["spec"]["template"]:
        return Drift(f"{by} changed {what} meanwhile", mends=False)
    if pods < serving.replicas:
        return Drift(
            f"{by} scaled {what} to {pods}: it is to be able to carry all, with {serving.replicas}", mends=False
        )
    return None


def changed_by(item: Object) -> Iterator[str]:
    """Who changed an object last beside muster, for people: the controller that keeps it, or the name of who wrote."""
    metadata = item["metadata"]
    told = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    keeper = next((name for key, name in KEEPERS.items() if key in told), "")
    entries = [one for one in metadata.get("managedFields") or [] if one.get("subresource") != "status"]
    newest = sorted(entries, key=lambda one: str(one.get("time", "")), reverse=True)
    for one in newest:
        if not str(one.get("manager", "")).startswith(OWN):
            yield f"{keeper} ('{one['manager']}')" if keeper else f"'{one['manager']}'"
    if keeper:
        yield keeper
