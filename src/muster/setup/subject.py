"""What is set up: a project, its system, a cluster, a store, an environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from muster.base.errors import MusterError
from muster.kube import Cluster
from muster.notices import Post
from muster.system import SystemDefinition


@dataclass
class Subject:
    """A project's `root`, the `system` that it has (None where it has none, or `wrong` says why it cannot be read), how
    its cluster is reached, the `store` (an address as `MUSTER_HISTORY` has it), and the environment, which names what
    is secret.

    With `acting` false nothing is written or sent.
    """

    root: Path
    system: SystemDefinition | None
    wrong: str
    connect: Callable[[], Cluster]
    store: str
    environment: Mapping[str, str]
    acting: bool = True
    send_test: bool = False

    @cached_property
    def post(self) -> Post:
        """How notices leave."""
        return Post.of(self.system, self.root, self.environment)

    @cached_property
    def reached(self) -> Cluster | str:
        """The cluster, or why there is none; closed by whoever set up."""
        try:
            return self.connect()
        except MusterError as error:
            return str(error)

    def close(self) -> None:
        if isinstance(cluster := self.__dict__.get("reached"), Cluster):
            cluster.close()
