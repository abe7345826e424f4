"""What the parts of a node expect of each other: a container of its pod, a prober of its container."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Protocol

from muster.embedded.node.isolation import Surroundings
from muster.embedded.node.launcher import Command, Running, Supervisor
from muster.embedded.node.probes import Target
from muster.embedded.node.state import ContainerState
from muster.embedded.objects import Key, Object


class Pod(Protocol):
    """The pod that a container belongs to."""

    key: Key
    uid: str
    spec: Object
    address: str
    directory: Path
    supervisor: Supervisor

    @property
    def grace(self) -> float:
        """Seconds that the manifest grants the pod's programs to end."""

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work` beside the pod."""

    def publish(self) -> None:
        """Write the pod's status."""

    def program_ended(self) -> None:
        """A container's program has ended, and listens no more."""

    def record(self, reason: str, message: str, field: str) -> None:
        """An event about the part `field` of the pod."""

    def warn(self, reason: str, message: str, field: str) -> None:
        """An event about something that went wrong with the part `field` of the pod."""

    def command_of(self, container: Object) -> Command:
        """What is to be started for a container. Raises what says that it cannot be told (yet)."""

    async def digest_of(self, container: Object) -> str | None:
        """The digest of what a container's image stands for now; None where it cannot be told."""

    async def start_program(self, container: Object, command: Command, log_path: Path) -> tuple[Running, Surroundings]:
        """Start a container's program. Raises `StartError`."""

    async def sources_changed(self, within: float, stop: asyncio.Event) -> None:
        """Wait until something that containers are made of has changed, or `within` seconds, or until `stop`."""


class Probed(Protocol):
    """The container that a prober looks at."""

    state: ContainerState

    def target(self) -> Target:
        """Where probes and hooks look."""

    def changed(self) -> None:
        """The container's state is another."""

    def unhealthy(self, kind: str, why: str) -> None:
        """A probe failed."""

    def give_up(self, kind: str, grace: float | None) -> None:
        """A startup or liveness probe failed for good; `grace` in seconds, None for the pod's own."""

    def warn(self, reason: str, message: str) -> None:
        """An event about something that went wrong."""
