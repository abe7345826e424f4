"""`muster run`: hold drills with pytest, and exit by the verdict of the run that this very session made.

`pytest drills; muster verdict` are two commands, of which the second has to find out what the first came to. A pytest
that dies before any plugin of its is loaded leaves no trace to find. Here one process knows both.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from muster.cli.codes import FINDING, FINE, UNKNOWN, USED_WRONGLY

ENDED_BY_ITSELF = (0, 1, 5)  # pytest's exit codes for: all well, a test failed, nothing collected
PLANNED = (FINE, FINDING, UNKNOWN)


@click.command(
    short_help="Hold drills with pytest; exit by their verdict.",
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["--help"],
    },
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENTS]...")
def run(arguments: tuple[str, ...]) -> None:
    """Hold drills with pytest and exit by the verdict of this very run: 0 met, 1 missed, 2 unknown.

    ARGUMENTS are pytest's; without any they are `drills`. A pytest that came to no run of drills, for whatever reason,
    is unknown. Where every drill is met and a test beside them failed, the exit code is 1. With --plan nothing is held,
    and the plan's exit code is given: 0, 1 where a drill would be refused, 2 where the cluster does not answer.
    """
    from muster.base.asked import RECEIPT_VARIABLE, ask, explain
    from muster.cli.project import find_project

    if "--plan" in arguments:
        code = pytest_run(arguments)
        sys.exit(code if code in PLANNED else USED_WRONGLY)
    note = ask(find_project(Path.cwd()).reports)
    with tempfile.TemporaryDirectory(prefix="muster-run-") as scratch:
        receipt = Path(scratch) / "run"
        code = pytest_run(arguments or ("drills",), {RECEIPT_VARIABLE: str(receipt)})
        directory = Path(receipt.read_text()) if receipt.exists() else None
    if directory is None:
        why = f"pytest ended with {code} and held no drill"
        if note is not None:
            explain(note, why)
        click.echo(f"unknown: {why}")
        sys.exit(UNKNOWN)
    if note is not None:
        note.unlink(missing_ok=True)
    sys.exit(_concluded(directory, code))


def _concluded(directory: Path, code: int) -> int:
    """The exit code of a run, where pytest's own was `code`."""
    from muster.report import exit_code, outcome
    from muster.report.standing import standing

    summary = standing(directory)
    verdict, why = outcome(summary)
    click.echo(f"{verdict}: {why} ({summary.system} on {summary.cluster}, evidence: {summary.evidence})")
    if code not in ENDED_BY_ITSELF:
        click.echo(f"muster: pytest ended with {code}, which is no verdict", err=True)
        return UNKNOWN
    concluded = exit_code(summary)
    if concluded == 0 and code != 0:
        click.echo(f"muster: pytest ended with {code}: a test beside the drills failed", err=True)
        return FINDING
    return concluded


def pytest_run(arguments: Sequence[str], more: Mapping[str, str] | None = None) -> int:
    """Run pytest, to its end whatever happens meanwhile, with `more` in its environment, and return its exit code; -N
    where it died of signal N."""
    # -P: the modules of the present directory are no more importable than with the command `pytest`.
    command = [sys.executable, "-P", "-m", "pytest", *arguments]
    with subprocess.Popen(command, env={**os.environ, **(more or {})}) as process, _passing_on(process):
        return process.wait()


@contextmanager
def _passing_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave it to pytest to end: it has faults to undo. Ctrl-C reaches it by itself, from the terminal."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, pass_on)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
