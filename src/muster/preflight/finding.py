"""What a check says, and what all of them say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["fine", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one check saw, in one line, and how that is mended.

    `drills` are the node ids that it is about, where not all are; `blocks` is whether they cannot be held so.
    """

    state: State
    seen: str
    mend: str = ""
    drills: tuple[str, ...] = ()
    blocks: bool = False


def fine(seen: str, mend: str = "") -> Result:
    """All is well; `mend` may say what would be better still."""
    return Result("fine", seen, mend)


def failed(seen: str, mend: str, *, drills: tuple[str, ...] = (), blocks: bool = True) -> Result:
    """Something is wrong; it makes the drills impossible, unless it is only worth knowing."""
    return Result("failed", seen, mend, drills, blocks)


def unknown(seen: str, mend: str = "") -> Result:
    """It could not be told."""
    return Result("unknown", seen, mend)


class Finding(BaseModel):
    """A check by its name, with what it saw; `mend` is how what is wrong is mended, empty where nothing need be.

    `drills` are those (node ids) that it is about, all where it is empty; `blocks` is whether they cannot be held so.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    state: State
    seen: str
    mend: str
    drills: tuple[str, ...] = ()
    blocks: bool = False

    @classmethod
    def of(cls, name: str, result: Result) -> Finding:
        """The finding of a check of that name."""
        return cls(
            name=name,
            state=result.state,
            seen=result.seen,
            mend=result.mend,
            drills=result.drills,
            blocks=result.blocks,
        )

    @property
    def sentence(self) -> str:
        """What is wrong and how it is mended, as one sentence."""
        return f"{self.name}: {self.seen}" + (f"; {self.mend}" if self.mend else "")


class Report(BaseModel):
    """Everything that was found. `context` is null where no cluster of the user's own was asked; `asked` says whether
    that was a `context`, the cluster of `muster up` (`up`), or none. `outcome` is `failed` where anything is, else
    `unknown` where anything is; `took_s` is in seconds."""

    model_config = ConfigDict(frozen=True)

    schema_: Literal["muster/check/v1"] = Field(alias="schema", default="muster/check/v1")
    system: str
    namespace: str
    context: str | None
    asked: Literal["context", "up", "none"]
    drills: list[str]
    outcome: State
    took_s: float
    checks: list[Finding]

    @property
    def exit_code(self) -> int:
        """0 where all is fine, 1 where something is wrong, 2 where something could not be told."""
        return {"fine": 0, "failed": 1, "unknown": 2}[self.outcome]


def outcome_of(findings: list[Finding]) -> State:
    """What findings come to together."""
    states = {finding.state for finding in findings}
    return "failed" if "failed" in states else "unknown" if "unknown" in states else "fine"
