"""Commands of the operator's own around a drill: they announce it and silence alerts, and take that back afterwards.

Those that come after run whenever one that comes before may have been run, by the guardian where the session is gone.
None of them decides about a verdict, but a drill that could not be announced is not held.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from muster.base.command import run_command, words_of
from muster.base.errors import MusterError
from muster.base.timeline import Timeline, TimelineError

When = Literal["before", "after"]
HOOK_VARIABLE = "MUSTER_HOOK"
DRILL_VARIABLE = "MUSTER_DRILL"
TARGET_VARIABLE = "MUSTER_TARGET"
VERDICT_VARIABLE = "MUSTER_VERDICT"
UNKNOWN = "unknown"  # the verdict of a drill that nobody came to judge


@dataclass(frozen=True)
class Hooks:
    """Commands (as lists of words) that run one after the other in `directory`, each for at most `within_s` seconds.

    `environment` is what they find beside that of the process that runs them.
    """

    when: When
    commands: tuple[tuple[str, ...], ...]
    directory: Path
    within_s: float
    environment: Mapping[str, str]

    @classmethod
    def of(
        cls,
        when: When,
        commands: Sequence[str | Sequence[str]],
        *,
        directory: Path,
        within_s: float,
        drill: str,
        target: str,
    ) -> Self:
        """The hooks of a drill; `target` is CONTEXT/NAMESPACE.

        Raises:
            UsageError: a command is none.
        """
        environment = {HOOK_VARIABLE: when, DRILL_VARIABLE: drill, TARGET_VARIABLE: target}
        return cls(when, tuple(tuple(words_of(one)) for one in commands), directory, within_s, environment)

    def run(self, timeline: Timeline, **more: str) -> str:
        """Run them, each line that they write on the timeline; why one failed, or the empty text.

        Before a drill the first one that fails is the last; after it each is run, whatever became of the others.
        `more` is added to their environment.
        """
        failed = ""
        for command in self.commands:
            why = self._run(command, timeline, {**self.environment, **more})
            failed = failed or why
            if why and self.when == "before":
                break
        return failed

    def to_json(self) -> dict[str, Any]:
        """What another process can run them by."""
        return {**vars(self), "directory": str(self.directory), "environment": dict(self.environment)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        commands = tuple(tuple(command) for command in content["commands"])
        return cls(**{**content, "commands": commands, "directory": Path(content["directory"])})

    def _run(self, command: Sequence[str], timeline: Timeline, environment: Mapping[str, str]) -> str:
        words = shlex.join(command)

        def tell(state: str, **fields: Any) -> None:
            with contextlib.suppress(TimelineError):  # a full disk keeps nobody's alerts silenced
                timeline.append("hook", when=self.when, command=words, state=state, **fields)

        tell("began")
        try:
            ran = run_command(
                command,
                directory=self.directory,
                environment=environment,
                within_s=self.within_s,
                told=lambda line: tell("output", line=line),
            )
        except MusterError as error:
            why = str(error)
        else:
            why = f"'{words}' ended with {ran.status}{f': {ran.last}' if ran.last else ''}" if ran.status else ""
        tell("ended", ok=not why, why=why)
        return why
