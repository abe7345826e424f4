"""Two sessions started at once on one system: one drills, the other is refused before it has done anything."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rbac.stage import ROOT, Stage

from muster.base.clock import now
from muster.base.timeline import Event, read_timeline
from muster.base.waiting import wait_for
from muster.kube import Call, EmbeddedCluster, connect, read_calls
from muster.system import read_system
from muster.system.pods import is_ready
from torture.reading import Reader
from torture.results import Trial

ENDS_WITHIN_S = 120.0
DRILL = '''
import time

import pytest


@pytest.mark.drill(severity="P4", fault="note")
def test_note(inject):
    """A note is there for a while."""
    with inject() as fault:
        fault.wait_landed(seconds=30)
        time.sleep({held_s})
'''
HELD_S = 3.0  # for so long the one is at work while the other begins
REFUSED = ("is at work in namespace", "is still in force in namespace")


@dataclass(frozen=True)
class Pair:
    """A trial: the second session starts so many seconds after the first."""

    number: int
    apart_s: float

    def __str__(self) -> str:
        return f"two sessions, {self.apart_s * 1000:.0f} ms apart"


@dataclass(frozen=True)
class Ran:
    """A session that ran to its end: what it printed, its drill's timeline, the calls of its account."""

    name: str
    output: str
    events: Sequence[Event]
    calls: Sequence[Call]

    @property
    def struck(self) -> bool:
        return any(event["kind"] == "fault.sent" for event in self.events)

    @property
    def at_work(self) -> tuple[float, float] | None:
        """From its first act on the system to the last, by its timeline; None where it did not act."""
        times = [e["t"] for e in self.events if e["kind"] in {"fault.sent", "load", "fault.undone"}]
        return (min(times), max(times)) if times else None

    @property
    def why(self) -> str:
        """Why it did not run, in its own words."""
        said = [str(event["outcome"]) for event in self.events if event["kind"] == "ended"]
        return f"{' '.join(said)} {self.output}"


def draw(count: int, seed: int) -> list[Pair]:
    """Trials with the sessions at once, or a moment apart."""
    chance = random.Random(seed)
    return [Pair(number, round(chance.choice((0.0, chance.uniform(0, 1.0))), 3)) for number in range(count)]


def troubles(one: Ran, other: Ran) -> list[str]:
    """What is wrong with how two sessions met, a sentence each. Pure."""
    struck = [ran for ran in (one, other) if ran.struck]
    if len(struck) != 1:
        return [f"{len(struck)} of the two sessions struck, want 1: {one.why[-300:]} | {other.why[-300:]}"]
    (refused,) = [ran for ran in (one, other) if not ran.struck]
    found = []
    if not any(said in refused.why for said in REFUSED) or struck[0].name not in refused.why:
        found.append(f"the refused session does not name who holds the system: {refused.why[-400:]}")
    if "since 20" not in refused.why and " of 20" not in refused.why:
        found.append(f"the refused session does not say since when: {refused.why[-400:]}")
    if began := [event["kind"] for event in refused.events if event["kind"] in {"load", "prober", "fault.sent"}]:
        found.append(f"the refused session had begun: {', '.join(began)}")
    wrote = [call for call in refused.calls if call.writes and call.resource != "leases"]
    found += [f"the refused session wrote: {call.verb} {call.resource} {call.name} ({call.code})" for call in wrote]
    return found


class Meeting:
    """A small system, and sessions that meet there."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.reader = Reader(stage.cluster.kubeconfig, stage.namespace)
        self.configs = {name: stage.admit(name) for name in ("left", "right")}

    def trial(self, case: Pair, keep: Path) -> Trial:
        began = now()
        calls = len(read_calls(self.stage.log))
        before = self.reader.objects()
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(self._session("left"))
            with contextlib.suppress(subprocess.TimeoutExpired):
                first.wait(case.apart_s)
            second = stack.enter_context(self._session("right"))
            for process in (first, second):
                process.wait(ENDS_WITHIN_S)
            one, other = (self._ran(name, calls) for name in self.configs)
        found = troubles(one, other)
        found += [f"on record still: {record['experiment']}" for record in self.reader.faults()]
        found += ["the Lease is held still"] if self.reader.lease() else []
        found += ["the system is not as before"] if self.reader.objects() != before else []
        kept = ""
        if found:
            shutil.rmtree(keep, ignore_errors=True)
            for name in self.configs:
                shutil.copytree(self.stage.project / f"reports-{name}", keep / name, symlinks=True, dirs_exist_ok=True)
            kept = str(keep)
        return Trial("pairs", case.number, str(case), tuple(found), took_s=round(now() - began, 1), kept=kept)

    @contextmanager
    def _session(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        reports = self.stage.project / f"reports-{name}"
        shutil.rmtree(reports, ignore_errors=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        command += ["drills", "--kube-context", name, "--history", "none", "--reports", str(reports)]
        environment = self.stage.environment(self.configs[name]) | {"USER": name, "LOGNAME": name}
        with (self.stage.project / f".output-{name}").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=self.stage.project, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _ran(self, name: str, since: int) -> Ran:
        timelines = (self.stage.project / f"reports-{name}").glob("*-*/note.jsonl")
        events = [event for path in timelines for event in read_timeline(path)]
        user = f"system:serviceaccount:{self.stage.namespace}:{name}"
        calls = [call for call in read_calls(self.stage.log)[since:] if call.user == user]
        return Ran(name, (self.stage.project / f".output-{name}").read_text(errors="replace"), events, calls)


@contextmanager
def meeting() -> Iterator[Meeting]:
    """The place where sessions meet; it goes when the block ends."""
    with small_stage() as stage:
        yield Meeting(stage)


@contextmanager
def small_stage() -> Iterator[Stage]:
    """A project with one drill, on a system of a Deployment that does nothing."""
    with tempfile.TemporaryDirectory(prefix="muster-torture-") as scratch:
        project, log = Path(scratch) / "project", Path(scratch) / "audit.jsonl"
        namespace = f"small-{secrets.token_hex(4)}"
        for path, text in _files(namespace).items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(text)
        system = read_system(project / "systems/shop/system.yaml")
        with EmbeddedCluster.start(audit=log) as embedded, connect(embedded.kubeconfig, embedded=True) as cluster:
            metadata = {"name": namespace, "labels": {"muster.dev/drills": "allowed"}}
            cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            cluster.create(_deployment(), namespace)
            wait_for(
                lambda: any(map(is_ready, cluster.list("Pod", namespace))), within=60, reason="the system to be ready"
            )
            yield Stage(project, cluster, system, log, backups={})


def _files(namespace: str) -> dict[str, str]:
    content = yaml.safe_load((ROOT / "systems/enhancer/system.yaml").read_text())
    kept = {key: content[key] for key in ("schema", "read", "ledger")}
    service = {"name": "api", "port": 8080, "url": "http://127.0.0.1:9"}
    system = {**kept, "name": "small", "namespace": namespace, "service": service}
    experiment = yaml.safe_load((ROOT / "experiments/config-wrong.yaml").read_text())
    path = "metadata.annotations.note"
    note = {"kind": "Deployment", "name": "api", "path": path, "after": "struck"}
    provider = {"type": "python", "module": "muster.faults.activities", "func": "patch_field", "arguments": note}
    experiment["method"][0] = {"type": "action", "name": "leave a note", "provider": provider}
    effect = {"kind": "field", "object": "Deployment/api", "path": path, "equals": "struck"}
    experiment["extensions"][0] |= {"experiment": "note", "effect": effect}
    return {
        "pytest.ini": "[pytest]\n",
        "drills/test_note.py": DRILL.format(held_s=HELD_S),
        "experiments/note.yaml": yaml.safe_dump(experiment),
        "systems/shop/system.yaml": yaml.safe_dump(system),
        "systems/shop/manifests/api.yaml": yaml.safe_dump(_deployment()),
    }


def _deployment() -> dict[str, Any]:
    container = {"name": "api", "image": "python:3.11-slim", "command": ["sleep", "100000"]}
    labels = {"app": "api"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "api", "annotations": {"note": "whole"}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
