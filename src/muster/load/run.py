"""Running a load profile: Locust as a subprocess."""

from __future__ import annotations

import importlib.util
import itertools
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from muster.base.dial import CEILING_VARIABLE, DIAL_VARIABLE, Hand
from muster.base.errors import MissingProgramError, MusterError, TimeoutExceededError, UsageError
from muster.base.process import Child
from muster.base.timeline import Event, Tail, Timeline
from muster.base.waiting import wait_for
from muster.load.allowance import SUFFIX, Allowance
from muster.load.stages import Stage, check_rate, checked, to_text

Arrivals = Literal["even", "poisson"]
END_WITHIN_S = 5.0  # a generator that has more than it can do takes its time to write down the rest


class LoadError(MusterError):
    """A load profile cannot be run."""


class LoadRun:
    """A load under way. Starts at once; entering it as a context manager waits for load to flow, leaving it ends it."""

    def __init__(
        self, child: Child, *, timeline: Path, log: Path, dial: Path, allowance: Allowance, profile: str, rate: float
    ) -> None:
        self._child = child
        self._dial = dial
        self._allowance = allowance
        self._timeline = timeline
        self._tail = Tail(timeline)
        self._log = log
        self.profile = profile
        self.rate = rate
        self._stopped = False
        self._started = False

    @classmethod
    def start(
        cls,
        profile: Path,
        *,
        rate: float | None = None,
        stages: Sequence[Stage] = (),
        url: str,
        timeline: Path,
        directory: Path,
        ceiling: float,
        arrivals: Arrivals = "even",
        seed: int = 0,
    ) -> Self:
        """Start a Locust file (see `muster.load.profiles`) at `rate` requests/s, or through stages, against `url`.

        Locust takes about a second to start: call this early, and enter the run where load must flow. Stages count from
        when it has; with a rate beside them, that is what the first of them goes on from. `ceiling` is the system's
        `max_requests_per_s`, which all loads of one `directory` share; it gets Locust's log, too.

        Raises:
            UsageError: there is neither rate nor stage, or one that is not positive or passes the ceiling.
            MissingProgramError: Locust is not installed.
            LoadError: the directory cannot be written.
        """
        first = checked(rate, stages, ceiling)
        if importlib.util.find_spec("locust") is None:
            raise MissingProgramError("Locust is not installed here; install it with 'pip install locust'")
        command = [sys.executable, "-m", "locust", "-f", str(profile.absolute()), "--headless", "-u", "1", "-r", "1"]
        command += ["--host", url, "--rate", repr(first), "--seed", str(seed), "--timeline", str(timeline.absolute())]
        command += ["--arrivals", arrivals, *(["--stages", to_text(stages)] if stages else [])]
        # Without statistics on the way: the timeline has them, and printing takes time from the load.
        command += ["--only-summary", "--loglevel", "WARNING", "--exit-code-on-error", "0"]
        try:
            with _means(directory, ceiling, first, stages) as (dial, allowance):
                log = directory / f"locust-{profile.stem}-{dial.stem}.log"
                command += ["--dial", str(dial.absolute()), "--ceiling", repr(ceiling)]
                with log.open("wb") as output:
                    child = Child(command, stdout=output, stderr=output, cwd=directory, grace=END_WITHIN_S)
        except OSError as error:
            raise LoadError(f"load profile '{profile.stem}' cannot be run in {directory}: {error.strerror}") from error
        return cls(child, timeline=timeline, log=log, dial=dial, allowance=allowance, profile=profile.stem, rate=first)

    @property
    def environment(self) -> dict[str, str]:
        """What a process must find in its environment to change the rate of this load."""
        return {DIAL_VARIABLE: str(self._dial.absolute()), CEILING_VARIABLE: repr(self._allowance.ceiling)}

    def set_rate(self, rate: float, *, over_s: float = 0.0) -> None:
        """Go on at `rate` requests/s, reached evenly over `over_s` seconds. Takes effect within some 50 ms of flowing.

        While a fault raises the rate of this load, that stands; this is what it goes back to. It ends the stages.

        Raises:
            UsageError: the rate is not positive, or above the ceiling with the drill's other loads; the time is
                negative; or the load has ended.
        """
        check_rate(rate, self._allowance.ceiling)
        if not 0 <= over_s < math.inf:
            raise UsageError(f"a load's rate cannot be reached over {over_s:g} s; right would be 0 or more")
        with Hand(self._dial) as hand:
            self._allowance.claim_at_least(rate)
            hand.turn(rate, over_s=over_s, held=False)
        self.rate = rate

    def wait_flowing(self, *, within: float = 20.0) -> bool:
        """Wait until a request of the load was answered, in whatever way; returns whether one was in so many seconds.

        That none was is no error here: the drill goes on, and its verdict is unknown.

        Raises:
            LoadError: Locust ended instead; the message quotes what it said last.
        """
        try:
            wait_for(self._flows, within=within, every=0.02, reason=f"load '{self.profile}' to flow")
        except TimeoutExceededError:
            return False
        return True

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._child.poll() is None

    def stop(self) -> None:
        """End the load, normally within a second; its end is noted on the timeline whoever caused it. May be called
        again."""
        if self._stopped:
            return
        self._stopped = True
        status = self._child.poll()
        self._child.stop()
        self._dial.unlink(missing_ok=True)
        self._allowance.release()
        if any(self._tells(event, "stopped") for event in self._tail.each()):
            return
        by_itself = f"Locust ended by itself with status {status}: {self._said()}"
        reason = "Locust did not end in time and was killed" if status is None else by_itself
        with Timeline(self._timeline) as timeline:
            timeline.append(
                "load", state="stopped", load=self._dial.stem, profile=self.profile, rate=self.rate, reason=reason,
                broken=status is not None,
            )  # fmt: skip

    def __enter__(self) -> Self:
        try:
            self.wait_flowing()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _flows(self) -> bool:
        ended = not self.alive()
        answered = False
        for event in self._tail.each():
            self._started = self._started or self._tells(event, "started")
            if self._tells(event, "elsewhere"):
                raise LoadError(f"load profile '{self.profile}' cannot be run: {event['reason']}")
            # Which of several loads a request is of it does not say; those before this one's start are of others.
            if self._started and event["kind"] == "request" and event["source"] == "load":
                answered = True
                break
        if ended and not answered:
            raise LoadError(f"load profile '{self.profile}' cannot be run: {self._said()}")
        return answered

    def _tells(self, event: Event, state: str) -> bool:
        """Whether an event tells that of this load, and not of another one of the drill."""
        return event["kind"] == "load" and event["state"] == state and event.get("load") == self._dial.stem

    def _said(self) -> str:
        """The line of the log that tells most: the last one that speaks of an error, else the last."""
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if "rror:" in line]
        said = (errors or lines or ["it said nothing"])[-1]
        return "its users must be muster.load.openloop.OpenLoopUser" if "unrecognized arguments" in said else said


@contextmanager
def _means(directory: Path, ceiling: float, first: float, stages: Sequence[Stage]) -> Iterator[tuple[Path, Allowance]]:
    """A dial, and a part in the ceiling; where the block fails nothing stays of a load that never was."""
    with ExitStack() as undo:
        dial = _make_dial(directory)
        undo.callback(dial.unlink, missing_ok=True)
        allowance = Allowance(dial.with_suffix(SUFFIX), ceiling)
        highest, whose = _highest(first, stages)
        allowance.claim(highest, of=whose)
        undo.callback(allowance.release)
        yield dial, allowance
        undo.pop_all()


def _highest(first: float, stages: Sequence[Stage]) -> tuple[float, str]:
    """The highest rate that a load will come to, and whose it is."""
    rates = [*((stage.highest, f"stage '{stage.name}'") for stage in stages), (first, "a load")]
    return max(rates, key=lambda each: each[0])


def _make_dial(directory: Path) -> Path:
    """A named pipe that no other load of the drill has."""
    for number in itertools.count(1):
        path = directory / f"load-{number}.dial"
        if not path.exists():
            os.mkfifo(path, 0o600)
            return path
    raise AssertionError("there is always a further number")
