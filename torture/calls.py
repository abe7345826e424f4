"""The API fails at one call of an injection or its undoing, and then is back: nothing is left.

Experiments are run by hand, on a stand-in of the reference system whose pods do next to nothing, so that a trial takes
seconds: the same experiments make the same calls. What the experiment's process does not undo, `muster undo` does.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rbac.stage import ROOT

from muster.base.clock import now
from muster.base.errors import MusterError
from muster.base.process import INJECTION_VARIABLE
from muster.base.waiting import wait_for
from muster.faults.experiments import find_experiment
from muster.kube import Cluster, EmbeddedCluster, connect
from muster.kube.client import JSON_PATCH
from muster.system import SystemDefinition, read_system
from muster.system.pods import is_ready
from torture import striking
from torture.killing import stopped_below
from torture.proxy import WAYS, Plan, Proxy
from torture.reading import KINDS, Reader, changed
from torture.results import Trial

EXPERIMENTS = (
    *("agent-failure", "agents-orphaned", "config-broken", "config-wrong", "db-failure", "full-outage", "high-load"),
    *("pod-crash", "service-hangs", "workflows-stuck"),
)
# What a release asks of the API is torn by `torture.releases`; on the stand-in there is none to bring out.
NOT_CALLED = {"release-unseen"}
FILE = Path(__file__).with_name("calls.json")
REPLICAS = {"api": 3, "agents": 4, "db-a": 1, "db-b": 1}
TOLD_AFTER_S, KILLED_AFTER_S = 4.0, 3.0  # a drill that gets no further tells the experiment to end, then kills it
ENDS_WITHIN_S = 60.0
MUSTER = Path(sys.executable).with_name("muster")
NAMESPACE = "enhancer"
# An API that will not start with a rate that is no number, that lives on when it is told to hang, and that says that
# workflows are stuck a second after it was first asked since phases take ten minutes.
ANSWERS = """
import http.server, json, os, pathlib, signal, time
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.signal(signal.SIGUSR2, lambda *_: None)
float(os.environ.get("ENHANCER_ADMISSION_RATE") or 0)
asked = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = pathlib.Path("/etc/enhancer/settings.yaml")
        if path.exists() and ": 600" in path.read_text():
            asked.append(time.monotonic())
        else:
            asked.clear()
        stuck = 100 if asked and time.monotonic() > asked[0] + 1 else 0
        body = json.dumps({"workflows_stuck": stuck, "refused_per_s": 0, "settings_version": "1"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer((os.environ["POD_IP"], 8080), Handler).serve_forever()
"""
TEMPORARY = "/tmp"  # noqa: S108 - of the pod
SERVER = 'echo 1 > "$PGDATA/postmaster.pid"; sleep 100000 & sleep 100000 & trap "exit 0" TERM; wait'


@dataclass(frozen=True)
class Case:
    """A trial: the call of number `call`, counted from 0, of an experiment fails in a way."""

    number: int
    experiment: str
    call: int
    way: str

    def __str__(self) -> str:
        return f"{self.experiment}, call {self.call + 1}: {self.way}"


def draw(experiments: Sequence[str], count: int | None, seed: int) -> list[Case]:
    """Every call that experiments made when they were last rehearsed, each in every way; of them `count`, where it is
    given. All calls come in one way before one comes in a second. A watch alone is silent."""
    chance, turns = random.Random(seed), list[list[tuple[str, int, str]]]()
    for name, calls in read_calls().items():
        for number, asked in enumerate(calls) if not experiments or name in experiments else ():
            ways = [way for way in WAYS if way != "silent" or "watch=" in asked]
            for turn, way in enumerate(chance.sample(ways, len(ways))):
                turns += [[]] * (turn == len(turns))
                turns[turn] = [*turns[turn], (name, number, way)]
    every = [one for turn in turns for one in chance.sample(turn, len(turn))]
    return [Case(number, *one) for number, one in enumerate(every)][:count]


def read_calls(path: Path = FILE) -> dict[str, list[str]]:
    """Which calls each experiment made when it was last rehearsed."""
    found: dict[str, list[str]] = json.loads(path.read_text())
    return found


def write_calls(calls: Mapping[str, list[str]], path: Path = FILE) -> None:
    """Write down which calls experiments made, beside those that are there."""
    known = read_calls(path) if path.exists() else {}
    path.write_text(json.dumps({**known, **calls}, indent=1, sort_keys=True) + "\n")


class StandIn:
    """A system of pods that do next to nothing, behind a proxy, and experiments that strike it."""

    def __init__(self, cluster: Cluster, proxy: Proxy, system: SystemDefinition, directory: Path) -> None:
        self.reader = Reader(cluster.kubeconfig, NAMESPACE)
        self._cluster, self._proxy, self._directory = cluster, proxy, directory
        self._environments = {
            name: dict(find_experiment(ROOT / "experiments", name, system).environment) for name in EXPERIMENTS
        }
        self._paths = {name: find_experiment(ROOT / "experiments", name, system).path for name in EXPERIMENTS}
        self._kubeconfig = directory / "kubeconfig"
        content = {
            "contexts": [{"name": "torture", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": proxy.url}}],
            "users": [{"name": "u", "user": {}}],
            "current-context": "torture",
        }
        self._kubeconfig.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **content}))
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload([*striking.PRELOADED])
        self._wanted = self.reader.objects()

    def rehearse(self, experiment: str) -> list[str]:
        """Run an experiment that nothing disturbs; which calls it made.

        Raises:
            MusterError: it did not go its whole way, or left something.
        """
        trial = self.trial(Case(0, experiment, 0, ""), self._directory / "kept")
        if not trial.held or "completed" not in (self._directory / "chaos.log").read_text():
            raise MusterError(f"{trial.line()}: {(self._directory / 'chaos.log').read_text()[-2000:]}")
        return list(self._asked)

    def trial(self, case: Case, keep: Path) -> Trial:
        began = now()
        self._make_whole()
        before, injection = self.reader.objects(), f"torture-{case.number}-{os.getpid()}"
        self._proxy.begin(Plan(case.way, case.call))
        found = list(self._strike(case, injection))
        reached = case.call < len(self._proxy.asked)
        self._asked = list(self._proxy.asked)
        self._proxy.begin(Plan())  # the API is back
        found += self._undo_by_hand()
        found += [f"on record still: {record['experiment']}" for record in self.reader.faults()]
        found += [f"not as before: {one}" for one in changed(before, self.reader.objects())]
        found += [f"a process is frozen: {name}" for name in stopped_below(os.getpid())]
        found += [f"a process is left: {pid}" for pid in _with(f"{INJECTION_VARIABLE}={injection}")]
        kept = ""
        if found:
            keep.mkdir(parents=True, exist_ok=True)
            for name in ("chaos.log", "journal.json"):
                with contextlib.suppress(OSError):
                    shutil.copy(self._directory / name, keep)
            (keep / "calls.txt").write_text("\n".join(self._asked))
            kept = str(keep)
        came, took_s = reached or not case.way, round(now() - began, 1)
        return Trial("api", case.number, str(case), tuple(found), took_s=took_s, came=came, kept=kept)

    def _strike(self, case: Case, injection: str) -> Iterator[str]:
        """Run the experiment to its end; one that gets no further is told to end as a drill would, then killed."""
        environment = {
            **self._environments[case.experiment],
            "KUBECONFIG": str(self._kubeconfig),
            "MUSTER_NAMESPACE": NAMESPACE,
            "MUSTER_HOLD_S": "0.1",
            INJECTION_VARIABLE: injection,
        }
        process = self._forks.Process(
            target=striking.strike, args=(self._paths[case.experiment], self._directory, environment)
        )
        process.start()
        process.join(TOLD_AFTER_S if case.way in {"hang", "silent"} else ENDS_WITHIN_S)
        if process.is_alive() and process.pid is not None:
            if case.way not in {"hang", "silent"}:
                yield f"the experiment had not ended after {ENDS_WITHIN_S:g} s"
            os.kill(process.pid, signal.SIGTERM)
            process.join(KILLED_AFTER_S)
            for pid in [process.pid, *_with(f"{INJECTION_VARIABLE}={injection}")]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        process.join(10)

    def _undo_by_hand(self) -> Iterator[str]:
        if not self.reader.faults():
            return
        done = subprocess.run(
            [str(MUSTER), "undo", "--kube-context", "torture", "--namespace", NAMESPACE],
            cwd=self._directory,
            env={**_plain_environment(), "KUBECONFIG": str(self._kubeconfig)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            yield f"muster undo ended with {done.returncode}: {done.stdout}{done.stderr}"

    def _make_whole(self) -> None:
        """Have all as it was made: what a trial has left is put back, and its Lease taken away."""
        for one in {change.object for change in changed(self._wanted, self.reader.objects())}:
            kind, _, name = one.partition("/")
            value = [{"op": "replace", "path": f"/{KINDS[kind][2]}", "value": self._wanted[one]}]
            self._cluster.patch(kind, name, NAMESPACE, value, content_type=JSON_PATCH)
        self._cluster.delete("Lease", "muster-drill", NAMESPACE)
        for record in self.reader.faults():
            self._cluster.delete("ConfigMap", f"muster-fault-{record['experiment']}", NAMESPACE)
        wait_for(self.is_whole, within=60, reason="the stand-in to be whole", every=0.05)

    def is_whole(self) -> bool:
        pods = self._cluster.list("Pod", NAMESPACE)
        leaving = any("deletionTimestamp" in pod["metadata"] for pod in pods)
        restarted = any(
            status.get("state", {}).get("waiting")
            for pod in pods
            for status in pod["status"].get("containerStatuses", [])
        )
        return not leaving and not restarted and len(pods) == sum(REPLICAS.values()) and all(map(is_ready, pods))


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """The place where the API fails; it goes when the block ends."""
    system = read_system(ROOT / "systems/enhancer")
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-torture-")))
        for name in ("experiments", "loadtests", "systems"):
            shutil.copytree(ROOT / name, scratch / name, ignore=shutil.ignore_patterns("__pycache__"))
        (scratch / "settings.yaml").write_text("{}\n")
        embedded = stack.enter_context(EmbeddedCluster.start())
        cluster = stack.enter_context(connect(embedded.kubeconfig, embedded=True))
        metadata = {"name": NAMESPACE, "labels": {"muster.dev/drills": "allowed"}}
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        for item in _objects():
            cluster.create(item, NAMESPACE)
        proxy = stack.enter_context(Proxy(cluster.access))
        found = StandIn(cluster, proxy, system, scratch)
        wait_for(found.is_whole, within=120, reason="the stand-in to be whole")
        yield found


def _objects() -> Iterator[dict[str, Any]]:
    settings = {"settings.yaml": "phase_duration_s: 0.005\nagent_expiry_s: 2.5\nhide_after_s: 0\n"}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "enhancer-settings"}, "data": settings}
    for name, labels in (("api", {"app": "api"}), ("db", {"app": "db", "instance": "db-a"})):
        spec = {"selector": labels, "ports": [{"port": 8080, "targetPort": 8080}]}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
    for name, container in (("api", "api"), ("agents", "worker")):
        yield _workload("Deployment", name, {"app": name}, container, ["python3", "-c", ANSWERS])
    for name in ("db-a", "db-b"):
        yield _workload("StatefulSet", name, {"app": "db", "instance": name}, "postgres", ["sh", "-c", SERVER])


def _workload(kind: str, name: str, labels: dict[str, str], container: str, command: list[str]) -> dict[str, Any]:
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    environment = [address, {"name": "PORT", "value": "8080"}, {"name": "PGDATA", "value": TEMPORARY}]
    made: dict[str, Any] = {"name": container, "image": "python:3.11-slim", "command": command, "env": environment}
    if container != "postgres":
        made["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    pod: dict[str, Any] = {"containers": [made], "terminationGracePeriodSeconds": 0}
    if name == "api":
        made["volumeMounts"] = [{"name": "settings", "mountPath": "/etc/enhancer"}]
        pod["volumes"] = [{"name": "settings", "configMap": {"name": "enhancer-settings"}}]
    spec: dict[str, Any] = {
        "replicas": REPLICAS[name],
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    if kind == "StatefulSet":
        spec["serviceName"] = name
    else:
        spec["strategy"] = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _with(variable: str) -> list[int]:
    """The processes that have NAME=VALUE in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if variable.encode() in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return found


def _plain_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("MUSTER_")}
