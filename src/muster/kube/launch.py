"""Starting and stopping the embedded cluster, a program of its own (`python -m muster.embedded`)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from muster.base.errors import ClusterError, MusterError, UsageError
from muster.base.process import Child, run_id
from muster.base.waiting import wait_for


class EmbeddedCluster:
    """An embedded cluster below a lifeline. Leaving it as a context manager ends it and removes its state."""

    def __init__(self, child: Child, state: Path, output: IO[bytes]) -> None:
        self._child = child
        self._output = output
        self.state = state
        self.kubeconfig = state / "kubeconfig"

    @classmethod
    def start(
        cls,
        *,
        images: Path | None = None,
        state: Path | None = None,
        log: Path | None = None,
        audit: Path | None = None,
        detached: bool = False,
        within: float = 15.0,
    ) -> Self:
        """Start a cluster and wait until it serves.

        `images` is a table of image names (docs/embedded-cluster.md); `state` a directory for its state, a temporary
        one by default; `log` receives what the cluster says; `audit` an audit event of Kubernetes for each request
        (`read_calls` reads it); a `detached` cluster outlives this process.

        Raises:
            UsageError: the state directory cannot be had.
            ClusterError: it did not come up within so many seconds; the message quotes what it said.
        """
        directory = _state_directory(state)
        command = [sys.executable, "-m", "muster.embedded", "--state", str(directory), "--run-id", run_id()]
        command += ["--images", str(images)] if images else []
        command += ["--audit", str(audit.absolute())] if audit else []
        output: IO[bytes] = log.open("w+b") if log else tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        child = Child(
            command,
            remove=[directory],
            stdout=output.fileno(),
            stderr=subprocess.STDOUT,
            detached=detached,
            grace=4.0,
            cwd=directory,
        )
        cluster = cls(child, directory, output)
        try:
            wait_for(cluster._serves, within=within, every=0.01, reason="the embedded cluster to serve")
        except MusterError as error:
            said = cluster.said()
            cluster.stop()
            raise ClusterError(f"the embedded cluster did not start: {said or error}") from error
        return cluster

    def said(self) -> str:
        """The last line that the cluster printed."""
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    @property
    def pid(self) -> int:
        """The process id of the lifeline that guards the cluster; SIGTERM to it ends everything."""
        return self._child.pid

    def stop(self) -> None:
        """End the cluster with all its pods and remove its state. May be called again."""
        self._child.stop()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serves(self) -> bool:
        status = self._child.poll()
        if status is not None:
            raise ClusterError(f"the embedded cluster ended with status {status}")
        return self.kubeconfig.exists()


def embedded_images(table: Path | None) -> list[tuple[str, str]]:
    """The images that the embedded cluster has: (name, what stands for it on this machine, or what is missing).

    `table` names further ones (docs/embedded-cluster.md).

    Raises:
        ClusterError: the embedded cluster does not tell; the message quotes what it said.
    """
    return _told_of_images(table, "--list-images")


def embedded_digests(names: Iterable[str], table: Path | None) -> dict[str, str]:
    """The digest of what each of these images stands for on this machine now, as the embedded cluster's pods tell it in
    their `imageID`; what is no image there, or too large to be told, is left out.

    Raises:
        ClusterError: the embedded cluster does not tell; the message quotes what it said.
    """
    rows = _told_of_images(table, *(f"--digest-of={name}" for name in sorted({*names})))
    return {name: digest for name, digest in rows if digest}


def _told_of_images(table: Path | None, *questions: str) -> list[tuple[str, str]]:
    if not questions:
        return []
    command = [sys.executable, "-m", "muster.embedded", *questions, *(["--images", str(table)] if table else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"the embedded cluster does not tell its images: {done.stderr.strip()}")
    rows = (line.partition("\t") for line in done.stdout.splitlines())
    return [(name, said) for name, _, said in rows]


def _state_directory(state: Path | None) -> Path:
    try:
        if state is None:
            return Path(tempfile.mkdtemp(prefix="muster-"))
        state.mkdir(parents=True, exist_ok=False)
    except FileExistsError:
        raise UsageError(f"directory {state} is in use already; stop that cluster with 'muster down'") from None
    except OSError as error:
        where = state or Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108
        raise UsageError(f"directory {where} cannot be had for the cluster's state: {error.strerror}") from error
    return state.absolute()
