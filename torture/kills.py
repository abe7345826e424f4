"""Killing a session in the middle of a drill, and looking at what is left."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rbac.stage import Stage, staged

from muster.base.clock import SYSTEM_CLOCK, now
from muster.base.errors import MusterError, TimeoutExceededError
from muster.base.timeline import Event, Tail
from muster.base.waiting import wait_for
from muster.cli.codes import FINDING
from muster.history.plan import Planned, read_whole_plan
from muster.kube import read_calls
from muster.kube.client import JSON_PATCH
from muster.probes.answers.instances import ask_once
from muster.probes.http.address import service_url
from muster.system import Request, SystemState
from torture.judging import Seen, troubles
from torture.killing import is_guardian, kill, processes_of, stopped_below
from torture.moments import LAST_MOMENT, Boundaries, Case, Course, before_undo, course, read_courses
from torture.project import shorten
from torture.reading import KINDS, LEASE, Reader, changed
from torture.results import Trial
from torture.sampler import Sampler

LOOK_EVERY_S = 0.005
HELD_WITHIN_S = 150.0
REHEARSED_WITHIN_S = 400.0
TAKEN_BACK_WITHIN_S = 45.0
WHOLE_WITHIN_S = 120.0
LEASE_WITHIN_S = 30.0
# What a database made of these, or how it came to be primary, is not taken back by putting them back.
OF_THE_DATABASES = ("ConfigMap/db-topology", "Service/db")
AGENTS = 61
PIPES = ("orders", "*.dial")
COMMAND = re.compile(r"(muster recover [^\n]+)")
MUSTER = Path(sys.executable).with_name("muster")


@dataclass
class Held:
    """A session that was started: its process, and the timeline of its drill as far as it was read."""

    process: subprocess.Popen[bytes]
    reports: Path
    drill: str
    events: list[Event] = field(default_factory=list)
    _tail: Tail | None = None

    @property
    def run(self) -> str:
        """The run's id; empty while it is not known."""
        return str(self.events[0]["run"]) if self.events else ""

    def read(self) -> list[Event]:
        """The events that are new."""
        if self._tail is None:
            found = [path for path in self.reports.glob(f"*/{self.drill}.jsonl") if not path.parent.is_symlink()]
            if not found:
                return []
            (path,) = found
            self._tail = Tail(path)
        new = self._tail.read()
        self.events += new
        return new


class Victims:
    """A system on a cluster that outlives all sessions, and sessions that are killed on it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.drills: dict[str, Planned] = read_whole_plan(stage.project).drills
        self.config = stage.admit("torture")
        self.reader = Reader(stage.cluster.kubeconfig, stage.namespace)
        self.state = SystemState(stage.cluster, stage.system)
        self._url = service_url(stage.cluster, stage.system)
        self._as_deployed = self.reader.objects()
        self._courses = read_courses()

    def rehearse(self, drill: str) -> Course:
        """Hold a drill to its end; how it went.

        Raises:
            MusterError: it did not go its whole way.
        """
        self.make_whole()
        with self._session(drill) as held:
            code = held.process.wait(REHEARSED_WITHIN_S)
            held.read()
            if not any(event["kind"] == "judged" for event in held.events):
                raise MusterError(f"{drill} did not go its whole way (exit {code}): {self._output()}")
            return course(held.events)

    def trial(self, case: Case, keep: Path) -> Trial:
        """Hold a drill, kill it, and judge what is left; where something is wrong what it wrote is kept in `keep`."""
        began = now()
        self.make_whole()
        before, calls = self.reader.objects(), len(self._log())
        with self._session(case.drill) as held, Sampler(self.reader) as sampler:
            cut = self._wait_moment(held, case)
            to_undo = sampler.on_record
            killed_at = now()
            kill(case.way, held.process.pid, held.run)
            held.process.wait(10)
            further = list(self._aftermath(held, case, sampler))
            left = self._left(held.run)
            held.read()
            begun, undone = undo_times(held.events, killed_at)
            seen = Seen(
                before=before,
                after=self.reader.objects(),
                fields=tuple(sampler.fields.values()),
                procedures=self._written_by_procedures(calls),
                to_undo=to_undo and cut and self._was_armed(held),
                begun_s=begun,
                guarded=case.way != "alone",
                open_faults=tuple(record["experiment"] for record in self.reader.faults()),
                stopped=tuple(stopped_below(os.getpid())),
                left=left,
                lease=self._lease_left(case),
                split=tuple(dict.fromkeys(sampler.split)),
                further=tuple(further),
            )
            wrong = troubles(seen)
            kept = str(self._keep(held, keep)) if wrong else ""
        part = "alone" if case.way == "alone" else "kills"
        return Trial(part, case.number, str(case), tuple(wrong), begun, undone, round(now() - began, 1), cut, kept)

    # -- holding

    @contextmanager
    def _session(self, drill: str) -> Iterator[Held]:
        reports = self.stage.project / "reports"
        shutil.rmtree(reports, ignore_errors=True)
        context = self.config.name.partition(".")[0]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        command += [self.drills[drill].nodeid, "--kube-context", context, "--history", "none"]
        with (self.stage.project / ".output").open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.stage.project,
                env=self.stage.environment(self.config),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        held = Held(process, reports, drill)
        try:
            yield held
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            held.read()
            for pid in processes_of(held.run) if held.run else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _wait_moment(self, held: Held, case: Case) -> bool:
        """Wait until a session is to be killed; False if it has ended before.

        A drill need not go the same way twice: one that is about to undo and has not passed it is killed then.
        """
        seen, kill_at, deadline = Boundaries(), math.inf, now() + HELD_WITHIN_S
        late = LAST_MOMENT if case.boundary in before_undo(self._courses[case.drill]) else case.boundary
        while now() < deadline:
            for event in held.read():
                label = seen.of(event)
                if label == case.boundary or (label == late and kill_at == math.inf):
                    kill_at = event["t"] + (case.after_s if label == case.boundary else 0.0)
            if now() >= kill_at:
                return True
            if held.process.poll() is not None:
                held.read()
                return False
            SYSTEM_CLOCK.sleep(LOOK_EVERY_S)
        return True

    # -- afterwards

    def _aftermath(self, held: Held, case: Case, sampler: Sampler) -> Iterator[str]:
        """Have done what comes after a kill: the guardian's work, or `muster undo`, then what it says; yields what is
        wrong with that."""
        if case.way == "alone":
            yield from self._undo_by_hand()
        else:
            try:
                wait_for(
                    lambda: not self.reader.faults() and not any(map(is_guardian, processes_of(held.run))),
                    within=TAKEN_BACK_WITHIN_S,
                    reason="the guardian to take the fault back",
                    every=0.25,
                )
            except TimeoutExceededError as error:
                yield str(error)
        if begun := self.reader.procedures():
            yield from self._end_procedures([record["procedure"] for record in begun])
        try:
            wait_for(self.is_whole, within=WHOLE_WITHIN_S, reason="service to be back", every=0.5, latest=self.ails)
        except TimeoutExceededError as error:
            yield str(error)
        if not sampler.looks or not sampler.asked:
            yield "nobody looked at the cluster meanwhile"

    def _undo_by_hand(self) -> Iterator[str]:
        done = self._muster("undo")
        expected = FINDING if self.reader.procedures() else 0
        if done.returncode != expected:
            yield f"muster undo ended with {done.returncode}: {done.stdout}{done.stderr}"

    def _end_procedures(self, names: list[str]) -> Iterator[str]:
        """Run the one command by which each procedure that was cut is named."""
        said = self._muster("undo")
        commands = COMMAND.findall(said.stderr)
        if said.returncode != FINDING or len(commands) != len(names):
            yield f"{', '.join(names)} was cut in the middle, and muster undo says: {said.stdout}{said.stderr}"
        for command in commands:
            done = self._muster(*shlex.split(command)[1:], context=False)
            if done.returncode:
                yield f"'{command}' ended with {done.returncode}: {done.stdout}{done.stderr}"
        for record in self.reader.procedures():
            yield f"procedure {record['procedure']} is on record still"

    def _muster(self, *arguments: str, context: bool = True) -> subprocess.CompletedProcess[str]:
        where = ["--kube-context", self.config.name.partition(".")[0]] if context else []
        return subprocess.run(
            [str(MUSTER), *arguments, *where],
            cwd=self.stage.project,
            env=self.stage.environment(self.config),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def _left(self, run: str) -> tuple[str, ...]:
        """The processes of a run that do not end."""
        if not run:
            return ()
        with contextlib.suppress(TimeoutExceededError):
            wait_for(lambda: not processes_of(run), within=15, reason="the run's processes to be gone", every=0.25)
        found = []
        for pid in processes_of(run):
            with contextlib.suppress(OSError):
                found.append(f"{pid} {Path(f'/proc/{pid}/cmdline').read_text().replace(chr(0), ' ')[:100]}")
        return tuple(found)

    def _lease_left(self, case: Case) -> str:
        """Who holds the namespace still; with nobody left to give it back it is to run out."""
        if case.way == "alone":
            return ""
        with contextlib.suppress(TimeoutExceededError):
            wait_for(lambda: not self.reader.lease(), within=10, reason="the Lease to be given back", every=0.2)
        return self.reader.lease()

    @staticmethod
    def _was_armed(held: Held) -> bool:
        """Whether the session was one whose guardian knew what it would strike: it was past its preparations."""
        return any(event["kind"] == "fault.sent" for event in held.events)

    def _log(self) -> list[Any]:
        return list(read_calls(self.stage.log))

    def _written_by_procedures(self, since: int) -> frozenset[str]:
        """The objects that recovery procedures wrote, by the server's log."""
        kinds = {plural: kind for kind, (_, plural, _) in KINDS.items()}
        return frozenset(
            f"{kinds[call.resource]}/{call.name}"
            for call in self._log()[since:]
            if call.writes and "(procedure)" in call.agent and call.resource in kinds and call.code < 300
        )

    # -- putting right

    def make_whole(self) -> None:
        """Have the system as it was deployed, but for which database is primary.

        Raises:
            MusterError: it does not come back.
        """
        self._put_back()
        if self.reader.lease():  # of a trial that left nobody who could give it back
            self.stage.cluster.delete("Lease", LEASE, self.stage.namespace)
        wait_for(self.is_whole, within=WHOLE_WITHIN_S, reason="the system to be back", every=0.5, latest=self.ails)
        (primary,) = self.state.primaries()
        self.state.query(primary, "truncate workflows, phases, queue")  # what drills that were cut left stuck

    def _put_back(self) -> None:
        for one in {change.object for change in changed(self._as_deployed, self.reader.objects())}:
            kind, _, name = one.partition("/")
            if one in OF_THE_DATABASES or kind == "PersistentVolumeClaim":  # which a restore makes anew
                continue
            if one not in self._as_deployed:
                self.stage.cluster.delete(kind, name, self.stage.namespace)
                continue
            value = [{"op": "replace", "path": f"/{KINDS[kind][2]}", "value": self._as_deployed[one]}]
            self.stage.cluster.patch(kind, name, self.stage.namespace, value, content_type=JSON_PATCH)

    def is_whole(self) -> bool:
        return not self.ails()

    def ails(self) -> str:
        """What of the system is not as it should be, by its objects, its databases and its own answers."""
        if unready := self.state.unready():
            return "; ".join(unready)
        if trouble := self.state.replication_trouble():
            return trouble
        leads_to = self.reader.objects()["Service/db"]["selector"].get("instance")
        if [leads_to] != self.state.primaries():
            return f"Service db leads to {leads_to}, which is not the primary"
        answer = ask_once(self._url, Request(path="/status", status=[200]), limit_s=5)
        if answer.status != 200:
            return f"the service answers {answer.status} {answer.why}"
        return "" if f'"agents_available":{AGENTS}' in answer.body.decode().replace(" ", "") else "agents are missing"

    # -- evidence

    def _output(self) -> str:
        return (self.stage.project / ".output").read_text(errors="replace")[-3000:]

    def _keep(self, held: Held, keep: Path) -> Path:
        """Keep what a session wrote."""
        shutil.rmtree(keep, ignore_errors=True)
        shutil.copytree(held.reports, keep, symlinks=True, ignore=shutil.ignore_patterns(*PIPES))
        shutil.copy(self.stage.project / ".output", keep / "output.txt")
        return keep


def undo_times(events: list[Event], killed_at: float) -> tuple[float | None, float | None]:
    """When the guardian began to undo and when it was through, in seconds after the kill; None where it did not."""
    said = {event["state"]: event for event in events if event["kind"] == "guard"}
    if "tripped" not in said:
        return None, None
    begun = round(said["tripped"]["t"] - killed_at, 3)
    return begun, None if "undone" not in said else round(begun + said["undone"]["took_s"], 3)


@contextmanager
def victims() -> Iterator[Victims]:
    """The place where sessions are killed; it goes when the block ends."""
    with staged(shorten) as stage:
        found = Victims(stage)
        wait_for(found.is_whole, within=WHOLE_WITHIN_S, reason="the system to be whole", every=0.2, latest=found.ails)
        yield found
