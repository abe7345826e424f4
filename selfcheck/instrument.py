"""The instrument in real time: the scripted service, and muster's own prober and load, which ask it side by side.

Starting them takes seconds, so one instrument measures many cases, one after the other. Each has a timeline of its own:
what a drill writes, and of what prober and load wrote meanwhile all that was sent while it lasted.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from muster.base import clock
from muster.base.clock import SYSTEM_CLOCK, now
from muster.base.timeline import Event, Tail, Timeline
from muster.load.run import LoadRun
from muster.objectives import Declaration
from muster.probes.ledger.read_back import read_back
from muster.probes.prober.process import Prober
from muster.system.definition import SystemDefinition
from selfcheck import cases
from selfcheck.cases import Case
from selfcheck.results import Truth

ROOT = Path(__file__).resolve().parents[1]
PROFILE = Path(__file__).with_name("items.py")
SETTLE_S = 0.3  # after a case: what is under way is answered, what is written reaches the file
READ_BACK_RATE = 1000.0  # requests/s, after what is judged
LEAD_S = 0.3  # before a case's steady time


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a case is not its outage: times in seconds, and what its drill requires."""

    steady_s: float = cases.STEADY_S
    hold_s: float = cases.HOLD_S
    watch_s: float = cases.HOLD_S + 0.8  # from the end of the last outage on
    required: tuple[str, ...] = ("rto",)
    answers: tuple[float, float] = (0.001, 0.005)  # how long a healthy answer of the service takes
    rarely: float = 0.0  # ratio of healthy answers that take 60 ms


def definition() -> SystemDefinition:
    """The scripted service as a system.yaml would describe it."""
    rhythm = {"every_s": cases.EVERY_S, "limit_s": cases.LIMIT_S}
    create = {
        "method": "POST", "path": "/items", "status": [201], "body": {"id": "{id}", "content": "{content}"},
    }  # fmt: skip
    return SystemDefinition.model_validate(
        {
            "schema": "muster/system/v1",
            "name": "scripted",
            "namespace": "selfcheck",
            "service": {"name": "scripted", "port": 8080},
            "read": {"request": {"path": "/status"}, "contains": "status.ok", **rhythm},
            "ledger": {"create": create, "read": {"path": "/items/{id}"}, "content": "content", **rhythm},
        }
    )


def declaration(name: str, plan: Plan) -> Declaration:
    """What the drill of a case declares. The objectives hold where it requires them, and say when load is good."""
    rhythm = {"every_s": cases.EVERY_S, "limit_s": cases.LIMIT_S}
    return Declaration.model_validate(
        {
            "name": name, "nodeid": f"selfcheck::{name}", "severity": "P1", "fault": "scripted", "load": PROFILE.stem,
            "system": "scripted", "evidence": "rehearsal", "cluster": "scripted", "rto_target_s": 900.0,
            "rpo_target_s": 300.0, "max_lost_writes": 0, "steady_s": plan.steady_s, "hold_s": plan.hold_s,
            "probes": [{"name": "read", **rhythm}, {"name": "write", "write": True, **rhythm}],
            "objectives": [
                {"name": "error_rate", "target": cases.FAILED},
                {"name": "latency_p95", "target": cases.SLOW_FROM_S},
            ],
        }
    )  # fmt: skip


@dataclass
class Instrument:
    """Service, prober and load, up together. A context manager; `directory` keeps its timelines."""

    directory: Path
    plan: Plan = field(default_factory=Plan)
    _stack: ExitStack = field(default_factory=ExitStack)
    _started: list[Event] = field(default_factory=list)  # that prober and load began, which each case must tell

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._service = stack.enter_context(_service(self.plan))
            stack.callback(self._service.terminate)
            host, port = orjson.loads(_stdout(self._service).readline())
            self._url, self._system = f"http://{host}:{port}", definition()
            raw = self.directory / "instrument.jsonl"
            stack.enter_context(Timeline.start(raw, run="selfcheck", drill="instrument"))
            self._tail = Tail(raw)
            prober = Prober.start(self._system, self._url, raw, self.directory)
            stack.callback(prober.stop)
            load = LoadRun.start(
                PROFILE, rate=cases.RATE, url=self._url, timeline=raw, directory=self.directory,
                ceiling=self._system.max_requests_per_s,
            )  # fmt: skip
            stack.enter_context(load)
            prober.wait_started()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def measure(self, case: Case) -> tuple[Path, Truth]:
        """Let a case happen; its timeline, and what truly happened."""
        path = self.directory / f"case-{case.number}.jsonl"
        self._take()
        with Timeline.start(path, run="selfcheck", drill=f"case-{case.number}") as timeline:
            drill = _Drill(timeline)
            began = now()
            timeline.append("declared", **declaration(f"case-{case.number}", self.plan).to_event())
            drill.wait_until(began + LEAD_S + self.plan.steady_s)
            timeline.append("steady", ok=True, why="", checks={})
            truth = self._strike(drill, case)
            timeline.append("good", ok=True, why="")
            judged = now()
            drill.wait_until(judged + SETTLE_S)
            seen = [e for e in self._take() if e["t"] >= began and began <= e.get("sent", began) <= judged]
            timeline.append_lines(orjson.dumps(event) for event in [*self._started, *seen])
            if "rpo" in self.plan.required:
                read_back(self._system, self._url, path, rate=READ_BACK_RATE)
            timeline.append("judged", required=list(self.plan.required), began=judged)
            timeline.append("ended", outcome="passed")
        return path, truth

    def _strike(self, drill: _Drill, case: Case) -> Truth:
        """The fault, from the injection until service has been good for long enough."""
        sent = now()
        drill.timeline.append("fault.sent", t=sent, experiment="scripted", activity="script")
        drill.effect(sent, seen=False)
        if not case.outages:
            drill.wait_until(sent + 0.1)
            drill.effect(now(), seen=True)
            drill.wait_until(sent + self.plan.watch_s)
            return Truth(sent, (sent, sent))
        script = [asdict(replace(o, start=sent + o.start, end=sent + o.end)) for o in case.outages]
        assert self._service.stdin is not None
        self._service.stdin.write(orjson.dumps(script, default=list) + b"\n")
        self._service.stdin.flush()
        drill.wait_until(sent + case.ends)
        log = [orjson.loads(_stdout(self._service).readline()) for _ in case.outages]
        # The service's own log is the other path by which the effect is seen.
        drill.effect(log[0]["began"][1], seen=True)
        drill.wait_until(log[-1]["ended"][1] + self.plan.watch_s)
        return _truth(sent, log, partial=case.partial)

    def _take(self) -> list[Event]:
        """What prober and load wrote since the last time."""
        events = self._tail.read()
        self._started += [e for e in events if e["kind"] in ("prober", "load") and e["state"] == "started"]
        return [e for e in events if e["kind"] != "timeline"]


@dataclass
class _Drill:
    """What a drill writes beside its prober and its load."""

    timeline: Timeline

    def wait_until(self, moment: float) -> None:
        """Wait, and compare the clocks every second."""
        while True:
            self.timeline.append("clock", boottime=clock.boottime(), utc=clock.utc_iso(), by="drill")
            if (left := moment - now()) <= 0:
                return
            SYSTEM_CLOCK.sleep(min(left, 1.0))

    def effect(self, t: float, *, seen: bool) -> None:
        """Note a look at the fault's effect."""
        said = "the script is under way" if seen else "the script has not begun"
        self.timeline.append("fault.effect", t=t, experiment="scripted", observed=seen, evidence=said)


def _service(plan: Plan) -> subprocess.Popen[bytes]:
    least, most = plan.answers
    command = [sys.executable, "-m", "selfcheck.service", "--answers", str(least), str(most)]
    command += ["--rarely", str(plan.rarely)]
    # It ends with its standard input, and so with this process.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)


def _stdout(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _truth(injected: float, log: list[dict[str, Any]], *, partial: bool) -> Truth:
    """When service was out of order: between the switches, and where requests are struck at random, which were."""
    first, last = log[0], log[-1]
    late = max(
        abs(did[1] - at) for one in log for did, at in zip((one["began"], one["ended"]), one["planned"], strict=True)
    )
    switched = (sum(first["began"]) / 2, sum(last["ended"]) / 2)
    blur = sum(one[1] - one[0] for one in (first["began"], last["ended"])) / 2
    harmed = None
    if partial:
        hits = [moment for one in log for moment in one["harmed"] or ()]
        harmed = (min(hits), max(hits)) if hits else (switched[0], switched[0])
    return Truth(injected, switched, harmed, blur, late)
