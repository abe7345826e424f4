"""Making trials side by side, each worker in a place of its own."""

from __future__ import annotations

import multiprocessing
import os
import queue
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from muster.base.clock import now
from muster.plugin.workers import die_with_the_controller
from torture.parts import PARTS
from torture.results import Trial

Case = Any


def run(part: str, cases: Sequence[Case], *, jobs: int, within_s: float, keep: Path) -> Iterator[Trial]:
    """Make trials, in their order as far as workers are free; none is begun later than `within_s` seconds from now."""
    context = multiprocessing.get_context("spawn")
    wanted, made = context.Queue(), context.Queue()
    for case in cases:
        wanted.put(case)
    deadline = now() + within_s
    workers = [
        context.Process(target=_work, args=(part, (wanted, made), deadline, keep, os.getpid())) for _ in range(jobs)
    ]
    for worker in workers:
        worker.start()
    left = len(workers)
    while left:
        try:
            trial = made.get(timeout=5)
        except queue.Empty:
            if not any(worker.is_alive() for worker in workers):
                break
            continue
        if trial is None:
            left -= 1
        else:
            yield trial
    wanted.cancel_join_thread()
    for worker in workers:
        worker.join()


def _work(part: str, queues: tuple[Any, Any], deadline: float, keep: Path, parent: int) -> None:
    """Make trials until there are none or it is late. A place that a trial has spoilt is left for another."""
    wanted, made = queues
    die_with_the_controller(parent)  # and with us the cluster, which is below a lifeline
    try:
        while now() < deadline and _in_one_place(part, wanted, made, deadline, keep):
            pass
    finally:
        made.put(None)


def _in_one_place(part: str, wanted: Any, made: Any, deadline: float, keep: Path) -> bool:
    """Whether there may be more to do."""
    case = _next(wanted)
    if case is None:
        return False
    with PARTS[part].place() as place:
        while case is not None:
            try:
                trial = place.trial(case, keep / str(case.number))
            except Exception:  # noqa: BLE001 - whatever broke, it is the trial that says so, and the place is left
                said = traceback.format_exc(limit=-3).strip().replace("\n", " | ")
                made.put(Trial(part, case.number, str(case), (f"the trial broke: {said}",)))
                return True
            made.put(trial)
            if not trial.held:
                return True
            case = _next(wanted) if now() < deadline else None
    return False


def _next(wanted: Any) -> Case | None:
    try:
        return wanted.get(timeout=1)
    except queue.Empty:
        return None
