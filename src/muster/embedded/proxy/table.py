"""Which address of a Service leads to which endpoints, read from Services and EndpointSlices."""

from __future__ import annotations

from collections.abc import Iterable

from muster.embedded.objects import Key, Object, key_of, labels_of

SERVICE_NAME = "kubernetes.io/service-name"

Place = str  # "address:port"
Table = dict[Place, list[Place]]


def build(services: Iterable[Object], slices: Iterable[Object]) -> dict[Place, tuple[Key, list[Place]]]:
    """For each port of each Service that has an address: whose it is, and its usable endpoints, sorted."""
    sliced = by_service(slices)
    table = {}
    for service in services:
        spec = service.get("spec") or {}
        if spec.get("type") == "ExternalName" or spec.get("clusterIP") in (None, "", "None"):
            continue
        for port in spec.get("ports") or ():
            if port.get("protocol", "TCP") == "TCP":
                places = endpoints(sliced.get(key_of(service), []), port.get("name") or "")
                table[f"{spec['clusterIP']}:{port['port']}"] = (key_of(service), places)
    return table


def by_service(slices: Iterable[Object]) -> dict[Key, list[Object]]:
    """The slices of each Service."""
    found: dict[Key, list[Object]] = {}
    for one in slices:
        name = labels_of(one).get(SERVICE_NAME)
        if name:
            found.setdefault(Key(one["metadata"]["namespace"], name), []).append(one)
    return found


def endpoints(slices: list[Object], port_name: str) -> list[Place]:
    """Endpoints that are ready; where none is, those that still serve while they end, as kube-proxy does it."""
    ready, ending = [], []
    for found in slices:
        for port in found.get("ports") or ():
            if (port.get("name") or "") != port_name or not port.get("port"):
                continue
            for endpoint in found.get("endpoints") or ():
                conditions = endpoint.get("conditions") or {}
                places = [f"{address}:{port['port']}" for address in endpoint["addresses"]]
                if conditions.get("ready") is not False:
                    ready += places
                elif conditions.get("serving") and conditions.get("terminating"):
                    ending += places
    return sorted(ready or ending)
