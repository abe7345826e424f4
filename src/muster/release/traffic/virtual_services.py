"""Istio: the weights of the VirtualServices that lead to the system's Service.

Source: Istio, VirtualService, HTTPRouteDestination: weights of a route are whole numbers that make 100.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from muster.release.traffic.listed import Listed
from muster.release.traffic.way import Object, Shared, Split, one_share

ALL = 100


class VirtualServices:
    """VirtualServices that there are; none is made, as which hosts and gateways it is for only its owner knows."""

    name = "virtualservice"
    by_pods = False

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._services = Listed(shared.cluster, shared.namespace, "VirtualService", "http")

    def possible(self, share: float) -> float:
        return max(round(share * ALL), 1) / ALL if share else 0.0

    def prepare(self) -> Mapping[str, Any]:
        """The `http` of the VirtualServices that lead to the Service alone, by name."""
        if self._shared.kept:
            return self._shared.kept
        found = filter(self._leads, self._services.all())
        return {one["metadata"]["name"]: self._services.of(one) for one in found}

    def make(self) -> str:
        return f"traffic is shared by VirtualService {', '.join(sorted(self._shared.kept))}"

    def read(self) -> Split:
        objects = tuple(self._services.present(self._shared.kept))
        return Split(one_share(share for one in objects for share in self._shares(one)), objects)

    def write(self, share: float, split: Split) -> None:
        for one in split.objects:
            self._services.write(one, [self._shared_route(route, share) for route in self._original(one)])

    def lag(self) -> str:
        """Nothing: a VirtualService does not tell whether it is in force. What clients get does."""
        return ""

    def remove(self) -> str:
        return self._services.put_back(self._shared.kept, self._original)

    def _leads(self, one: Object) -> bool:
        return any(self._is_ours(route) for route in self._services.of(one))

    def _is_ours(self, route: Object) -> bool:
        """Whether a route leads to the Service, and to nothing else."""
        destinations = route.get("route") or []
        return len(destinations) == 1 and self._is_of(destinations[0], self._shared.service)

    def _is_of(self, destination: Object, service: str) -> bool:
        space = self._shared.namespace
        names = {service, f"{service}.{space}", f"{service}.{space}.svc", f"{service}.{space}.svc.cluster.local"}
        return (destination.get("destination") or {}).get("host") in names

    def _host(self, destination: Object, service: str) -> str:
        host = str(destination["destination"]["host"])
        return service + host.removeprefix(self._shared.service)

    def _original(self, one: Object) -> list[Object]:
        """The routes without what the release put in: as they were before it, and as others have changed them since."""
        before = [route for route in self._shared.kept[one["metadata"]["name"]] if self._is_ours(route)]
        return [
            next((copy.deepcopy(known) for known in before if _shape(known) == _shape(route)), self._unshared(route))
            if self._leads_beside(route)
            else route
            for route in self._services.of(one)
        ]

    def _leads_beside(self, route: Object) -> bool:
        return any(self._is_of(each, self._shared.beside) for each in route.get("route") or [])

    def _unshared(self, route: Object) -> Object:
        own = copy.deepcopy(route["route"][0])
        own.pop("weight", None)
        if self._is_of(own, self._shared.beside):
            host = own["destination"]["host"].removeprefix(self._shared.beside)
            own["destination"]["host"] = self._shared.service + host
        return {**route, "route": [own]}

    def _shared_route(self, route: Object, share: float) -> Object:
        if not self._is_ours(route):
            return route
        new = round(self.possible(share) * ALL)
        (own,) = route["route"]
        beside = copy.deepcopy(own)
        beside["destination"]["host"] = self._host(own, self._shared.beside)
        return {**route, "route": [own | {"weight": ALL - new}, beside | {"weight": new}]}

    def _shares(self, one: Object) -> Iterator[float]:
        """The new version's share, of each route that leads to one of both."""
        for route in self._services.of(one):
            both = route.get("route") or []
            new = [each.get("weight", ALL) for each in both if self._is_of(each, self._shared.beside)]
            if new or self._is_ours(route):
                yield float(sum(new)) / ALL


def _shape(route: Object) -> Object:
    """A route without where it leads."""
    return {key: value for key, value in route.items() if key != "route"}
