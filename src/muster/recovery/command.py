"""A command of the operator's own as a recovery procedure: run within a limit, its output told, its effect checked."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from muster.base.command import check_program, run_command, words_of
from muster.base.errors import MusterError, RefusedError, UsageError
from muster.base.process import run_id
from muster.probes.answers.reading import read_once
from muster.probes.http.outcomes import Outcome
from muster.steps import NO_PARAMETERS, Context, Step, StepOutline
from muster.system import SystemDefinition
from muster.system.definition import SYSTEM_VARIABLE
from muster.system.procedures import CommandProcedure

CHECK_WITHIN_S = 10.0


class Command:
    """A procedure that is a command, see `muster.system.procedures`."""

    parameters: Mapping[str, str] = NO_PARAMETERS

    def __init__(self, name: str, spec: CommandProcedure, directory: Path) -> None:
        """`directory` is where the command is run.

        Raises:
            UsageError: a program is not there.
        """
        self.name, self._spec, self._directory = name, spec, directory
        self._run = words_of(spec.run)
        self._check = None if spec.check is None else words_of(spec.check)
        self.summary = spec.summary or f"your own: {shlex.join(self._run)}"
        for command in filter(None, (self._run, self._check)):
            check_program(command, directory)

    def text(self) -> str:
        """The command and, where its program is a text, that."""
        program = self._run[0]
        path = self._directory / program if "/" in program else Path(shutil.which(program) or os.devnull)
        try:
            said = path.read_bytes()
        except OSError:
            said = b""
        return shlex.join(self._run) if b"\0" in said else f"{shlex.join(self._run)}\n{said.decode(errors='replace')}"

    def outline(self, _system: SystemDefinition) -> Sequence[StepOutline]:
        return (
            StepOutline(f"run {shlex.join(self._run)}", "runs the command, unless all is well, and waits until it is"),
        )

    def steps(self, context: Context) -> Iterable[Step]:
        work = _Work(self, context, self._spec, self._directory, self._run, self._check)
        yield Step(
            f"run {shlex.join(self._run)}",
            lambda: bool(work.trouble()),
            work.run,
            lambda: not work.trouble(),
            within_s=self._spec.well_within_s,
            waits_for=work.trouble,
            would=lambda: f"run it in {self._directory}",
        )


class _Work:
    """One execution of it."""

    def __init__(  # noqa: PLR0917
        self,
        procedure: Command,
        context: Context,
        spec: CommandProcedure,
        directory: Path,
        command: list[str],
        check: list[str] | None,
    ) -> None:
        self._name, self._context, self._spec, self._directory = procedure.name, context, spec, directory
        self._command, self._check = command, check

    def trouble(self) -> str:
        """What is not well, a phrase; empty where all is."""
        if self._check is None:
            answer = read_once(self._context.url, self._context.system.read)
            path = self._context.system.read.request.path
            return "" if answer.outcome is Outcome.OK else f"{path}: {answer.outcome}: {answer.why}"
        try:
            ran = run_command(
                self._check, directory=self._directory, environment=self._environment(), within_s=CHECK_WITHIN_S
            )
        except MusterError as error:
            return str(error)
        said = f": {ran.last}" if ran.last else ""
        return f"'{shlex.join(self._check)}' ended with {ran.status}{said}" if ran.status else ""

    def run(self) -> str:
        """Run the command.

        Raises:
            RefusedError: it ended with another status than 0.
            TimeoutExceededError: it did not end in its time, and was ended.
        """
        ran = run_command(
            self._command,
            directory=self._directory,
            environment=self._environment(),
            within_s=self._spec.within_s,
            told=self._tell,
        )
        said = f": {ran.last}" if ran.last else ""
        if ran.status:
            raise RefusedError(f"'{shlex.join(self._command)}' ended with {ran.status}{said}")
        for changed in self._spec.changes:
            self._context.changed(changed, "patch")
        return f"it ended with 0{said}"

    def _tell(self, line: str) -> None:
        if self._context.timeline:
            step = f"run {shlex.join(self._command)}"
            self._context.timeline.append("recovery.output", procedure=self._name, step=step, line=line)
        if self._context.told:
            self._context.told(line)

    def _environment(self) -> dict[str, str]:
        context = self._context
        return {
            "KUBECONFIG": str(context.cluster.kubeconfig),
            "MUSTER_CONTEXT": context.cluster.context,
            "MUSTER_NAMESPACE": context.namespace,
            "MUSTER_PROCEDURE": self._name,
            "MUSTER_RUN_ID": run_id(),
            SYSTEM_VARIABLE: str(context.system.path),
            "MUSTER_URL": context.url,
        }


def of_marker(said: Mapping[str, Any], directory: Path) -> Command:
    """The procedure that a drill's marker describes: `recovery={"run": "./failover.sh"}`. Its name is `name`, else the
    program's without its ending.

    Raises:
        UsageError: a key is unknown, or missing, or wrong; or a program is not there.
    """
    own = {key: value for key, value in said.items() if key != "name"}
    try:
        spec = CommandProcedure.model_validate(own)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "recovery"
        raise UsageError(f"recovery of the drill marker: '{where}': {first['msg']}") from None
    return Command(name_of(said), spec, directory)


def name_of(said: Mapping[str, Any]) -> str:
    """What a procedure that a marker describes is called."""
    if isinstance(name := said.get("name"), str) and name:
        return name
    run = said.get("run")
    words = run.split() if isinstance(run, str) else list(run or [])
    return Path(str(words[0])).stem if words else "command"


def of_system(system: SystemDefinition) -> list[Command]:
    """The procedures that system.yaml names.

    Raises:
        UsageError: a program is not there.
    """
    return [Command(name, spec, system.directory) for name, spec in system.procedures.items()]
