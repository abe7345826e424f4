"""`muster guard`: a guardian that sees only the API takes back what nobody answers for any more."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.safety.recorded import on_record

from muster.base.waiting import wait_for
from muster.guardian.post import who_guards
from muster.kube import Cluster
from muster.safety import Entry, find_record
from muster.safety.locks import DrillLock, find_tenure

RATE = Entry("ConfigMap", "settings", ("data", "rate"), "100", "fast")


def strike(cluster: Cluster, namespace: str, *, deadline: str = "") -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"rate": "fast"}}
    cluster.create(item, namespace)
    on_record(cluster, namespace, RATE, deadline=deadline)


def rate(cluster: Cluster, namespace: str) -> str:
    return str(cluster.get("ConfigMap", "settings", namespace)["data"]["rate"])


@contextmanager
def guarding(cluster: Cluster, namespace: str, directory: Path, home: str = "") -> Iterator[Path]:
    """`muster guard` over a namespace, in which it says that it is there unless it is told another, which there is not;
    the file that it writes to."""
    out = directory / "guard.out"
    where = ["--kube-context", cluster.context, "--namespace", namespace, "--home", home or namespace]
    with out.open("wb") as file:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("muster")), "guard", *where],
            cwd=directory,
            env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        if not home:
            wait_for(lambda: who_guards(cluster, namespace), within=60, reason="the guardian to be there")
        yield out
    finally:
        process.terminate()
        assert process.wait(30) == 0, out.read_text()
    assert not who_guards(cluster, namespace), "it has said that it is there no more"


def test_the_fault_of_a_drill_that_gives_no_sign_is_taken_back(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    strike(cluster, namespace)
    lock = DrillLock(cluster, namespace, "drill flood (sam on laptop)", run="run-1")
    with guarding(cluster, namespace, tmp_path) as out:
        with lock:
            seen = find_tenure(cluster, namespace)
            assert seen is not None
            wait_for(
                lambda: (now := find_tenure(cluster, namespace)) and now.renewed > seen.renewed,
                within=60,
                reason="the drill to give a sign",
            )
            assert rate(cluster, namespace) == "fast", "whoever renews the Lease is at work"
            lock._renewing.stop()  # the laptop is closed
            wait_for(lambda: find_record(cluster, namespace, "flood") is None, within=60, reason="it to be undone")
        assert rate(cluster, namespace) == "100"
        assert find_tenure(cluster, namespace) is None
        wait_for(lambda: "put back" in out.read_text(), within=30, reason="the guardian to say so")
    said = out.read_text()
    assert f"{namespace}: drill flood (sam on laptop) has given no sign for 5 s; undoing it" in said
    assert f"{namespace}: ConfigMap settings data.rate: 'fast' put back to '100'" in said


def test_a_fault_that_has_lasted_as_long_as_it_may_is_taken_back_at_once(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    strike(cluster, namespace, deadline="2026-01-02T03:05:00Z")
    with DrillLock(cluster, namespace, "drill", run="run-1") as lock, guarding(cluster, namespace, tmp_path) as out:
        wait_for(lambda: find_record(cluster, namespace, "flood") is None, within=60, reason="it to be undone")
        wait_for(lambda: lock.lost, within=60, reason="the drill to learn of it")
        assert "fault 'flood' has lasted as long as it may, until 2026-01-02T03:05:00Z" in out.read_text()
    assert rate(cluster, namespace) == "100"


def test_it_takes_faults_back_where_it_cannot_say_that_it_is_there(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    strike(cluster, namespace, deadline="2026-01-02T03:05:00Z")
    with guarding(cluster, namespace, tmp_path, home="nowhere") as out:
        wait_for(lambda: find_record(cluster, namespace, "flood") is None, within=60, reason="it to be undone")
        assert 'namespaces "nowhere" not found' in out.read_text()
    assert rate(cluster, namespace) == "100"
