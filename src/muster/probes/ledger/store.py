"""Where the ledger's writes go, whatever that is: what the prober, the read-back and the clean-up ask of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from muster.probes.http.exchange import Answer

Certainty = Literal["acknowledged", "refused", "indeterminate"]
# The ids of all writes begin so, which is how a person finds what muster wrote.
MARK = "muster-"


class Entry(NamedTuple):
    """A write by its names: our id, and what the service calls it where its ids are its own (else None)."""

    id: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write: `refused` was certainly not made. `answered` is None where nobody answered."""

    answer: Answer
    certainty: Certainty
    answered: float | None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was answered to looking for a write.

    `contents` are those that are there under its id: none where it is certainly not there, None where the answer says
    nothing. `why` is one line on that.
    """

    answer: Answer
    contents: list[object] | None
    why: str = ""


class Store(Protocol):
    """The place of the writes. A call never takes much longer than its limit, in seconds, and raises for nothing that
    the service does. `kept` asks for a connection that was used before, where there is one."""

    async def write(self, identity: str, content: str, *, kept: bool, limit_s: float) -> Written:
        """Write something."""

    async def read(self, entry: Entry, *, kept: bool, limit_s: float) -> Seen:
        """Look for a write."""

    @property
    def removes(self) -> bool:
        """Whether writes can be removed here."""

    async def remove(self, entry: Entry, *, limit_s: float) -> str:
        """Remove a write; in one line why that may not have worked, empty where it is gone."""

    async def close(self) -> None:
        """Let go of all connections."""


def digest(content: str) -> str:
    """What the timeline keeps of a written content, to know it again."""
    return hashlib.sha256(content.encode()).hexdigest()
