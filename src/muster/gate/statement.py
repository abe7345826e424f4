"""What an acceptance says: an in-toto Statement v1 about a release's images, and the predicate that muster defines.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md. The predicate's schema is
`muster.schemas`' acceptance-v1.json; docs/gate.md explains it. Times are UTC, ISO 8601.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from muster.base.errors import UsageError
from muster.base.texts import one_line
from muster.gate.envelope import NotAcceptedError, read_json

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://muster.dev/acceptance/v1"

Outcome = Literal["met", "missed", "unknown"]
Purpose = Literal["production", "rehearsal"]
Evidence = Literal["cluster", "rehearsal", "files", "person"]

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def _is_line(text: str) -> str:
    if text != one_line(text):
        raise ValueError("a text of several lines, or with what cannot be seen")
    return text


def _is_moment(text: str) -> str:
    if datetime.fromisoformat(text).utcoffset() != UTC.utcoffset(None):
        raise ValueError("a time that is not UTC")
    return text


Line = Annotated[str, Field(max_length=2000), AfterValidator(_is_line)]
Said = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\w"), AfterValidator(_is_line)]
Moment = Annotated[str, AfterValidator(_is_moment)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Exact(BaseModel):
    """What is not known is refused, and nothing is taken for something else."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Digest(Exact):
    """A digest, in hexadecimal."""

    sha256: Sha256


class Subject(Exact):
    """An image, by the name that manifests give it, and by what it is."""

    name: Said
    digest: Digest


class Item(Exact):
    """One thing that is demanded of a release, and what is known of it.

    `why` is what it comes to, `lines` the evidence, `at` from when that is, `source` where it was found. `evidence` is
    of what kind: a cluster's, a rehearsal's (the embedded cluster, or times that were scaled), the files' of the
    release, a person's word.
    """

    name: Said
    outcome: Outcome
    why: Line
    lines: list[Line] = []
    at: Moment
    source: Line
    evidence: Evidence


class Waiver(Exact):
    """An item that is not demanded until a moment: who decided that, and why."""

    what: Said
    who: Said
    why: Said
    until: Moment


class Acceptance(Exact):
    """The predicate: whether the subjects, with this configuration, may be let in where `for` says, and why.

    `verdict` follows from items and waivers by `muster.gate.judging`; who verifies works it out again.
    """

    system: Said
    release: Said
    configuration: Digest
    purpose: Purpose = Field(alias="for")
    cluster: Line
    verdict: Outcome
    why: list[Line]
    made: Moment
    expires: Moment
    by: Said
    muster: Said
    items: Annotated[list[Item], Field(min_length=1)]
    waivers: list[Waiver] = []

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [item.name for item in self.items]
        if len(set(names)) != len(names):
            raise ValueError("an item stands twice")
        if moment(self.expires) <= moment(self.made):
            raise ValueError("it expired before it was made")
        return self


class Statement(Exact):
    """What is signed."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type", default="https://in-toto.io/Statement/v1")
    subject: Annotated[list[Subject], Field(min_length=1)]
    predicate_type: Literal["https://muster.dev/acceptance/v1"] = Field(
        alias="predicateType", default="https://muster.dev/acceptance/v1"
    )
    predicate: Acceptance

    def payload(self) -> bytes:
        """The bytes that are signed."""
        return self.model_dump_json(by_alias=True).encode()


def read_statement(payload: bytes) -> Statement:
    """The statement that a signed payload is.

    Raises:
        NotAcceptedError: it is none, or one of another kind or version.
    """
    content = read_json(payload, "the payload")
    if not isinstance(content, dict):
        raise NotAcceptedError("the payload is no statement")
    for key, wanted in (("_type", STATEMENT), ("predicateType", PREDICATE)):
        if content.get(key) != wanted:
            raise NotAcceptedError(f"the payload's {key} is {_told(content.get(key))}; right would be {wanted}")
    try:
        return Statement.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the statement"
        raise NotAcceptedError(
            f"the payload is no acceptance: {one_line(where)[:80]}: {one_line(first['msg'])[:200]}"
        ) from None


def _told(value: Any) -> str:
    return f"'{one_line(value)[:80]}'" if isinstance(value, str) else "missing" if value is None else "no text"


def moment(text: str) -> datetime:
    """A time of an acceptance."""
    return datetime.fromisoformat(text)


def sha256_of(text: str) -> str:
    """The 64 hexadecimal digits of a digest, with `sha256:` before it or without.

    Raises:
        UsageError: it is none.
    """
    if not (found := _DIGEST.fullmatch(text)):
        raise UsageError(f"'{text}' is no digest; right would be sha256: and 64 hexadecimal digits")
    return found[1]
