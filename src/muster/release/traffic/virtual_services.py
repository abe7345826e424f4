"""Istio: the weights of the VirtualServices that lead to the system's Service.

Source: Istio, VirtualService, HTTPRouteDestination: weights of a route are whole numbers that make 100.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from muster.kube import ApiError
from muster.release.traffic.way import Object, Shared, Split
from muster.wire.names import KINDS

ALL = 100


class VirtualServices:
    """VirtualServices that there are; none is made, as which hosts and gateways it is for only its owner knows."""

    name = "virtualservice"
    by_pods = False

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._cluster = shared.cluster

    def possible(self, share: float) -> float:
        return max(round(share * ALL), 1) / ALL if share else 0.0

    def prepare(self) -> Mapping[str, Any]:
        """The `http` of the VirtualServices that lead to the Service alone, by name."""
        if self._shared.kept:
            return self._shared.kept
        found = [one for one in self._cluster.list("VirtualService", self._shared.namespace) if self._leads(one)]
        return {one["metadata"]["name"]: one["spec"].get("http") or [] for one in found}

    def make(self) -> str:
        return f"traffic is shared by VirtualService {', '.join(sorted(self._shared.kept))}"

    def read(self) -> Split:
        objects = tuple(self._present())
        shares = [self._share(one) for one in objects]
        told = [one for one in shares if one is not None]
        return Split(max(told) if told and len(told) == len(shares) else None, objects)

    def write(self, share: float, split: Split) -> None:
        new = round(self.possible(share) * ALL)
        for one in split.objects:
            http = copy.deepcopy(self._shared.kept[one["metadata"]["name"]])
            for route in http:
                if self._is_ours(route):
                    own = route["route"][0]
                    beside = copy.deepcopy(own)
                    beside["destination"]["host"] = self._host(own, self._shared.beside)
                    route["route"] = [own | {"weight": ALL - new}, beside | {"weight": new}]
            self._cluster.replace({**one, "spec": {**one["spec"], "http": http}}, self._shared.namespace)

    def lag(self) -> str:
        """Nothing: a VirtualService does not tell whether it is in force. What clients get does."""
        return ""

    def remove(self) -> str:
        for name, http in self._shared.kept.items():
            while (one := self._cluster.find("VirtualService", name, self._shared.namespace)) is not None:
                if self._share(one) is None:
                    break
                try:
                    self._cluster.replace({**one, "spec": {**one["spec"], "http": http}}, self._shared.namespace)
                except ApiError as error:
                    if error.code != 409:
                        raise
        return f"put VirtualService {', '.join(sorted(self._shared.kept))} back as it was"

    def _present(self) -> Iterator[Object]:
        for name in self._shared.kept:
            if (found := self._cluster.find("VirtualService", name, self._shared.namespace)) is not None:
                yield {**found, "kind": "VirtualService", "apiVersion": KINDS["VirtualService"].api}

    def _leads(self, one: Object) -> bool:
        return any(self._is_ours(route) for route in one["spec"].get("http") or [])

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

    def _share(self, one: Object) -> float | None:
        """The new version's share; None where it is not shared between both."""
        for route in one["spec"].get("http") or []:
            both = route.get("route") or []
            new = [each.get("weight", 0) for each in both if self._is_of(each, self._shared.beside)]
            if new and any(self._is_of(each, self._shared.service) for each in both):
                return float(sum(new)) / ALL
        return None
