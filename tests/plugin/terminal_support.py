"""A pytest session under a pseudo-terminal, and drills that are told as they would happen instead of held."""

from __future__ import annotations

import os
import pty
import signal
import struct
import subprocess
import termios
from dataclasses import dataclass, field
from fcntl import ioctl
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

# In place of a drill: its story, told at twenty times its pace, on a timeline as the real one would be. In the middle
# of the recovery it goes on only once there is a file `go-<drill>`.
CONFTEST = """
import time
from types import SimpleNamespace
import pytest
from muster.base.timeline import Timeline
from muster.plugin.fixtures import DRILL
from muster.plugin.run import RUN
from muster.plugin.terminal import announce
from muster.verdict import judge
from muster.verdict.testing import EPOCH, DrillStory

PACE = 20
PHASES = [(0.0, "load", "steady at 50 requests/s"), (1.0, "steady", ""), (5.0, "inject", "db-failure"),
          (6.0, "recover", "promote-standby"), (11.8, "good", ""), (17.0, "undo", "db-failure"), (18.0, "judge", "")]

class Told:
    def __init__(self, item, directory):
        self.name = item.name.removeprefix("test_")
        self.state = self.live = SimpleNamespace(update=lambda: None, events=[])
        self.pump = lambda: None
        self.project = SimpleNamespace(root=item.config.rootpath, experiments=item.config.rootpath / "experiments")
        self.declaration = SimpleNamespace(system="told", fault="pod-crash")
        self.directory = directory
        self.timeline_path = directory / f"{self.name}.jsonl"
        self.declared = {"name": self.name, "nodeid": item.nodeid}

    def story(self, **more):
        return DrillStory(declared={**self.declared, **more}).events()

    def tell(self, **more):
        events = [event for event in self.story(**more) if event["kind"] != "timeline"]
        events += [{"t": EPOCH + t, "kind": "phase", "phase": phase, "detail": detail} for t, phase, detail in PHASES]
        events.append({"t": EPOCH + 7, "kind": "pod", "pod": "db-a-0", "change": "gone \\x1b[31m"})
        self.declared.update(more)
        with Timeline.start(self.timeline_path, run="told", drill=self.name) as timeline:
            begin = time.monotonic()
            held = False
            for event in sorted(events, key=lambda event: event["t"]):
                if event["t"] > EPOCH + 9 and not held:
                    held = True
                    begin += self.wait_for_go()
                times = {key: begin + (event[key] - EPOCH) / PACE for key in ("t", "intended", "sent", "done")
                         if key in event}
                while time.monotonic() < times["t"]:
                    time.sleep(0.01)
                timeline.append(**{**event, **times})

    def wait_for_go(self):
        began = time.monotonic()
        while not (self.project.root / f"go-{self.name}").exists():
            assert time.monotonic() < began + 60, "nobody saw the drill on the terminal"
            time.sleep(0.01)
        return time.monotonic() - began

    def conclude(self, error):
        outcome = "passed" if error is None else f"{type(error).__name__}: {error}"
        return judge(DrillStory(declared=self.declared, outcome=outcome).events())

@pytest.fixture
def drill(request):
    run = request.config.stash[RUN]
    run.begin()
    request.node.stash[DRILL] = told = Told(request.node, run.directory)
    announce(request.node, told.name, system="told")
    yield told
"""

DRILLS = '''
import pytest

def marked(**more):
    return pytest.mark.drill(severity="P1", fault="db-failure", load="steady", recovery="promote-standby", **more)

@marked()
def test_met(drill):
    """Everything comes back in time."""
    print("printed by the test")
    drill.tell()

@marked()
def test_late(drill):
    """It takes longer than it may."""
    drill.tell(rto_budget_s=1.0)
'''


def tell_drills(project: DrillProject, drills: str = DRILLS) -> None:
    """Replace the project's drills by told ones."""
    for path in (project.root / "drills").glob("test_*.py"):
        path.unlink()
    project.write("conftest.py", CONFTEST)
    project.write("drills/test_told.py", drills)
    for name in ("met", "late"):
        project.write(f"go-{name}", "")


@dataclass
class PseudoTerminal:
    """A session's terminal as a person saw it: every state of the screen, and all that was written."""

    columns: int
    rows: int
    frames: list[str] = field(default_factory=list)
    written: bytes = b""
    code: int | None = None

    def __post_init__(self) -> None:
        self._screen = pyte.Screen(self.columns, self.rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def last(self) -> str:
        """The screen as it is now, without trailing blanks."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def take(self, data: bytes) -> None:
        """Show what was written."""
        self.written += data
        self._stream.feed(data)
        self.frames.append(self.last)

    def shows(self, texts: tuple[str, ...]) -> bool:
        """Whether the screen has all the texts now."""
        return all(text in self.last for text in texts)

    def seen(self, *texts: str) -> bool:
        """Whether some state of the screen had all the texts at once."""
        return any(all(text in frame for text in texts) for frame in self.frames)


def run_on_terminal(
    project: DrillProject,
    *arguments: str,
    columns: int = 80,
    rows: int = 60,
    shown: dict[str, tuple[str, ...]] | None = None,
    interrupt_at: tuple[str, ...] = (),
    **environment: str,
) -> PseudoTerminal:
    """Run a pytest session on a terminal of its own.

    Each told drill of `shown` goes on only once the screen has had its texts; Ctrl-C is pressed once it has those of
    `interrupt_at`, and `met` waits for that.
    """
    waiting = dict(shown or {})
    for name in [*waiting, *(["met"] if interrupt_at else [])]:
        (project.root / f"go-{name}").unlink()
    terminal = PseudoTerminal(columns, rows)
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    kept = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **environment}
    process = subprocess.Popen(
        # `setsid --ctty` gives the session the terminal, so that a key pressed there becomes a signal.
        ["env", "-u", "NO_COLOR", "-u", "COLUMNS", "-u", "CI", *[f"{k}={v}" for k, v in kept.items()],
         "setsid", "--ctty", "--wait", "env", "--default-signal=INT", *project.command("drills", *arguments)],
        cwd=project.root, env=project.environment(), stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    pressed = not interrupt_at
    try:
        while data := _read(master):
            terminal.take(data)
            for name in [name for name, texts in waiting.items() if terminal.shows(texts)]:
                del waiting[name]
                project.write(f"go-{name}", "")
            if not pressed and terminal.shows(interrupt_at):
                os.write(master, b"\x03")
                pressed = True
        terminal.code = process.wait(60)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        os.close(master)
    return terminal


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # EIO: nobody has the terminal open any more
        return b""
