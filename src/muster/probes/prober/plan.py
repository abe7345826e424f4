"""What a prober is told, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from muster.base.errors import UsageError
from muster.base.lines import key_of
from muster.system.definition import ExpectProbe, ReadProbe
from muster.system.ledger import AnyLedger
from muster.system.parts import ProberLimits

READ = "read"
WRITE = "write"


class Plan(BaseModel):
    """One prober's work. `run` is part of each write's id and must be new with each prober; `directory` is that of
    system.yaml, where a class of the user's own is looked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeline: Path
    url: str
    run: str
    read: ReadProbe
    ledger: AnyLedger = None
    further: list[ExpectProbe] = []
    limits: ProberLimits = ProberLimits()
    directory: Path = Path()

    def probes(self) -> list[dict[str, Any]]:
        """The probes as the `prober` event tells them."""
        written = [] if self.ledger is None else [self.ledger]
        return [
            {"name": READ, "every_s": self.read.every_s, "limit_s": self.read.limit_s, "write": False},
            *({"name": WRITE, "every_s": p.every_s, "limit_s": p.limit_s, "write": True} for p in written),
            *({"name": p.name, "every_s": p.every_s, "limit_s": p.limit_s, "write": False} for p in self.further),
        ]


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        UsageError: it cannot be read, or is no plan.
    """
    try:
        return Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"prober plan {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = key_of(first["loc"]) or "the document"
        raise UsageError(f"prober plan {path}: {where}: {first['msg']}") from None
