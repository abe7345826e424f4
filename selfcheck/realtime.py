"""Cases in real time, on several instruments side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

from muster.base.timeline import read_timeline
from muster.verdict import judge
from selfcheck.cases import Case
from selfcheck.instrument import Instrument, Plan
from selfcheck.results import Result, Truth, result

Measured = tuple[Case, Path, Truth]


def measure(
    cases: Sequence[Case], plan: Plan, directory: Path, *, jobs: int, tell: Callable[[Case], None] = lambda _: None
) -> list[Result]:
    """Measure cases with `jobs` instruments at once, and judge them when nothing is measured any more.

    Their timelines stay in `directory`. `tell` is called as each case begins.
    """
    turns, given_up = iter(cases), Event()

    def work(number: int) -> list[Measured]:
        done = []
        with Instrument(directory / f"instrument-{number}", plan) as instrument:
            for case in turns:  # whoever is free takes the next one
                if given_up.is_set():
                    break
                tell(case)
                done.append((case, *instrument.measure(case)))
        return done

    with ThreadPoolExecutor(jobs) as pool:
        shares = [pool.submit(work, number) for number in range(min(jobs, len(cases)))]
        try:
            measured = [one for share in as_completed(shares) for one in share.result()]
        finally:
            given_up.set()  # an error in one of them, or Ctrl-C, ends the others after the case that they are at
    return sorted((_judged(*one) for one in measured), key=lambda one: one.number)


def _judged(case: Case, path: Path, truth: Truth) -> Result:
    return result(case, truth, judge(read_timeline(path)), path)
