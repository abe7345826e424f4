"""A session's guardian, as the session sees it: started before anything is struck, told what goes on, asked at the end.

It runs outside everything that ends with the session: it has one of its own as the kernel has them, below no lifeline.
It learns that this process is gone by the end of a pipe, and that it hangs by a heartbeat that stays away.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from muster.base.background import Background
from muster.base.clock import now
from muster.base.errors import MusterError
from muster.guardian import talk
from muster.guardian.talk import Ear, Message
from muster.kube import Cluster
from muster.safety.audit import AUDIT_VARIABLE
from muster.safety.hooks import Hooks
from muster.safety.limits import Condition
from muster.system.monitoring import Monitoring

GUARDED_VARIABLE = "MUSTER_GUARDED_BY"  # in the environment of every process that goes when the guardian trips
READY_WITHIN_S = 30.0
REST_WITHIN_S = 60.0
BEAT_EVERY_S = 0.5


class GuardianError(MusterError):
    """There is no guardian, so nothing may be struck."""


class Guardian:
    """The guardian of this process. A context manager: leaving it lets the guardian go once nothing is left to undo."""

    def __init__(self, cluster: Cluster, directory: Path, home: Path) -> None:
        """`directory` receives its log; `home` is the project's `.muster/`, whose lever it heeds."""
        self.tripped = ""  # why it has taken back a fault, or is about to
        self.seen: list[str] = []  # what it saw last of each stop condition
        self._conditions, self._unwell = 0, ""
        self._asked = False  # how the stop conditions are, and was not answered yet
        self._saying = threading.Lock()  # what is longer than a pipe takes at once is not to be mixed with a heartbeat
        self._cluster, self._directory, self._home = cluster, directory, home
        self._token = secrets.token_hex(8)
        self._ready = self._resting = False
        self._trouble = ""
        self._ear = Ear()
        self._beating = Background(self._beat, name="guardian's heartbeat")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id; it is started."""
        assert self._process is not None
        return self._process.pid

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process that is to go with this one must find in its environment."""
        return {GUARDED_VARIABLE: self._token}

    def __enter__(self) -> Self:
        """Start it; that it is ready is waited for by the first `watch`.

        Raises:
            GuardianError: it cannot be started.
        """
        os.environ.update(self.environment)
        embedded = ["--embedded"] if self._cluster.embedded else []
        command = [sys.executable, "-m", "muster.guardian", "--token", self._token, *embedded]
        command += ["--session", str(os.getpid())]
        command += ["--kubeconfig", str(self._cluster.kubeconfig.absolute()), "--home", str(self._home.absolute())]
        environment = {key: value for key, value in os.environ.items() if key != GUARDED_VARIABLE}
        if AUDIT_VARIABLE in environment:
            environment[AUDIT_VARIABLE] = str(Path(environment[AUDIT_VARIABLE]).absolute())
        try:
            with (self._directory / f"guardian-{self._token[:4]}.log").open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=environment,
                    start_new_session=True,
                    cwd="/",
                )
        except OSError as error:
            raise GuardianError(f"no guardian can be started ({error.strerror}), so nothing is struck") from error
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beating.stop()
        os.environ.pop(GUARDED_VARIABLE, None)
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        with self._saying:
            talk.say(process.stdin.fileno(), talk.CLOSE)
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it has something to undo still, and goes on after us
            process.wait(READY_WITHIN_S)
        process.stdout.close()

    def watch(
        self,
        drill: str,
        *,
        namespace: str,
        holder: str,
        timeline: Path,
        conditions: Sequence[Condition] = (),
        monitoring: Monitoring | None = None,
        alert: str | None = None,
        after: Hooks | None = None,
    ) -> None:
        """Have it watch over a drill from now on, and look at the stop conditions meanwhile.

        `monitoring` is the system's, which some of them are asked of; `alert` is the drill's own, which ends nothing.
        Where the session goes in its middle, it runs what comes `after`.

        Raises:
            GuardianError: it does not answer.
        """
        self.tripped, self._resting, self.seen, self._conditions = "", False, [], len(conditions)
        self._listen_until(lambda: self._ready, READY_WITHIN_S, "to be ready")
        self._say(
            talk.WATCH,
            drill=drill,
            namespace=namespace,
            holder=holder,
            timeline=str(timeline.absolute()),
            conditions=[one.model_dump(mode="json", exclude_unset=True) for one in conditions],
            monitoring=None
            if monitoring is None
            else monitoring.resolved().model_dump(mode="json", exclude_unset=True),
            alert=alert,
            after=None if after is None else after.to_json(),
        )

    def unwell(self) -> str:
        """Why a drill must not strike yet, by its stop conditions: one is not kept, or was not seen for long enough;
        empty where it may.

        Raises:
            GuardianError: it does not answer.
        """
        if not self._conditions:
            return ""
        self._asked = True
        self._say(talk.ASK)
        self._listen_until(lambda: not self._asked, READY_WITHIN_S, "to tell of the stop conditions")
        return self._unwell

    def strike(self) -> None:
        """Tell it that the fault is about to strike: from now on a stop condition that is not kept ends the drill.

        Raises:
            GuardianError: it is not there.
        """
        self._say(talk.STRIKE)

    def arm(self, injection: str, deadline: str) -> None:
        """Tell it that an injection may strike from now on, and until when its fault may last (ISO 8601).

        Raises:
            GuardianError: it is not there.
        """
        self._say(talk.ARM, injection=injection, deadline=deadline)

    def look(self) -> str:
        """Why it has tripped, if it has; the empty text where all goes on.

        Raises:
            GuardianError: it is not there any more, and has not tripped.
        """
        try:
            self._listen(0.0)
        except GuardianError:
            if not self.tripped:
                raise
        return self.tripped

    def rest(self) -> str:
        """Tell it that the drill is over: what is left of its faults it takes back now. Returns why it could not, or
        the empty text; then it goes on trying."""
        self._resting = False
        try:
            self._say(talk.REST)
            self._listen_until(lambda: self._resting, REST_WITHIN_S, "to take back what is left")
        except GuardianError as error:
            return str(error)
        return self._trouble

    def _say(self, what: str, **fields: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with self._saying:
            heard = talk.say(self._process.stdin.fileno(), what, **fields)
        if not heard:
            raise GuardianError(self._gone())

    def _beat(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        while not self._beating.pause(BEAT_EVERY_S):
            with self._saying:
                talk.say(self._process.stdin.fileno(), talk.BEAT)

    def _listen_until(self, reached: Callable[[], bool], within: float, what: str) -> None:
        deadline = now() + within
        while not reached():
            if now() > deadline:
                raise GuardianError(f"waited {within:g} s for the guardian {what}{self._last_words()}")
            self._listen(0.1)

    def _listen(self, seconds: float) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while select.select([descriptor], [], [], seconds)[0]:
            data = os.read(descriptor, 65536)
            if not data:
                raise GuardianError(self._gone())
            for message in self._ear.hear(data):
                self._heed(message)
            seconds = 0.0

    def _heed(self, message: Message) -> None:
        match message["what"]:
            case talk.READY:
                self._ready = True
            case talk.WELL:
                self._unwell, self.seen, self._asked = str(message["unwell"]), list(message["said"]), False
            case talk.TRIPPED:
                self.tripped = str(message["why"])
            case talk.UNDONE:
                self._trouble = ""
            case talk.FAILED:
                self._trouble = str(message["why"])
            case talk.RESTED:
                self._resting = True

    def _gone(self) -> str:
        return f"the guardian of this session is gone{self._last_words()}"

    def _last_words(self) -> str:
        path = self._directory / f"guardian-{self._token[:4]}.log"
        try:
            said = path.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f": {said[-1]}" if said else ""
