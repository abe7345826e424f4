"""A cluster in memory, as far as sharing traffic asks one: resource versions, conflicts, generations, routes heeded."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, cast

from muster.kube import ApiError, Cluster
from muster.wire.names import KINDS

Object = dict[str, Any]
Key = tuple[str, str]


class FakeCluster:
    """Objects of one namespace by kind and name. `between` is called, once, before the next change is looked at: what
    somebody else does between a read and a write. `heeds` is whether a controller takes up HTTPRoutes."""

    def __init__(self, *objects: Object, heeds: bool = True) -> None:
        self.objects: dict[Key, Object] = {}
        self.heeds = heeds
        self.unserved: set[str] = set()
        self.forbidden: set[str] = set()
        self.between: Callable[[], None] | None = None
        self.writes: list[str] = []
        self._version = 0
        for item in objects:
            self.create(item)
        self.writes.clear()

    @property
    def cluster(self) -> Cluster:
        return cast(Cluster, self)

    def unobserved(self) -> FakeCluster:
        return self

    def request(self, _: str, path: str, **__: Any) -> None:
        kind = next(kind for kind in KINDS if KINDS[kind].path("shop") == path)
        if kind in self.unserved:
            raise ApiError(f"no {kind} here", code=404, reason="NotFound")
        if kind in self.forbidden:
            raise ApiError(f"{kind} may not be listed", code=403, reason="Forbidden")

    def find(self, kind: str, name: str, *_: Any) -> Object | None:
        found = self.objects.get((kind, name))
        return None if found is None else copy.deepcopy(found)

    def get(self, kind: str, name: str, *_: Any) -> Object:
        if (found := self.find(kind, name)) is None:
            raise ApiError(f"{kind} {name} not found", code=404, reason="NotFound")
        return found

    def list(self, kind: str, *_: Any, **__: Any) -> list[Object]:
        return [copy.deepcopy(one) for (each, _), one in self.objects.items() if each == kind]

    def create(self, body: Object, *_: Any) -> Object:
        self._step_between()
        key = body["kind"], body["metadata"]["name"]
        if key in self.objects:
            raise ApiError(f"{key} is there already", code=409, reason="AlreadyExists")
        self.writes.append(f"create {key[0]}/{key[1]}")
        return self._put(key, body, generation=1)

    def replace(self, body: Object, *_: Any) -> Object:
        self._step_between()
        key = body["kind"], body["metadata"]["name"]
        if (found := self.objects.get(key)) is None:
            raise ApiError(f"{key} not found", code=404, reason="NotFound")
        said = body["metadata"].get("resourceVersion")
        if said and said != found["metadata"]["resourceVersion"]:
            raise ApiError(f"{key} was changed meanwhile", code=409, reason="Conflict")
        self.writes.append(f"replace {key[0]}/{key[1]}")
        return self._put(key, body, generation=found["metadata"]["generation"] + 1)

    def delete(self, kind: str, name: str, *_: Any) -> bool:
        self._step_between()
        self.writes.append(f"delete {kind}/{name}")
        return self.objects.pop((kind, name), None) is not None

    def edit(self, kind: str, name: str, change: Callable[[Object], None]) -> None:
        """What somebody else does to an object."""
        item = self.get(kind, name)
        change(item)
        item["metadata"].pop("resourceVersion")
        self.replace(item)

    def _step_between(self) -> None:
        between, self.between = self.between, None
        if between is not None:
            between()

    def _put(self, key: Key, body: Object, *, generation: int) -> Object:
        self._version += 1
        item = copy.deepcopy(body)
        item["metadata"] |= {"resourceVersion": str(self._version), "generation": generation}
        if key[0] == "HTTPRoute" and self.heeds:
            item["status"] = {"parents": [heeded(generation)]}
        self.objects[key] = item
        return copy.deepcopy(item)


def heeded(generation: int, *, resolved: bool = True) -> Object:
    """What a controller says of a route."""
    said = [("Accepted", True), ("ResolvedRefs", resolved)]
    return {
        "controllerName": "example.com/router",
        "conditions": [
            {"type": kind, "status": str(well), "reason": kind, "message": "", "observedGeneration": generation}
            for kind, well in said
        ],
    }
