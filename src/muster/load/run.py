"""Running a load profile: Locust as a subprocess."""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from muster.base.dial import CEILING_VARIABLE, DIAL_VARIABLE, Hand
from muster.base.errors import MissingProgramError, MusterError, TimeoutExceededError, UsageError
from muster.base.process import Child
from muster.base.timeline import Tail, Timeline
from muster.base.waiting import wait_for


class LoadError(MusterError):
    """A load profile cannot be run."""


class LoadRun:
    """A load under way. Starts at once; entering it as a context manager waits for load to flow, leaving it ends it."""

    def __init__(
        self, child: Child, *, timeline: Path, log: Path, dial: Path, ceiling: float, profile: str, rate: float
    ) -> None:
        self._child = child
        self._dial = dial
        self._ceiling = ceiling
        self._timeline = timeline
        self._tail = Tail(timeline)
        self._log = log
        self.profile = profile
        self.rate = rate
        self._stopped = False
        self._first_seen = False

    @classmethod
    def start(
        cls,
        profile: Path,
        *,
        rate: float,
        url: str,
        timeline: Path,
        directory: Path,
        ceiling: float,
        seed: int = 0,
    ) -> Self:
        """Start a Locust file (see `muster.load.profiles`) at `rate` requests/s against `url`.

        Locust takes about a second to start: call this early, and enter the run where load must flow. `ceiling` is the
        system's `max_requests_per_s`; `directory` gets Locust's log.

        Raises:
            UsageError: the rate is not positive, or above the ceiling.
            MissingProgramError: Locust is not installed.
            LoadError: the directory cannot be written.
        """
        _check_rate(rate, ceiling)
        if importlib.util.find_spec("locust") is None:
            raise MissingProgramError("Locust is not installed here; install it with 'pip install locust'")
        command = [sys.executable, "-m", "locust", "-f", str(profile.absolute()), "--headless", "-u", "1", "-r", "1"]
        command += ["--host", url, "--rate", repr(rate), "--seed", str(seed), "--timeline", str(timeline.absolute())]
        # Without statistics on the way: the timeline has them, and printing takes time from the load.
        command += ["--only-summary", "--loglevel", "WARNING", "--exit-code-on-error", "0"]
        log = directory / f"locust-{profile.stem}.log"
        try:
            dial = _make_dial(directory)
            command += ["--dial", str(dial.absolute()), "--ceiling", repr(ceiling)]
            with log.open("wb") as output:
                child = Child(command, stdout=output, stderr=output, cwd=directory)
        except OSError as error:
            raise LoadError(f"load profile '{profile.stem}' cannot be run in {directory}: {error.strerror}") from error
        return cls(child, timeline=timeline, log=log, dial=dial, ceiling=ceiling, profile=profile.stem, rate=rate)

    @property
    def environment(self) -> dict[str, str]:
        """What a process must find in its environment to change the rate of this load."""
        return {DIAL_VARIABLE: str(self._dial.absolute()), CEILING_VARIABLE: repr(self._ceiling)}

    def set_rate(self, rate: float, *, over_s: float = 0.0) -> None:
        """Go on at `rate` requests/s, reached evenly over `over_s` seconds. Takes effect within some 50 ms of flowing.

        While a fault raises the rate of this load, that stands; this is what it goes back to.

        Raises:
            UsageError: the rate is not positive or above the ceiling, the time is negative, or the load has ended.
        """
        _check_rate(rate, self._ceiling)
        if over_s < 0:
            raise UsageError(f"a load's rate cannot be reached over {over_s:g} s; right would be 0 or more")
        with Hand(self._dial) as hand:
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
        if any(event["kind"] == "load" and event["state"] == "stopped" for event in self._tail.read()):
            return
        by_itself = f"Locust ended by itself with status {status}: {self._said()}"
        reason = "Locust did not end in time and was killed" if status is None else by_itself
        with Timeline(self._timeline) as timeline:
            timeline.append("load", state="stopped", profile=self.profile, rate=self.rate, reason=reason)

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
        answered = any(event["kind"] == "request" and event["source"] == "load" for event in self._tail.read())
        if ended and not answered:
            raise LoadError(f"load profile '{self.profile}' cannot be run: {self._said()}")
        return answered

    def _said(self) -> str:
        """The line of the log that tells most: the last one that speaks of an error, else the last."""
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if "rror:" in line]
        said = (errors or lines or ["it said nothing"])[-1]
        return "its users must be muster.load.openloop.OpenLoopUser" if "unrecognized arguments" in said else said


def _check_rate(rate: float, ceiling: float) -> None:
    if not rate > 0:
        raise UsageError(f"a load's rate must be above 0 requests/s, not {rate:g}")
    if rate > ceiling:
        raise UsageError(
            f"a load of {rate:g} requests/s is more than system.yaml allows (max_requests_per_s: {ceiling:g})"
        )


def _make_dial(directory: Path) -> Path:
    """A named pipe that no other load of the drill has."""
    for number in itertools.count(1):
        path = directory / f"load-{number}.dial"
        if not path.exists():
            os.mkfifo(path, 0o600)
            return path
    raise AssertionError("there is always a further number")
