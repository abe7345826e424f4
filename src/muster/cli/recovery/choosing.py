"""What there is to choose from when something is wrong: what was begun and cut, what fits what is found, the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muster.diagnosis.diagnosis import Cause
    from muster.safety import ProcedureRecord
    from muster.steps import Procedure


@dataclass(frozen=True)
class Choice:
    """A procedure that may be run now; `reason` is why it stands where it does, empty for those that just are there."""

    procedure: Procedure
    reason: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)


def choices(known: Iterable[Procedure], begun: Sequence[ProcedureRecord], causes: Sequence[Cause]) -> list[Choice]:
    """Each procedure once: those that were begun and have not ended, those that mend what is found, the worst first,
    and then all others by name."""
    by_name = {procedure.name: procedure for procedure in known}
    found: dict[str, Choice] = {}
    for record in begun:
        if record.procedure in by_name:
            reason = f"go on: {'failed' if record.failed else 'cut'} at '{record.step}', begun by {record.by}"
            found[record.procedure] = Choice(by_name[record.procedure], reason, record.arguments)
    for cause in sorted(causes, key=lambda one: bool(one.follows_from)):
        remedy = cause.remedy
        if remedy is not None and remedy.name in by_name and remedy.name not in found:
            reason = f"{cause.severity} {cause.ref}: {cause.finding.reason}"
            found[remedy.name] = Choice(by_name[remedy.name], reason, remedy.arguments)
    rest = [Choice(procedure) for name, procedure in sorted(by_name.items()) if name not in found]
    return [*found.values(), *rest]
