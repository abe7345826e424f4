"""What is said of an effect, and who looks for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.system import SystemDefinition


class Strict(BaseModel):
    """What an effect is told. What is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Observation(NamedTuple):
    """Whether an effect is there, and what shows it, in one line for people."""

    observed: bool
    evidence: str


class Observer(Protocol):
    """Looks for one effect. Made before the strike, so that it knows what was there."""

    def look(self) -> Observation:
        """What is to be seen now.

        Raises:
            ClusterError: it cannot be told at the moment.
        """


@dataclass(frozen=True)
class Scene:
    """Where effects are looked for: `url` is where clients reach the service, `system` what its system.yaml says."""

    cluster: Cluster
    namespace: str
    url: str
    system: SystemDefinition | None = None


def refuse_if_there(observer: Observer) -> None:
    """Make sure that what is seen after the strike was not there before.

    Raises:
        RefusedError: it is there already.
        ClusterError: it cannot be told.
    """
    already = observer.look()
    if already.observed:
        raise RefusedError(f"refused: {already.evidence}, before anything was injected")
