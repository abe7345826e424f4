"""The objects of a kind by a list of which, such as rules, traffic is shared: found, changed, put back as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from muster.kube import ApiError, Cluster
from muster.release.traffic.way import Object
from muster.wire.names import KINDS


@dataclass(frozen=True)
class Listed:
    """The objects of a kind in a namespace; `field` of their `spec` is the list."""

    cluster: Cluster
    namespace: str
    kind: str
    field: str

    def of(self, one: Object) -> list[Object]:
        """The list of an object, empty where it has none."""
        return one["spec"].get(self.field) or []

    def all(self) -> list[Object]:
        """Every one that there is."""
        return self.cluster.list(self.kind, self.namespace)

    def find(self, name: str) -> Object | None:
        """One of them, as it can be written again; None where it is not there."""
        found = self.cluster.find(self.kind, name, self.namespace)
        return None if found is None else {**found, "kind": self.kind, "apiVersion": KINDS[self.kind].api}

    def present(self, names: Iterable[str]) -> Iterator[Object]:
        """Those of these names that are there."""
        for name in names:
            if (found := self.find(name)) is not None:
                yield found

    def write(self, one: Object, wanted: list[Object]) -> None:
        """Have an object hold another list; it must not have been changed since it was read (ApiError 409)."""
        if wanted != one["spec"].get(self.field):
            self.cluster.replace({**one, "spec": {**one["spec"], self.field: wanted}}, self.namespace)

    def put_back(self, names: Iterable[str], original: Callable[[Object], list[Object]]) -> str:
        """Write to each what it held before, by what it holds now; says so.

        Raises:
            ClusterError: the cluster does not answer, or refuses it.
        """
        names = sorted(names)
        for name in names:
            while (one := self.find(name)) is not None:
                try:
                    self.write(one, original(one))
                    break
                except ApiError as error:
                    if error.code != 409:
                        raise
        return f"put {self.kind} {', '.join(names)} back as it was"
