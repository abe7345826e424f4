"""What every way of sharing traffic can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from muster.kube import Cluster

Object = dict[str, Any]
ALIKE = 0.005  # shares that differ by less are the same, as far as weights can say it


@dataclass(frozen=True)
class Shared:
    """What is shared: requests to `service` of a namespace, between its pods and those behind `beside`.

    `serving` is the Deployment that clients come in by, with `replicas` pods; `kept` is what the way noted when it was
    prepared, in order to go back, and writes through `keep` before it changes anything.
    """

    cluster: Cluster
    namespace: str
    release: str
    service: str
    port: int
    beside: str
    serving: str
    replicas: int
    kept: Mapping[str, Any] = field(default_factory=dict)


class Split(NamedTuple):
    """How traffic is shared now, as the objects tell: the new version's share, None where that is not the same
    everywhere; and the objects themselves, as they were read, which only who read them last can change. Where nothing
    leads to the new version its share is 0."""

    share: float | None
    objects: tuple[Object, ...]


def one_share(shares: Iterable[float]) -> float | None:
    """What several say alike; 0 where nobody says anything, None where they differ."""
    told = list(shares) or [0.0]
    return max(told) if max(told) - min(told) < ALIKE else None


class TrafficWay(Protocol):
    """A way of sharing traffic. Each function asks the cluster anew, and may raise a ClusterError."""

    name: str
    # Whether the Service itself leads to the new version's pods, so that they get traffic as soon as they are ready.
    by_pods: bool

    def possible(self, share: float, /) -> float:
        """The share that it makes of the one that is wanted."""

    def prepare(self) -> Mapping[str, Any]:
        """What it needs to know in order to go back; looks only."""

    def make(self) -> str:
        """Make what it shares traffic by, all of it to the old version as before; says in one line what that was.

        Raises:
            RefusedError: the cluster does not heed it.
        """

    def read(self) -> Split:
        """How it is shared now."""

    def write(self, share: float, split: Split, /) -> None:
        """Share it so, if nothing has changed since it was read (else ApiError 409)."""

    def lag(self) -> str:
        """What is missing until what was written is in force, one phrase; empty where nothing is."""

    def remove(self) -> str:
        """Undo what was made and changed, so that all goes to the Service as before; says in one line what that was."""
