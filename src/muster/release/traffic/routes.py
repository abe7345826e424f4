"""Gateway API: the weights of an HTTPRoute, whose parent is a Gateway, or the Service itself.

Source: Gateway API v1, HTTPRoute; routes of a Service ("GAMMA") as of its mesh part. A Service that is named as a
backend of its own route stands for its pods there, so the old version needs no Service of its own, and where the route
goes all traffic is the old version's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from muster.base.errors import RefusedError, TimeoutExceededError
from muster.base.waiting import wait_for
from muster.release.canary import marked
from muster.release.traffic.listed import Listed
from muster.release.traffic.way import Object, Shared, Split, one_share
from muster.wire.names import KINDS

OWN = "muster-release"
FINE = 1000  # a weight of 1 becomes so much, of which shares are taken
LARGEST = 1_000_000  # a weight that there may be
HEEDED_WITHIN_S = 10.0


class Routes:
    """The HTTPRoutes that lead to the system's Service; where there is none, one that is made for the release."""

    name = "httproute"
    by_pods = False

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._cluster = shared.cluster
        self._routes = Listed(shared.cluster, shared.namespace, "HTTPRoute", "rules")

    def possible(self, share: float) -> float:
        return share

    def prepare(self) -> Mapping[str, Any]:
        """The rules of the routes that there are, by name; none where one is to be made."""
        if self._shared.kept:
            return self._shared.kept
        found = filter(self._leads, self._routes.all())
        return {one["metadata"]["name"]: self._routes.of(one) for one in found}

    def make(self) -> str:
        if self._shared.kept:
            return f"traffic is shared by HTTPRoute {', '.join(sorted(self._shared.kept))}"
        if self._cluster.find("HTTPRoute", OWN, self._shared.namespace) is None:
            self._cluster.create(self._own(), self._shared.namespace)
        try:
            wait_for(lambda: not self.lag(), within=HEEDED_WITHIN_S, reason="a route to be heeded", latest=self.lag)
        except TimeoutExceededError as error:
            self._cluster.delete("HTTPRoute", OWN, self._shared.namespace)
            raise RefusedError(
                f"refused: this cluster has HTTPRoutes, and nothing heeds one of Service '{self._shared.service}': "
                f"{error}"
            ) from error
        return f"made HTTPRoute {OWN}, which leads all to Service {self._shared.service} still"

    def read(self) -> Split:
        objects = tuple(self._present())
        return Split(one_share(share for one in objects for share in self._shares(one)), objects)

    def write(self, share: float, split: Split) -> None:
        for one in split.objects:
            self._routes.write(one, [self._shared_rule(rule, share) for rule in self._original(one)])

    def lag(self) -> str:
        missing = [said for one in self._present() if (said := _unheeded(one))]
        return missing[0] if missing else ""

    def remove(self) -> str:
        if self._shared.kept:
            return self._routes.put_back(self._shared.kept, self._original)
        gone = self._cluster.delete("HTTPRoute", OWN, self._shared.namespace)
        return f"deleted HTTPRoute {OWN}" if gone else f"HTTPRoute {OWN} was gone"

    def _present(self) -> Iterator[Object]:
        return self._routes.present(self._shared.kept or (OWN,))

    def _leads(self, route: Object) -> bool:
        return route["metadata"]["name"] != OWN and any(
            self._names(rule, self._shared.service) for rule in self._routes.of(route)
        )

    def _names(self, rule: Object, service: str) -> bool:
        return any(self._is_ref(ref, service) for ref in rule.get("backendRefs") or [])

    def _is_ref(self, ref: Object, service: str) -> bool:
        space = ref.get("namespace") or self._shared.namespace
        return (ref.get("kind", "Service"), ref.get("name"), space) == ("Service", service, self._shared.namespace)

    def _original(self, route: Object) -> list[Object]:
        """The rules without what the release put in: as they were before it, and as others have changed them since."""
        if not self._shared.kept:
            return [self._unshared(rule) for rule in self._own()["spec"]["rules"]]
        before = self._shared.kept[route["metadata"]["name"]]
        return [
            next((copy.deepcopy(one) for one in before if self._shape(one) == self._shape(rule)), self._unshared(rule))
            if self._names(rule, self._shared.beside)
            else rule
            for rule in self._routes.of(route)
        ]

    def _shape(self, rule: Object) -> Object:
        """A rule without weights, and without the new version."""
        refs = [ref for ref in rule.get("backendRefs") or [] if not self._is_ref(ref, self._shared.beside)]
        return {**rule, "backendRefs": [{key: ref[key] for key in ref if key != "weight"} for ref in refs]}

    def _unshared(self, rule: Object) -> Object:
        """A rule that leads to both, or by somebody's doing to the new version alone, leading to the old one."""
        refs = [dict(ref) for ref in rule["backendRefs"]]
        both = [ref for ref in refs if self._is_ref(ref, self._shared.service)]
        new = [ref for ref in refs if self._is_ref(ref, self._shared.beside)]
        if not both:
            both, new = new[:1], new[1:]
            both[0]["name"] = self._shared.service
        both[0]["weight"] = sum(ref.get("weight", 1) for ref in (*both, *new))
        return {**rule, "backendRefs": [ref for ref in refs if not any(ref is one for one in new)]}

    def _shared_rule(self, rule: Object, share: float) -> Object:
        if not self._names(rule, self._shared.service):
            return rule
        refs = rule["backendRefs"]
        # Of a weight as large as there may be no thousandth part can be taken, and none needs to be.
        fine = min(FINE, LARGEST // max(1, *(ref.get("weight", 1) for ref in refs)))
        return {**rule, "backendRefs": list(self._refs(refs, share, fine))}

    def _refs(self, refs: list[Object], share: float, fine: int) -> Iterator[Object]:
        for ref in refs:
            weight = ref.get("weight", 1) * fine
            if self._is_ref(ref, self._shared.service):
                yield {**ref, "weight": round(weight * (1 - share))}
                yield {**ref, "name": self._shared.beside, "weight": round(weight * share)}
            else:
                yield {**ref, "weight": weight}

    def _shares(self, route: Object) -> Iterator[float]:
        """The new version's share of what both get, of each rule that leads anybody to one of them."""
        for rule in self._routes.of(route):
            old, new = (
                sum(ref.get("weight", 1) for ref in rule.get("backendRefs") or [] if self._is_ref(ref, service))
                for service in (self._shared.service, self._shared.beside)
            )
            if old + new:
                yield new / (old + new)

    def _own(self) -> Object:
        backend = {"group": "", "kind": "Service", "port": self._shared.port}
        refs = [
            {**backend, "name": self._shared.service, "weight": 1},
            {**backend, "name": self._shared.beside, "weight": 0},
        ]
        parent = {"group": "", "kind": "Service", "name": self._shared.service, "port": self._shared.port}
        return {
            "apiVersion": KINDS["HTTPRoute"].api,
            "kind": "HTTPRoute",
            "metadata": {"name": OWN, "labels": marked(self._shared.release)},
            "spec": {"parentRefs": [parent], "rules": [{"backendRefs": refs}]},
        }


def _unheeded(route: Object) -> str:
    """What is missing until a route is in force as it is; empty where nothing is."""
    name, generation = route["metadata"]["name"], route["metadata"].get("generation", 0)
    parents = (route.get("status") or {}).get("parents") or []
    if not parents:
        return f"no controller has taken HTTPRoute {name} up"
    for parent in parents:
        for condition in parent.get("conditions") or []:
            if condition["type"] not in {"Accepted", "ResolvedRefs"}:
                continue
            if condition.get("observedGeneration", 0) < generation:
                return f"{parent.get('controllerName', 'its controller')} has not seen HTTPRoute {name} as it is now"
            if condition["status"] != "True":
                return f"HTTPRoute {name} is not heeded: {condition.get('reason')}: {condition.get('message', '')}"
    return ""
