"""The cluster in the background: `muster up` and `muster down`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from muster.base.clock import now
from muster.base.errors import MusterError, UsageError
from muster.base.files import write_atomically
from muster.base.process import processes_of_run, run_id, wait_gone
from muster.drill import ManagedSystem
from muster.kube import EmbeddedCluster, connect
from muster.system import SystemDefinition

STOP_WITHIN_S = 10.0
Say = Callable[[str], None]


def up(home: Path, system: SystemDefinition | None, say: Say) -> None:
    """Start a cluster that outlives this process, deploy the system to it, and write `home`/kubeconfig.

    Raises:
        UsageError: one is running already, or `home` cannot be written.
        ClusterError: it does not start.
    """
    if (home / "cluster.json").exists():
        raise UsageError(f"a cluster is up already ({home}/cluster.json); stop it with 'muster down'")
    try:
        home.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"directory {home} cannot be had: {error.strerror}") from error
    begun = now()
    state = Path(tempfile.mkdtemp(prefix="muster-up-")) / "state"
    images = state.parent / "images.yaml"
    images.write_text(yaml.safe_dump(system.image_table() if system else {}))
    cluster = EmbeddedCluster.start(images=images, state=state, detached=True)
    try:
        note = {"pid": cluster.pid, "run": run_id(), "directory": str(state.parent)}
        write_atomically(home / "cluster.json", json.dumps(note))
        content = yaml.safe_load(cluster.kubeconfig.read_text())
        if system:
            content["contexts"][0]["context"]["namespace"] = system.namespace
        write_atomically(home / "kubeconfig", yaml.safe_dump(content, sort_keys=False), mode=0o600)
        say(f"cluster up after {now() - begun:.1f} s: kubectl --kubeconfig {home}/kubeconfig get pods")
        if system:
            with connect(home / "kubeconfig", embedded=True) as connected:
                ManagedSystem(connected, system).prepare()
            say(f"system {system.name} ready after {now() - begun:.1f} s, in namespace {system.namespace}")
    except BaseException:
        down(home, lambda _text: None)
        raise


def down(home: Path, say: Say) -> None:
    """Stop the cluster that `up` started and every process of it; nothing to stop is no error.

    Raises:
        MusterError: a process does not go.
    """
    path = home / "cluster.json"
    if not path.exists():
        say("no cluster is up")
        return
    note: dict[str, Any] = json.loads(path.read_text())
    ours = processes_of_run(note["run"])
    if note["pid"] in ours:
        os.kill(note["pid"], signal.SIGTERM)
        wait_gone(note["pid"], within=STOP_WITHIN_S)
    # What is left had lost its lifeline, to kill -9 for one.
    for pid in processes_of_run(note["run"]):
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid, within=STOP_WITHIN_S)
    shutil.rmtree(note["directory"], ignore_errors=True)
    if left := processes_of_run(note["run"]):
        raise MusterError(f"processes {left} of the cluster do not end")
    (home / "kubeconfig").unlink(missing_ok=True)
    path.unlink()
    say(f"cluster stopped, {len(ours)} processes ended")


def kubeconfig(home: Path) -> Path:
    """The kubeconfig of the cluster that is up.

    Raises:
        UsageError: none is.
    """
    if not (home / "cluster.json").exists():
        raise UsageError("no cluster is up; start one with 'muster up', or name a real one with --kube-context")
    return home / "kubeconfig"
