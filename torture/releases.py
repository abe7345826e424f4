"""Killing whoever looks after a release, at any moment of it; then another one goes on with it, or takes it back.

A trial is a release of the shop under load. Its coordinator is killed with SIGKILL once its record says that a step
acts, or is done, or so long after that. Then `muster deploy --continue` or `muster rollback` is given from another
process: the release must end by it, traffic must never have been on pods that could not carry it, no request may fail,
and nothing may be left.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from muster.base.clock import SYSTEM_CLOCK, now
from muster.base.errors import ClusterError, TimeoutExceededError
from muster.base.waiting import wait_for
from muster.release.record import Release, StepAt
from torture.releasing import Load, Stage, staged
from torture.results import Trial

WAYS = ("httproute", "replicas")
ENDS = ("deploy --continue", "rollback")
# The steps of a release of the shop, in their order, by how the record calls them.
STEPS = (
    "pre: choose how traffic is shared",
    "pre: make what it needs",
    "pre: lead traffic",
    "pre: start the new version",
    "canary: shift traffic",
    "grow: shift traffic",
    "half: add pods",
    "half: shift traffic",
    "switch: add pods",
    "switch: shift traffic",
    "promote: change what both share",
    "promote: roll web",
    "promote: lead traffic back",
    "promote: remove what shared it",
    "promote: remove the second copy",
)
STATES = ("acting", "done")
LATEST_S = 5.0  # after a boundary, at the most: as long as a bake of the shop takes
LOOK_EVERY_S = 0.02
WITHIN_S = 150.0
GONE_WITHIN_S = 15.0


@dataclass(frozen=True)
class Case:
    """A trial: the coordinator is killed `after_s` seconds after a step was seen in a state; `end` is given then."""

    number: int
    way: str
    step: str
    state: str
    after_s: float
    end: str

    def __str__(self) -> str:
        after = f" + {self.after_s:.2f} s" if self.after_s else ""
        return f"{self.way}: {self.step} ({self.state}){after}, then {self.end}"


def draw(count: int | None, seed: int) -> list[Case]:
    """Each boundary once before one comes again, half of the trials some time after it; what the seed draws."""
    chance = random.Random(seed)
    boundaries = [(step, state) for step in STEPS for state in STATES]
    cases: list[Case] = []
    while len(cases) < (len(boundaries) if count is None else count):
        for step, state in chance.sample(boundaries, len(boundaries)):
            after_s = round(chance.uniform(0, LATEST_S), 2) if chance.random() < 0.5 else 0.0
            cases.append(Case(len(cases), chance.choice(WAYS), step, state, after_s, chance.choice(ENDS)))
    return cases[:count]


class Carried:
    """Looks all the time whether whoever gets traffic can carry it. A context manager; `wrong` says when none could."""

    def __init__(self, stage: Stage) -> None:
        self.wrong: list[str] = []
        self.looks = 0
        self._stage = stage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                found = list(self._uncarried())
            except ClusterError:
                continue
            self.looks += 1
            self.wrong += [line for line in found if line not in self.wrong]

    def _uncarried(self) -> Iterator[str]:
        """Services that get traffic and lead to no ready pod."""
        space, cluster = self._stage.system.namespace, self._stage.cluster
        route = cluster.find("HTTPRoute", "muster-release", space)
        weights = {"web": 1}
        if route is not None:
            refs = route["spec"]["rules"][0]["backendRefs"]
            weights = {ref["name"]: ref.get("weight", 1) for ref in refs}
        for service, weight in weights.items():
            if not weight:
                continue
            slices = cluster.list("EndpointSlice", space, labels=f"kubernetes.io/service-name={service}")
            endpoints = [one for each in slices for one in each.get("endpoints") or []]
            if not any((one.get("conditions") or {}).get("ready") for one in endpoints):
                yield f"Service {service} had weight {weight} of traffic and no ready pod"


class Kills:
    """A shop for each way of sharing traffic, made when it is first asked for."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self._root, self._stack = root, stack
        self._stages: dict[str, Stage] = {}

    def _stage(self, way: str) -> Stage:
        if way not in self._stages:
            self._stages[way] = self._stack.enter_context(staged(self._root / way, way))
        return self._stages[way]

    def trial(self, case: Case, keep: Path) -> Trial:
        """Kill a coordinator, end the release by another one, and say what was wrong."""
        began = now()
        stage = self._stage(case.way)
        stage.put_back()
        before = stage.objects()
        wrong: list[str] = []
        with Load(stage.url) as load, Carried(stage) as carried:
            with stage.begun("deploy", stage.new()) as coordinator:
                came = self._wait_moment(stage, case, coordinator.poll)
                coordinator.send_signal(signal.SIGKILL)
                coordinator.wait()
            killed_at = now()
            wrong += self._end(stage, case)
            ended_s = now() - killed_at
        if load.failed:
            wrong.append(f"{len(load.failed)} of {load.asked} requests failed, the first {load.failed[0]}")
        wrong += carried.wrong
        found = stage.release
        released = found is not None and found.state == "released"
        if found is None or not found.is_over:
            wrong.append(f"it has not ended: {found and (found.state, found.phase, found.why)}")
        with contextlib.suppress(TimeoutExceededError):  # pods on their way out are let go
            wait_for(
                lambda: not list(self._left(before, stage, released=released)),
                within=GONE_WITHIN_S,
                every=0.2,
                reason="pods to be gone",
            )
        wrong += self._left(before, stage, released=released)
        kept = str(self._keep(stage, keep)) if wrong else ""
        return Trial(
            "releases",
            case.number,
            str(case),
            tuple(wrong),
            undone_s=round(ended_s, 2),
            begun_s=0.0,
            took_s=round(now() - began, 1),
            came=came,
            kept=kept,
        )

    def _wait_moment(self, stage: Stage, case: Case, ended: object) -> bool:
        """Wait until the coordinator is to be killed; False where it ended before."""
        assert callable(ended)
        deadline, wanted = now() + WITHIN_S, (case.step, case.state)
        later = STEPS[STEPS.index(case.step) + 1 :]
        while now() < deadline:
            found = stage.release
            step = None if found is None or found.is_over else found.step
            if step is not None and ((step.name, step.state) == wanted or self._passed(step, case, later)):
                SYSTEM_CLOCK.sleep(case.after_s)
                return ended() is None
            if ended() is not None:
                return False
            SYSTEM_CLOCK.sleep(LOOK_EVERY_S / 4)
        return False

    def _passed(self, step: StepAt, case: Case, later: tuple[str, ...]) -> bool:
        """Whether a boundary that lasts for a moment only has been missed by a look."""
        return step.name in later or (step.name == case.step and case.state == "acting")

    def _end(self, stage: Stage, case: Case) -> Iterator[str]:
        """End what is left of a release; yields what is wrong with that."""
        found = stage.release
        if found is None or found.is_over:
            return
        if case.end == "rollback":
            done = stage.muster("rollback", "-f", "-r", "its coordinator was killed")
            if done.returncode != 0:
                yield f"rollback ended with {done.returncode}: {done.stdout[-600:]}"
            return
        done = stage.muster("deploy", "--continue")
        if done.returncode != 0:
            yield f"deploy --continue ended with {done.returncode}: {done.stdout[-600:]}"

    def _left(self, before: dict[str, object], stage: Stage, *, released: bool) -> Iterator[str]:
        after = stage.objects()
        for name in sorted(before.keys() | after.keys()):
            if name not in before:
                yield f"{name} is left"
            elif name not in after:
                yield f"{name} is gone"
            elif before[name] != after[name] and not (released and name == "Deployment/web"):
                yield f"{name} is not as it was: {str(after[name])[:200]}"
        if released and "shop:2" not in str(after.get("Deployment/web")):
            yield "it is released, and the old version runs"

    def _keep(self, stage: Stage, keep: Path) -> Path:
        keep.mkdir(parents=True, exist_ok=True)
        for output in stage.root.glob(".output-*"):
            shutil.copy(output, keep)
        found: Release | None = stage.release
        (keep / "release.json").write_text("" if found is None else found.model_dump_json(indent=1))
        return keep


@contextmanager
def kills() -> Iterator[Kills]:
    """Places for trials that follow each other."""
    with ExitStack() as stack:
        root = stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-releases-"))
        yield Kills(Path(root), stack)
