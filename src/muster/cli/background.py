"""The cluster in the background: `muster up` and `muster down`."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from muster.base.clock import now
from muster.base.errors import MusterError, UsageError
from muster.base.files import write_atomically
from muster.base.process import processes_of_run, run_id, wait_gone
from muster.kube import EmbeddedCluster, connect, embedded_digests, embedded_images
from muster.safety.targets import forget_server
from muster.system import SystemDefinition

STOP_WITHIN_S = 10.0
Say = Callable[[str], None]


HOW_TO_MAP = """\
To map one of your own, name it in system.yaml (all but one part may be left out):
    images:
      shop:1.4: {python_path: [../shop], path: [bin], env: {LEVEL: debug}, command: [python3, -m, shop]}"""


def up(home: Path, system: SystemDefinition | None, say: Say, *, bare: bool = False, keep: bool = False) -> None:
    """Start a cluster that outlives this process, deploy the system to it, and write `home`/kubeconfig.

    A `bare` one has the system's images and nothing else. Where the system does not start, the last words of its pods
    are told; `keep` leaves the cluster up then.

    Raises:
        UsageError: one is running already, or `home` cannot be written.
        ClusterError: it does not start, or a pod of the system cannot.
        TimeoutExceededError: the system does not get ready.
    """
    with _alone(home):
        note = _note(home)
        if note and processes_of_run(note["run"]):
            raise UsageError(f"a cluster is up already ({home}/cluster.json); stop it with 'muster down'")
        if note:
            say("the cluster of an earlier 'muster up' is gone; its remains are cleared away")
            _clear(home, note)
        begun = now()
        _start_cluster(home, system, say)
        try:
            if system and not bare:
                _deploy(home, system, say)
                say(f"system {system.name} ready after {now() - begun:.1f} s, in namespace {system.namespace}")
        except BaseException as error:
            if keep and isinstance(error, MusterError):
                say("the cluster is left up; stop it with 'muster down'")
            else:
                say("stopping what was started")
                _take_down(home)
            raise


def _deploy(home: Path, system: SystemDefinition, say: Say) -> None:
    """Put the system onto the cluster; where that fails, say what its pods said."""
    from muster.drill import ManagedSystem

    with connect(home / "kubeconfig", embedded=True) as connected:
        managed = ManagedSystem(connected, system)
        try:
            managed.prepare()
        except MusterError:
            for line in managed.last_words():
                say(line)
            raise


def images(system: SystemDefinition | None, say: Say) -> None:
    """List what images there are, and say how to map one.

    Raises:
        ClusterError: the embedded cluster does not tell.
    """
    with tempfile.TemporaryDirectory(prefix="muster-images-") as directory:
        table = Path(directory) / "images.yaml"
        table.write_text(yaml.safe_dump(system.image_table() if system else {}))
        rows = embedded_images(table)
    width = max(len(name) for name, _ in rows)
    for name, stands_for in rows:
        say(f"{name:<{width}}  {stands_for}")
    say(HOW_TO_MAP)


def digests(names: Iterable[str], system: SystemDefinition) -> dict[str, str]:
    """What each of these images stands for on the embedded cluster, by content, as far as that can be told.

    Raises:
        ClusterError: the embedded cluster does not tell.
    """
    with tempfile.TemporaryDirectory(prefix="muster-images-") as directory:
        table = Path(directory) / "images.yaml"
        table.write_text(yaml.safe_dump(system.image_table()))
        return embedded_digests(names, table)


def _start_cluster(home: Path, system: SystemDefinition | None, say: Say) -> None:
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
    except BaseException:
        say("stopping what was started")
        _stop({"pid": cluster.pid, "run": run_id()})
        _clear(home, {"directory": str(state.parent)})
        raise


def down(home: Path, say: Say) -> None:
    """Stop the cluster that `up` started and every process of it; nothing to stop is no error.

    Raises:
        MusterError: a process does not go.
    """
    with _alone(home):
        note = _note(home)
        if note is None:
            say("no cluster is up")
            return
        ended = _take_down(home)
    say(f"cluster stopped, {ended} processes ended")


def _take_down(home: Path) -> int:
    """Stop the cluster that is up; how many processes ended."""
    note = _note(home)
    assert note is not None
    ended = _stop(note)
    _clear(home, note)
    return ended


def _stop(note: dict[str, Any]) -> int:
    """End every process of a run and return how many there were.

    Raises:
        MusterError: a process does not go.
    """
    ours = processes_of_run(note["run"])
    if note["pid"] in ours:
        os.kill(note["pid"], signal.SIGTERM)
        wait_gone(note["pid"], within=STOP_WITHIN_S)
    # What is left had lost its lifeline, to kill -9 for one.
    for pid in processes_of_run(note["run"]):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_gone(pid, within=STOP_WITHIN_S)
    if left := processes_of_run(note["run"]):
        raise MusterError(f"processes {left} of the cluster do not end")
    return len(ours)


def _clear(home: Path, note: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # it may have died before it had one
        for cluster in yaml.safe_load((home / "kubeconfig").read_text())["clusters"]:
            forget_server(home, cluster["cluster"]["server"])
    shutil.rmtree(note["directory"], ignore_errors=True)
    for name in ("kubeconfig", "cluster.json"):
        (home / name).unlink(missing_ok=True)


def _note(home: Path) -> dict[str, Any] | None:
    """What `up` noted of the cluster that it started, or None."""
    try:
        note: dict[str, Any] = json.loads((home / "cluster.json").read_text())
    except FileNotFoundError:
        return None
    return note


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep a second `up` or `down` out while this one is at work.

    Raises:
        UsageError: one is at work, or `home` cannot be had.
    """
    try:
        home.mkdir(exist_ok=True)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise UsageError(f"directory {home} cannot be had: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("another 'muster up' or 'muster down' is at work here; wait for its end") from None
        yield


def kubeconfig(home: Path) -> Path:
    """The kubeconfig of the cluster that is up.

    Raises:
        UsageError: none is.
    """
    note = _note(home)
    if note is None or not processes_of_run(note["run"]):
        raise UsageError("no cluster is up; start one with 'muster up', or name a real one with --kube-context")
    return home / "kubeconfig"
