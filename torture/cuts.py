"""Killing `muster recover` at each of its writes, and having another go on with it: all is done once.

The system is the reference system with its real databases. A trial strikes it, starts the procedure that mends that and
kills it at one moment, then runs the same command to its end.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rbac.stage import ROOT

from muster.base.clock import SYSTEM_CLOCK, now
from muster.base.errors import MusterError
from muster.base.waiting import wait_for
from muster.kube.client import JSON_PATCH
from muster.probes.answers.instances import ask_once
from muster.probes.answers.sampling import sample
from muster.probes.http.address import service_url
from muster.system import Request
from muster.wire.names import REPLICAS_BEFORE_ANNOTATION
from torture.killing import processes_with
from torture.kills import MUSTER, Victims, victims
from torture.results import Trial
from torture.sampler import Sampler

FILE = Path(__file__).with_name("writes.json")
LEASE = "muster-procedure"
RECORD = "muster-recovery-"
SIDES = ("before", "after")
PROCEDURES = (
    *("add-capacity", "full-restart", "promote-standby", "release-capacity", "repair-agent-coordination"),
    *("repair-crashed-pods", "repair-database-connection", "reset-workflow-state", "restart-service"),
    *("restore-backup", "restore-configuration"),
)
RUNS_WITHIN_S = 240.0
KILLED = -signal.SIGKILL
NAMESPACE = "enhancer"
SETTINGS = "enhancer-settings"
FOLLOWED_AFTER_S = 4.0  # by then all instances have read changed settings
CORRUPT = "settings.yaml: [not, a, mapping"
FLOOD, FLOOD_S = 200, 0.5  # requests of a turn, and how long it lasts


@dataclass(frozen=True)
class Case:
    """A trial: the procedure is killed at its write of number `write`, counted from 0, before or after it."""

    number: int
    procedure: str
    write: int
    side: str
    label: str

    @property
    def is_through(self) -> bool:
        """Whether the procedure had done all by then, and forgotten it: who runs it again asks for another run."""
        return self.side == "after" and self.label.startswith("DELETE ") and RECORD in self.label

    def __str__(self) -> str:
        return f"{self.procedure}, {self.side} write {self.write + 1} ({self.label})"


def draw(procedures: Sequence[str], count: int | None, seed: int) -> list[Case]:
    """Every write that procedures made when they were last rehearsed, before and after it; of them `count`, where it is
    given. The boundaries of steps, which are the writes of the record, come first."""
    chance = random.Random(seed)
    every = [
        (name, write, side, label)
        for name, labels in read_writes().items()
        if not procedures or name in procedures
        for write, label in enumerate(labels)
        for side in SIDES
    ]
    chance.shuffle(every)
    every.sort(key=lambda one: RECORD not in one[3] and not one[3].endswith("/configmaps"))
    return [Case(number, *one) for number, one in enumerate(every)][:count]


def read_writes(path: Path = FILE) -> dict[str, list[str]]:
    """The writes of each procedure when it was last rehearsed."""
    found: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}
    return found


def write_writes(writes: Mapping[str, list[str]], path: Path = FILE) -> None:
    """Write down the writes of procedures, beside those that are there."""
    path.write_text(json.dumps({**read_writes(path), **writes}, indent=1, sort_keys=True) + "\n")


@dataclass
class Cuts:
    """The system, and procedures that are cut on it."""

    place: Victims
    _flood: threading.Event = field(default_factory=threading.Event)
    _frozen: list[int] = field(default_factory=list)
    _lost: str = ""

    def __post_init__(self) -> None:
        self._cluster, self._state = self.place.stage.cluster, self.place.state
        self._context = self.place.config.name.partition(".")[0]
        self._strikes: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
            "add-capacity": (self._ask_for_much, ()),
            "full-restart": (self._lose_all, ()),
            "promote-standby": (self._lose_primary, ()),
            "release-capacity": (self._add_replicas, ()),
            "repair-agent-coordination": (self._freeze_worker, ()),
            "repair-crashed-pods": (self._break_rollout, ()),
            "repair-database-connection": (self._mislead, ()),
            "reset-workflow-state": (self._claim_in_vain, ("restart=yes",)),
            "restart-service": (lambda: None, ("force=yes",)),
            "restore-backup": (self._lose_volumes, ()),
            "restore-configuration": (self._corrupt, ()),
        }

    def prepare(self) -> None:
        """Have a backup, and the configuration kept, as some procedures need."""
        for command in (("keep",), ("backup",)):
            done = self._muster(*command)
            if done.returncode:
                raise MusterError(f"muster {command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")

    def rehearse(self, procedure: str) -> list[str]:
        """Run a procedure that nothing cuts; which writes it made.

        Raises:
            MusterError: it did not go its whole way.
        """
        trial = self._trial(Case(0, procedure, 0, "never", ""), self.place.stage.project / ".kept")
        if not trial.held:
            raise MusterError(trial.line())
        return self._told.read_text().splitlines()

    def trial(self, case: Case, keep: Path) -> Trial:
        return self._trial(case, keep)

    def _trial(self, case: Case, keep: Path) -> Trial:
        began = now()
        strike, arguments = self._strikes[case.procedure]
        self._make_whole()
        self._told.unlink(missing_ok=True)
        before = self._revisions()
        with ExitStack() as stack:
            stack.callback(self._end_strikes)
            sampler = stack.enter_context(Sampler(self.place.reader))
            strike()
            moment = "never" if case.side == "never" else f"{case.write}.{case.side}"
            command = ["recover", case.procedure, *arguments]
            first = self._cutting(moment, *command)
            found, cut = list(self._after_first(first, case)), first.returncode == KILLED
            if cut:
                second = self._muster(*command)
                if second.returncode:
                    found.append(f"gone on with it ended with {second.returncode}: {second.stdout}{second.stderr}")
            self._end_strikes()
            found += self._left(before, 2 if case.is_through and arguments else 1)
            found += sampler.split
            if not sampler.asked:
                found.append("nobody looked at the databases meanwhile")
        kept = ""
        if found:
            keep.mkdir(parents=True, exist_ok=True)
            said = [first.stdout, first.stderr, *((second.stdout, second.stderr) if cut else ())]
            (keep / "said.txt").write_text("\n".join(said))
            (keep / "writes.txt").write_text(self._told.read_text() if self._told.exists() else "")
            kept = str(keep)
        came, took_s = cut or case.side == "never", round(now() - began, 1)
        return Trial("cuts", case.number, str(case), tuple(found), took_s=took_s, came=came, kept=kept)

    def _after_first(self, first: subprocess.CompletedProcess[str], case: Case) -> Iterator[str]:
        if first.returncode not in {0, KILLED} or (case.side == "never" and first.returncode):
            yield f"the first ended with {first.returncode}: {first.stdout}{first.stderr}"

    def _left(self, before: Mapping[str, set[str]], rollouts: int) -> Iterator[str]:
        """What is not as it must be once the procedure was gone on with.

        A Deployment may be rolled out so often: by the strike, or by the procedure; and again by one that was through,
        and was told once more to do it anyway.
        """
        with contextlib.suppress(MusterError):
            wait_for(self.place.is_whole, within=60, reason="the system to be whole", every=0.5)
        if ails := self.place.ails():
            yield f"the system ails: {ails}"
        yield from (f"procedure {record['procedure']} is on record still" for record in self.place.reader.procedures())
        if self._cluster.find("Lease", LEASE, NAMESPACE):
            yield f"Lease {LEASE} is left"
        for name, known in self._revisions().items():
            if len(new := known - before.get(name, set())) > rollouts:
                yield f"Deployment {name} was rolled out {len(new)} times"

    def _revisions(self) -> dict[str, set[str]]:
        """The ReplicaSets of each Deployment."""
        found: dict[str, set[str]] = {}
        for item in self.place.reader.listed("/apis/apps/v1", "replicasets"):
            for owner in item["metadata"].get("ownerReferences", ()):
                found.setdefault(owner["name"], set()).add(item["metadata"]["name"])
        return found

    # -- commands

    @property
    def _told(self) -> Path:
        return self.place.stage.project / ".writes"

    def _muster(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([str(MUSTER), *arguments])

    def _cutting(self, moment: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "torture.cutting", moment, str(self._told), *arguments])

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        environment = self.place.stage.environment(self.place.config)
        return subprocess.run(
            [*command, "--kube-context", self._context],
            cwd=self.place.stage.project,
            env={**environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=RUNS_WITHIN_S,
            check=False,
        )

    # -- strikes

    def _make_whole(self) -> None:
        self._cluster.delete("Lease", LEASE, NAMESPACE)
        for record in self.place.reader.procedures():
            self._cluster.delete("ConfigMap", f"{RECORD}{record['procedure']}", NAMESPACE)
        self.place.make_whole()

    def _end_strikes(self) -> None:
        self._flood.set()
        for pid in self._frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._frozen = []
        if self._lost:  # a promotion leaves it fenced; whoever took it comes and gives it back
            self._cluster.scale("StatefulSet", self._lost, NAMESPACE, 1)
            self._lost = ""

    def _lose(self, kind: str, name: str, labels: str) -> None:
        self._cluster.scale(kind, name, NAMESPACE, 0)
        wait_for(lambda: not self._delete_pods(labels), within=60, reason=f"pods of {name} to be gone", every=0.1)

    def _delete_pods(self, labels: str) -> list[Any]:
        pods = self._cluster.list("Pod", NAMESPACE, labels=labels)
        for pod in pods:
            self._cluster.delete("Pod", pod["metadata"]["name"], NAMESPACE, grace_s=0)
        return pods

    def _lose_primary(self) -> None:
        (primary,) = self._state.primaries()
        self._lose("StatefulSet", primary, f"instance={primary}")
        self._lost = primary

    def _lose_all(self) -> None:
        for name in ("db-a", "db-b"):
            self._lose("StatefulSet", name, f"instance={name}")
        for name in ("api", "agents"):
            self._lose("Deployment", name, f"app={name}")

    def _lose_volumes(self) -> None:
        for name in ("db-a", "db-b"):
            self._lose("StatefulSet", name, f"instance={name}")
            claim = f"data-{name}-0"
            self._cluster.delete("PersistentVolumeClaim", claim, NAMESPACE)
            gone = lambda claim=claim: self._cluster.find("PersistentVolumeClaim", claim, NAMESPACE) is None  # noqa: E731
            wait_for(gone, within=60, reason=f"{claim} to be gone")

    def _break_rollout(self) -> None:
        path = "/spec/template/spec/containers/0/env/-"
        patch = [{"op": "add", "path": path, "value": {"name": "ENHANCER_ADMISSION_RATE", "value": "none"}}]
        self._cluster.patch("Deployment", "api", NAMESPACE, patch, content_type=JSON_PATCH)
        wait_for(self._crashes, within=60, reason="a pod to crash", every=0.2)

    def _crashes(self) -> bool:
        pods = self._cluster.list("Pod", NAMESPACE, labels="app=api")
        statuses = itertools.chain.from_iterable(pod["status"].get("containerStatuses", []) for pod in pods)
        return any(status.get("restartCount", 0) or "terminated" in status.get("state", {}) for status in statuses)

    def _mislead(self) -> None:
        patch = [{"op": "replace", "path": "/spec/selector/instance", "value": "nobody"}]
        self._cluster.patch("Service", "db", NAMESPACE, patch, content_type=JSON_PATCH)

    def _corrupt(self) -> None:
        self._cluster.patch("ConfigMap", SETTINGS, NAMESPACE, {"data": {"settings.yaml": CORRUPT}})

    def _add_replicas(self) -> None:
        patch = {"metadata": {"annotations": {REPLICAS_BEFORE_ANNOTATION: "3"}}, "spec": {"replicas": 4}}
        self._cluster.patch("Deployment", "api", NAMESPACE, patch)

    def _freeze_worker(self) -> None:
        found = self._cluster.get("ConfigMap", SETTINGS, NAMESPACE)["data"]["settings.yaml"]
        patient = re.sub(r"agent_expiry_s: .*", "agent_expiry_s: 600", found)  # else others take over by themselves
        self._cluster.patch("ConfigMap", SETTINGS, NAMESPACE, {"data": {"settings.yaml": patient}})
        SYSTEM_CLOCK.sleep(FOLLOWED_AFTER_S)
        pods = self._cluster.list("Pod", NAMESPACE, labels="app=agents")
        self._frozen = processes_with("POD_NAME", pods[0]["metadata"]["name"])
        for pid in self._frozen:
            os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: "agents" in self.place.ails(), within=60, reason="agents to be missed", every=0.2)

    def _claim_in_vain(self) -> None:
        (primary,) = self._state.primaries()
        holder = "select holder from agents where holder is not null limit 1"
        content = '{"payload": null, "title": "kept"}'
        insert = (
            f"begin; insert into workflows (id, content, digest) values ('lost', '{content}', '');"  # noqa: S608
            " insert into queue (workflow) values ('lost');"
            f" update queue set due = now() + interval '1 hour', worker = ({holder}) where workflow = 'lost'; commit"
        )
        if self._state.query(primary, insert) is None:
            raise MusterError(f"{primary} does not answer")
        stuck = Request(path="/workflows?state=stuck&limit=100", status=[200])
        url = service_url(self._cluster, self.place.stage.system)
        wait_for(lambda: b"lost" in ask_once(url, stuck, limit_s=5).body, within=60, reason="work to hang")

    def _ask_for_much(self) -> None:
        self._flood = threading.Event()
        url, system = service_url(self._cluster, self.place.stage.system), self.place.stage.system

        def flood() -> None:
            while not self._flood.is_set():
                sample(url, system.read.request, times=FLOOD, over_s=FLOOD_S, limit_s=system.read.limit_s)

        threading.Thread(target=flood, daemon=True).start()


@contextmanager
def cuts() -> Iterator[Cuts]:
    """The place where procedures are cut; it goes when the block ends."""
    with victims() as place:
        found = Cuts(place)
        found.prepare()
        yield found
