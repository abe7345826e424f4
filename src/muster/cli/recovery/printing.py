"""What a person, and what a program, is shown of a procedure: its plan, its steps while they run, how it ended."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from muster.safety import ProcedureRecord
    from muster.steps import Outcome, PlannedStep, Step, StepOutcome

SCHEMA = "muster/recovery/v1"
STATES = {"done": "done", "skipped": "skipped", "failed": "FAILED"}
PLANNED = {"looks": "looks", "skipped": "skip", "would": "would", "then": "then", "refused": "REFUSED"}
WIDTH = 32  # of a step's name
BEFORE = 18  # columns before it: how it ended, and its seconds
COLUMNS = 80
INDENT = 10  # of what a planned step would do, under its name


class StepPrinter:
    """Prints each step as it goes: a line with its seconds when it ends, and where it is `live` one while it runs."""

    def __init__(self, *, live: bool, silent: bool = False) -> None:
        """`silent` is for whoever reads the end alone."""
        self._live, self._silent = live, silent

    def began(self, step: Step) -> None:
        if self._live:
            self._say(f"{'...':<8}  {step.name}", nl=False)

    def waits(self, step: Step, what: str) -> None:
        """Say what a step waits for; on a terminal the line that is under way stays the last."""
        clear = "\r\x1b[K" if self._live else ""
        self._say(clear + self._fitted(f"{'waits':<8} {'':>7}  {step.name}", what))
        if self._live:
            self.began(step)

    def said(self, line: str) -> None:
        """Show a line that a command of the operator's own wrote."""
        clear = "\r\x1b[K" if self._live else ""
        self._say(f"{clear}{'':<18}| {line}")

    def ended(self, outcome: StepOutcome) -> None:
        if self._live:
            self._say("\r\x1b[K", nl=False)
        seconds = outcome.ended - outcome.began
        detail = "" if outcome.state == "skipped" else outcome.detail
        self._say(self._fitted(f"{STATES[outcome.state]:<8} {seconds:5.1f} s  {outcome.name}", detail))

    def _fitted(self, head: str, detail: str) -> str:
        """A line; on a terminal that is too narrow for it what it says goes below, into columns of its own."""
        if not detail:
            return head
        line = f"{head:<{BEFORE + WIDTH}}  {detail}"
        if not self._live or len(line) <= COLUMNS:
            return line
        room = " " * BEFORE
        below = textwrap.wrap(detail, COLUMNS, initial_indent=room, subsequent_indent=room, break_on_hyphens=False)
        return "\n".join([head, *below])

    def _say(self, text: str, *, nl: bool = True) -> None:
        if not self._silent:
            click.echo(text, nl=nl)


def plan_lines(planned: Sequence[PlannedStep]) -> Iterator[str]:
    """A plan, no line longer than 80 columns: what each step saw or would do stands under its name."""
    for step in planned:
        yield f"{PLANNED[step.state]:<{INDENT}}{step.name}"
        if step.state != "skipped":
            room = " " * INDENT
            yield from textwrap.wrap(
                step.detail, COLUMNS, initial_indent=room, subsequent_indent=room, break_on_hyphens=False
            )


def plan_end(procedure: str, planned: Sequence[PlannedStep]) -> str:
    """What a plan comes to, in one line."""
    if refused := [step for step in planned if step.state == "refused"]:
        return f"{procedure} would end at '{refused[0].name}', having done nothing"
    acting = sum(step.state in {"would", "then"} for step in planned)
    if not acting:
        return f"{procedure} would do nothing: nothing is wrong that it mends"
    return f"nothing was changed; {procedure} would act in {'1 step' if acting == 1 else f'up to {acting} steps'}"


def resumed_lines(record: ProcedureRecord) -> Iterator[str]:
    """What is known of an execution that is gone on with."""
    how = f"failed at step '{record.step}'" if record.failed else f"was cut at step '{record.step}'"
    yield f"going on: begun {record.began} by {record.by} on {record.host}, {how}"
    for done in record.done:
        yield f"  done before: {done.step}: {done.did}"


def as_json(
    procedure: str, target: tuple[str, str], arguments: Mapping[str, str], steps: Sequence[PlannedStep] | Outcome
) -> dict[str, Any]:
    """A plan or an outcome for programs (`muster/recovery/v1`); `target` is context and namespace."""
    head = {
        "schema": SCHEMA,
        "procedure": procedure,
        "context": target[0],
        "namespace": target[1],
        "arguments": dict(arguments),
    }
    if isinstance(steps, Sequence):
        refused = [step.detail for step in steps if step.state == "refused"]
        planned = [{"name": one.name, "state": one.state, "detail": one.detail, "seconds": None} for one in steps]
        return {**head, "plan": True, "ok": not refused, "why": "".join(refused[:1]), "steps": planned}
    ran = [
        {"name": one.name, "state": one.state, "detail": one.detail, "seconds": round(one.ended - one.began, 3)}
        for one in steps.steps
    ]
    return {**head, "plan": False, "ok": steps.ok, "why": steps.why, "steps": ran}
