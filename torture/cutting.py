"""`python -m torture.cutting MOMENT TOLD ARGUMENT ...`: a muster command that is killed at one of its writes.

It writes what each of its writes to the cluster, and each command it runs in a pod, is to the file TOLD. MOMENT is the
number of the one at which it is killed with SIGKILL, counted from 0, and `before` it is sent or `after` it was
answered, such as `3.after`; `never` kills it not at all.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from muster.cli.main import main
from muster.kube import Cluster
from muster.kube.changes import READS

ASKING = "/apis/authorization.k8s.io/"  # a question that is put by POST
RENEWAL = "PATCH leases/"  # comes by the clock, and is no step


class Cutting:
    """Stands before the calls of a client of the cluster, and ends the process at one of them."""

    def __init__(self, moment: str, told: Path) -> None:
        self._moment, self._told = moment, told
        self._made = 0

    def around(self, label: str, call: Callable[[], Any]) -> Any:
        if label.startswith(RENEWAL):
            return call()
        number, self._made = self._made, self._made + 1
        with self._told.open("a") as file:
            file.write(f"{label}\n")
        self._at(f"{number}.before")
        answer = call()
        self._at(f"{number}.after")
        return answer

    def _at(self, moment: str) -> None:
        if moment == self._moment:
            os.kill(os.getpid(), signal.SIGKILL)


def cut(moment: str, told: Path) -> None:
    """Have this process killed at that moment."""
    cutting = Cutting(moment, told)
    sends, executes = Cluster._send, Cluster.execute  # noqa: SLF001 - where all calls pass

    def send(self: Cluster, method: str, path: str, **more: Any) -> Any:
        if method in READS or path.startswith(ASKING):
            return sends(self, method, path, **more)
        return cutting.around(f"{method} {_object(path)}", lambda: sends(self, method, path, **more))

    def execute(self: Cluster, pod: str, namespace: str, command: Any, **more: Any) -> Any:
        label = f"EXEC {pod}: {' '.join(command)[:60]}".replace("\n", " ")
        return cutting.around(label, lambda: executes(self, pod, namespace, command, **more))

    Cluster._send, Cluster.execute = send, execute  # type: ignore[method-assign]  # noqa: SLF001


def _object(path: str) -> str:
    return "/".join(path.partition("?")[0].rstrip("/").split("/")[-2:])


if __name__ == "__main__":
    cut(sys.argv[1], Path(sys.argv[2]))
    sys.argv = ["muster", *sys.argv[3:]]
    main()
