"""Starting a container's main program, and further programs inside a running container.

Each start forks twice. The first child prepares what can be prepared from outside (namespaces) and reports the process
id of the second, which becomes the program; with a process namespace the second is its first process, so that killing
it kills all that it started. Without namespaces the first child stays as a subreaper that ends what is left over when
the program has ended.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from contextlib import suppress

from muster.embedded.node.supervisor import jail, linux

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    Message = dict[str, Any]


def start(message: Message, stdio: tuple[int, int, int]) -> int:
    """Start a container's program and return its process id.

    `message` has `argv`, `env`, `cwd` and `jail` (a `jail.Spec`, None without namespaces).

    Raises:
        OSError: it cannot be started; the message says which step failed.
    """
    spec = message["jail"]
    if spec is None:
        return _fork(lambda ready: _guard(message, stdio, ready))
    return _fork(lambda ready: _enter(lambda: jail.leave(spec), lambda: jail.build(spec), message, stdio, ready))


def run_inside(message: Message, main: int, jailed: bool, stdio: tuple[int, int, int]) -> int:
    """Start a program in the namespaces of the container whose main program is process `main`; its process id.

    `message` has `argv`, `env`, `cwd`, and `tty`: whether `stdio` is a terminal to take as the controlling one.

    Raises:
        OSError: it cannot be started.
    """
    if not jailed:
        return _fork(lambda ready: _guard(message, stdio, ready))
    return _fork(lambda ready: _enter(lambda: jail.join(main), lambda: None, message, stdio, ready))


def descendants(pid: int) -> list[int]:
    """Process ids below `pid`, found through /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, IndexError, ValueError), open(f"/proc/{name}/stat") as file:
                # The command's name, in brackets, may itself hold blanks and brackets.
                parent = int(file.read().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


class _Ready:
    """The child's side of a start: tells process id or failure, and waits for leave to become the program."""

    def __init__(self, tell: int, go: int) -> None:
        self._tell = tell
        self._go = go

    def started(self, pid: int) -> None:
        os.write(self._tell, f"p{pid}\n".encode())

    def failed(self, error: OSError | ValueError) -> NoReturn:
        """`ValueError`: a NUL byte, or a name of a variable that is none."""
        if isinstance(error, ValueError):
            error = OSError(errno.EINVAL, str(error))
        name = os.fsdecode(error.filename) if error.filename else ""
        text = f"e{error.errno or 0}:{name}:{error.strerror or error}\n"
        os.write(self._tell, text.encode(errors="surrogateescape"))
        os._exit(128)

    def close(self) -> None:
        os.close(self._tell)
        os.close(self._go)

    def wait(self) -> None:
        """Wait until the supervisor is our parent. Ends this process where the supervisor is gone."""
        if not os.read(self._go, 1):
            os._exit(137)


def _fork(child: Callable[[_Ready], NoReturn]) -> int:
    """Run `child` in a new process; returns the process id that it told. It has become the program by then."""
    told, tell = os.pipe()
    go, release = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(told)
        os.close(release)
        signal.set_wakeup_fd(-1)
        try:
            child(_Ready(tell, go))
        finally:
            os._exit(128)
    os.close(tell)
    os.close(go)
    try:
        with open(told, "rb") as answers:
            return _await_start(pid, answers, release)
    finally:
        os.close(release)


def _await_start(pid: int, answers: Any, release: int) -> int:
    program = None
    for line in answers:
        text = line.decode(errors="surrogateescape").strip()
        if text[:1] == "e":
            number, name, why = text[1:].split(":", 2)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
            raise OSError(int(number), why, name or None)
        program = int(text[1:])
        if program != pid:
            os.waitpid(pid, 0)  # now the program, or what guards it, is our own child
        os.write(release, b"g")
    if program is None:
        raise OSError(0, "ended before it had begun")
    return program


def _enter(
    step_in: Callable[[], None],
    settle: Callable[[], None],
    message: Message,
    stdio: tuple[int, int, int],
    ready: _Ready,
) -> NoReturn:
    try:
        step_in()
        pid = os.fork()
    except OSError as error:
        ready.failed(error)
    if pid:
        ready.started(pid)
        os._exit(0)
    ready.wait()
    try:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        settle()
        _become(message, stdio)
    except (OSError, ValueError) as error:
        ready.failed(error)


def _guard(message: Message, stdio: tuple[int, int, int], ready: _Ready) -> NoReturn:
    """Without namespaces: run the program below this process, and end all that it leaves behind."""
    ready.started(os.getpid())
    ready.wait()
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program = os.fork()
    if program == 0:
        try:
            linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
            _become(message, stdio)
        except (OSError, ValueError) as error:
            ready.failed(error)
    supervisor = os.getppid()

    def pass_on(number: int, _frame: object) -> None:
        if os.getppid() != supervisor:
            _kill_descendants()
        with suppress(ProcessLookupError):
            os.kill(program, number)

    signal.signal(signal.SIGTERM, pass_on)
    _let_go(ready, stdio)
    status = _wait_for(program)
    _kill_descendants()
    _end_like(status)


def _let_go(ready: _Ready, stdio: tuple[int, int, int]) -> None:
    """Close what the program holds now, so that its end is seen."""
    ready.close()
    for descriptor in {0, *stdio}:  # 0 is the supervisor's way to the kubelet
        with suppress(OSError):
            os.close(descriptor)


def _wait_for(program: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == program:
            return status


def _kill_descendants() -> None:
    while True:
        left = descendants(os.getpid())
        if not left:
            return
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.002)  # noqa: TID251 - stands alone


def _end_like(status: int) -> NoReturn:
    """End this process as the program ended."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _become(message: Message, stdio: tuple[int, int, int]) -> NoReturn:
    """Turn this process into the program."""
    os.setsid()
    for target, descriptor in enumerate(stdio):
        os.dup2(descriptor, target)
    if message.get("tty"):
        import fcntl  # noqa: PLC0415 - rarely needed, and this process starts often
        import termios  # noqa: PLC0415

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(message["cwd"])
    os.umask(0o022)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(message["argv"][0], message["argv"], message["env"])  # noqa: S606 - no shell is wanted
