"""Which rights a release takes in its namespace: asked for before anything of it is changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from muster.release.backing_up import needs_of_backup
from muster.release.contents import Contents
from muster.release.wanted import Object
from muster.safety.rights import Right, rights
from muster.system import SystemDefinition
from muster.system.requests import Request

# Compared by its data alone; every other kind is compared with what the server would make of it, in a dry run.
LOOKED_AT = ("Secret",)
# Its record, what it keeps and the copies of ConfigMaps; its Leases; the pods of both versions, and what they answer;
# the copies of policies that name them.
ALWAYS = (
    rights("get list create update delete", "Deployment", "ConfigMap")
    | rights("get create update patch delete", "Lease")
    | rights("get list", "Service")
    | rights("list", "Pod", "ReplicaSet")
    | rights("get", "Pod", sub="proxy")
    | rights("list create delete", "NetworkPolicy")
)
# A Service of its own for the new version, where something leads to it by weights.
_BESIDE = rights("create delete", "Service")
OF_WAY: dict[str, frozenset[Right]] = {
    "httproute": rights("get list create update delete", "HTTPRoute") | _BESIDE,
    "virtualservice": rights("get list update", "VirtualService") | _BESIDE,
    "replicas": rights("get update", "Service"),
}
USE = Right("list", "pods", "metrics.k8s.io")  # how much memory and processor pods use


def needs_to_compare(objects: Iterable[Object]) -> frozenset[Right]:
    """What it takes to compare the objects of a release with what runs."""
    kinds = {item["kind"] for item in objects} - {"Namespace"}
    looked_at = rights("get", *kinds) | rights("list", "Deployment")
    return looked_at | rights("update", *kinds.difference(LOOKED_AT, {"Job"}))


def needs(contents: Contents, system: SystemDefinition, way: str, watched: Collection[str]) -> frozenset[Right]:
    """What a release takes from its beginning to its end, whichever that is.

    `way` is how traffic is shared, empty where it is not; `watched` are the triggers that are looked at.
    """
    needed = ALWAYS | OF_WAY.get(way, frozenset()) | needs_of_backup(system)
    if any(not one.serves or way != "replicas" for one in contents.rolled):
        needed |= rights("patch", "Deployment", sub="scale")
    if any(request.method != "GET" for request in _asked(system)):
        needed |= rights("create", "Pod", sub="proxy")
    if not {"cpu", "memory"}.isdisjoint(watched):
        needed |= {USE}
    if contents.migration is not None:
        needed |= rights("get create", "Job")
    for item in contents.first:
        needed |= rights("get create delete", item["kind"])
    for one in contents.last:
        needed |= rights("get update", one.live["kind"])
    return needed


def needs_to_roll_back(system: SystemDefinition) -> frozenset[Right]:
    """What it takes to roll back whichever release is under way, as far as that can be told beforehand."""
    return ALWAYS | OF_WAY.get(system.release.traffic.way, frozenset())


def _asked(system: SystemDefinition) -> Iterator[Request]:
    """What the new version's own pods are asked, past any sharing of traffic."""
    release = system.release
    yield from (system.further_probe(name).request for name in release.verify)
    if release.version is not None:
        yield release.version.request or system.read.request
