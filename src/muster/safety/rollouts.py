"""A release that a fault brings out: how far it is, and how it is taken back.

What it changes is known to the release alone, and kept by it in the cluster (docs/releasing.md). So a fault's record
has its id, and where it may be in force still `python -m muster.release` is told to roll back that one and no other.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muster.base.clock import utc
from muster.base.errors import ClusterError
from muster.base.private import private_directory
from muster.base.process import NOTHING_LEFT
from muster.base.texts import one_line
from muster.base.timeline import TIMELINE_VARIABLE
from muster.kube import Cluster
from muster.wire.names import RELEASE_RECORD

WITHIN_S = 120.0
# A drill's timeline is told of what the release does, and not of what is done after it.
NOT_FOR_IT = {TIMELINE_VARIABLE}


class RolloutState:
    """How far the release of a namespace is, as its record tells."""

    def __init__(self, told: dict[str, Any]) -> None:
        """`told` is what the record holds."""
        self.id, self.state, self.phase = (str(told.get(key, "")) for key in ("id", "state", "phase"))
        self.why = one_line(str(told.get("why", "")))
        self.is_over = bool(told.get("ended"))


def releasing_command(kubeconfig: Path, system: Path, *, embedded: bool) -> list[str]:
    """The command that looks after a release in a process of its own; what it is to do is added.

    Told to take back a release that is not under way, it ends with `muster.base.process.NOTHING_LEFT`.
    """
    command = [sys.executable, "-m", "muster.release", "--kubeconfig", str(kubeconfig), "--system", str(system)]
    return [*command, "--embedded"] if embedded else command


def rolling_back(why: str, rollout_id: str) -> list[str]:
    """Added to `releasing_command`: this release is rolled back, and no other."""
    return ["--rollback", why, "--only", rollout_id]


def new_rollout_id() -> str:
    """The id of a release that is about to begin."""
    return f"{utc().strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def find_rollout(cluster: Cluster, namespace: str) -> RolloutState | None:
    """The release of a namespace, the last one where it has ended; None where there was none.

    Raises:
        ClusterError: the cluster cannot be asked, or what it tells cannot be understood.
    """
    found = cluster.find("ConfigMap", RELEASE_RECORD, namespace)
    if found is None:
        return None
    try:
        return RolloutState(dict(json.loads(found["data"]["release.json"])))
    except (KeyError, TypeError, ValueError) as error:
        raise ClusterError(f"the record of the release, ConfigMap {RELEASE_RECORD}, cannot be understood") from error


@dataclass(frozen=True)
class Rollout:
    """A release, by its id and as a person named it; `system` is the path of its system.yaml on the machine `host`."""

    id: str
    release: str
    system: str
    host: str

    @classmethod
    def of_here(cls, release: str, system: Path) -> Rollout:
        """One that this machine is about to begin."""
        return cls(new_rollout_id(), release, str(system.absolute()), socket.gethostname())

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Rollout:
        return cls(**{key: str(content[key]) for key in ("id", "release", "system", "host")})

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    def __str__(self) -> str:
        return f"release {Path(self.release).name} ({self.id})"

    def taken_back(self, cluster: Cluster, namespace: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Roll it back, if it is under way still: what was undone, and what was left, a sentence each.

        Raises:
            ClusterError: it is under way still, and cannot be rolled back from here, or could not; it says how.
        """
        found = find_rollout(cluster, namespace)
        if found is None or found.id != self.id:
            return (), (f"{self}: left, it is not under way",)
        if found.is_over:
            return (), (f"{self}: left, it is {found.state}",)
        if self.host != socket.gethostname() or not Path(self.system).is_file():
            raise ClusterError(f"{self} is under way still, {found.state} at phase {found.phase}; {_by_hand(cluster)}")
        return self._rolled_back(cluster, namespace)

    def _rolled_back(self, cluster: Cluster, namespace: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        kept = {key: value for key, value in os.environ.items() if key not in NOT_FOR_IT}
        with private_directory() as private:
            kubeconfig = cluster.write_kubeconfig(private / "kubeconfig")
            command = releasing_command(kubeconfig, Path(self.system), embedded=cluster.embedded)
            command += rolling_back("what brought it out was undone", self.id)
            try:
                done = subprocess.run(
                    command,
                    env=kept,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=WITHIN_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise ClusterError(f"{self} was not rolled back within {WITHIN_S:g} s; {_by_hand(cluster)}") from None
        if done.returncode == NOTHING_LEFT:
            return (), (f"{self}: left, it has ended",)
        found = find_rollout(cluster, namespace)
        if found is not None and found.id == self.id and not found.is_over:
            said = one_line((done.stderr.strip().splitlines() or ["it does not say why"])[-1])
            raise ClusterError(f"{self} was not rolled back ({said}); {_by_hand(cluster)}")
        return (f"{self}: rolled back",), ()


def _by_hand(cluster: Cluster) -> str:
    where = "" if cluster.embedded else f" --kube-context {cluster.context}"
    return f"by hand, in the project: muster rollback -f -r 'a drill was cut'{where}"
