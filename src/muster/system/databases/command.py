"""Any database, by commands of the operator's own."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from muster.base.command import run_command, words_of
from muster.base.errors import ClusterError, RefusedError, TimeoutExceededError
from muster.kube import Cluster
from muster.system.databases.declared import CommandDatabase
from muster.system.databases.instances import Instance

PLACE = "{instance}"
ROLES, STATES = ("primary", "standby"), ("well", "ill")


class ByCommand:
    """A database that commands tell of; they run in a directory and find KUBECONFIG and MUSTER_NAMESPACE."""

    def __init__(self, cluster: Cluster, namespace: str, declared: CommandDatabase, directory: Path) -> None:
        self._cluster, self._namespace, self._declared, self._directory = cluster, namespace, declared, directory
        self.changes: Sequence[str] = declared.changes

    def instances(self) -> list[Instance]:
        """As the command `instances` writes them, a line each."""
        lines: list[str] = []
        command = words_of(self._declared.instances)
        status, last = self._run(command, self._declared.limit_s, lines)
        if status:
            raise ClusterError(f"'{shlex.join(command)}' ended with {status}{f': {last}' if last else ''}")
        return [self._instance(command, line) for line in lines if line.strip()]

    def promote(self, instance: str) -> str:
        """Run the command `promote` to its end."""
        if self._declared.promote is None:
            raise RefusedError("the database of system.yaml says no 'promote', so it promotes nothing")
        command = [word.replace(PLACE, instance) for word in words_of(self._declared.promote)]
        status, last = self._run(command, self._declared.promote_within_s, [])
        if status:
            raise RefusedError(f"'{shlex.join(command)}' ended with {status}{f': {last}' if last else ''}")
        return f"'{shlex.join(command)}' ended with 0{f': {last}' if last else ''}"

    def _run(self, command: list[str], within_s: float, lines: list[str]) -> tuple[int, str]:
        environment = {"KUBECONFIG": str(self._cluster.kubeconfig), "MUSTER_NAMESPACE": self._namespace}
        try:
            return run_command(
                command, directory=self._directory, environment=environment, within_s=within_s, told=lines.append
            )
        except TimeoutExceededError as error:
            raise ClusterError(str(error)) from error

    def _instance(self, command: list[str], line: str) -> Instance:
        words = line.split()
        if len(words) in {3, 4} and words[1] in ROLES and words[2] in STATES:
            try:
                lag = float(words[3]) if len(words) == 4 else None
            except ValueError:
                lag = float("nan")
            if lag is None or lag >= 0:
                return Instance(
                    name=words[0],
                    primary=words[1] == "primary",
                    well=words[2] == "well",
                    state=words[2],
                    lag=None if lag is None else f"{lag:g} s",
                    behind=lag or 0.0,
                    late=lag is not None and lag > self._declared.max_replication_lag_s,
                )
        raise ClusterError(
            f"'{shlex.join(command)}' wrote {line!r}; right would be NAME, primary or standby, well or ill, and "
            "seconds behind where that is known"
        )
