"""Everything looked at in its order, each by itself: what fails is said, and the rest is looked at all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from muster.preflight.finding import Finding, Result, State, outcome_of, unknown
from muster.setup import looks, selftest
from muster.setup.subject import Subject

CHECKS: tuple[tuple[str, Callable[[Subject], Result | None]], ...] = (
    ("programs", looks.programs),
    ("system", looks.system),
    ("configuration", looks.configuration),
    ("store", looks.store),
    ("cluster", looks.cluster),
    ("rights", looks.rights),
    ("monitoring", looks.monitoring),
    ("channels", looks.channels),
    ("backups", looks.backups),
    ("an incident", selftest.incident),
    ("the key", selftest.key),
    ("a notice", selftest.notice),
)


class SetupReport(BaseModel):
    """Everything that was found; `outcome` is `failed` where anything is, else `unknown` where anything is. `settings`
    names those of muster that the environment holds, never their values."""

    model_config = ConfigDict(frozen=True)

    schema_: Literal["muster/setup/v1"] = Field(alias="schema", default="muster/setup/v1")
    system: str | None
    acting: bool
    outcome: State
    settings: list[str]
    checks: list[Finding]

    @property
    def exit_code(self) -> int:
        """0 where all is fine, 1 where something is wrong, 2 where something could not be told."""
        return {"fine": 0, "failed": 1, "unknown": 2}[self.outcome]


def set_up(subject: Subject) -> Iterator[Finding]:
    """Each check's finding, as soon as it is there; none of what there is nothing to look at for."""
    for name, look in CHECKS:
        try:
            found = look(subject)
        except Exception as error:  # noqa: BLE001 - what one thing raises keeps nobody from looking at the others
            found = unknown(f"it broke off: {type(error).__name__}: {error}", "please report it")
        if found is not None:
            yield Finding.of(name, found)


def report_of(subject: Subject, findings: list[Finding]) -> SetupReport:
    """What all of them come to."""
    return SetupReport(
        system=None if subject.system is None else subject.system.name,
        acting=subject.acting,
        outcome=outcome_of(findings),
        settings=looks.environment(subject.environment),
        checks=findings,
    )
