"""The part `procedures` of system.yaml: commands of one's own that are recovery procedures, by name."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from muster.system.schema import Seconds, Strict

ObjectName = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]


class CommandProcedure(Strict):
    """A command that mends a system: a program and its arguments, as a text or as a list; paths are relative to the
    directory of system.yaml, of a drill's marker to the project's.

    `check` is a command that ends with 0 where the system is well; without one the read of system.yaml must be answered
    rightly. It is asked before, and then nothing is run where all is well, and after, until `well_within_s`. `changes`
    names the objects (`Kind/name`) that the command changes: what came back must rely on one of them to prove it.
    """

    run: str | list[str]
    check: str | list[str] | None = None
    within_s: Seconds = 60.0
    well_within_s: Seconds = 30.0
    changes: list[ObjectName] = []
    summary: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        for key in ("run", "check"):
            said = getattr(self, key)
            if said is not None and not (said.strip() if isinstance(said, str) else said):
                raise ValueError(f"'{key}' is empty: right would be a program and its arguments, such as ./failover.sh")
        return self
