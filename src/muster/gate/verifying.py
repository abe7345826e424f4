"""Whether a file opens a gate: signature, kind, time, images, configuration, verdict. Needs the file and keys alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from muster.gate.envelope import NotAcceptedError, unseal
from muster.gate.judging import Judgement, judge, with_rehearsal
from muster.gate.keys import TrustedKey
from muster.gate.statement import Purpose, Statement, moment, read_statement

SKEW = timedelta(minutes=5)  # by which the clocks of two machines may differ


@dataclass(frozen=True)
class Wanted:
    """What a file is held against: images by name (with or without tag) and the hexadecimal digest that is to be let
    in; where they are `whole` there may be no others. `configuration` is a hexadecimal digest."""

    purpose: Purpose = "production"
    images: Mapping[str, str] | None = None
    whole: bool = False
    configuration: str | None = None
    system: str | None = None


@dataclass(frozen=True)
class Verified:
    """A file that is genuine and about what was wanted: what it says, who signed it, and what that comes to now."""

    statement: Statement
    key: str
    judgement: Judgement


def verify(data: bytes, trusted: Sequence[TrustedKey], wanted: Wanted, now: datetime) -> Verified:
    """What a file says of what is wanted. Its verdict may still be missed or unknown.

    Raises:
        NotAcceptedError: it is not genuine, not of this time, or about something else; one sentence.
    """
    payload, key = unseal(data, trusted)
    statement = read_statement(payload)
    acceptance = statement.predicate
    _in_time(statement, now)
    if acceptance.purpose != wanted.purpose:
        raise NotAcceptedError(f"it opens a gate for {acceptance.purpose}, and not for {wanted.purpose}")
    if wanted.system is not None and acceptance.system != wanted.system:
        raise NotAcceptedError(f"it is about system '{acceptance.system}', and not about '{wanted.system}'")
    _about_images(statement, wanted)
    if wanted.configuration is not None and acceptance.configuration.sha256 != wanted.configuration:
        told = acceptance.configuration.sha256[:12]
        raise NotAcceptedError(f"it is about configuration {told}, and not about {wanted.configuration[:12]}")
    return Verified(statement, key.name, _judged(statement, now))


def _in_time(statement: Statement, now: datetime) -> None:
    acceptance = statement.predicate
    if moment(acceptance.made) > now + SKEW:
        raise NotAcceptedError(f"it says that it was made at {acceptance.made}, which is yet to come")
    if moment(acceptance.expires) <= now:
        raise NotAcceptedError(f"it expired at {acceptance.expires}: hold the gate again")


def _about_images(statement: Statement, wanted: Wanted) -> None:
    told = dict[str, set[str]]()
    for subject in statement.subject:
        for name in {subject.name, without_tag(subject.name)}:
            told.setdefault(name, set()).add(subject.digest.sha256)
    for name, digest in (wanted.images or {}).items():
        found = told.get(name)
        if found is None:
            raise NotAcceptedError(f"it is not about an image '{name}' (it is about: {_names(statement)})")
        if found != {digest}:
            accepted = ", ".join(sorted(one[:12] for one in found))
            raise NotAcceptedError(f"image '{name}' is {digest[:12]}, and what was accepted is {accepted}")
    if wanted.whole and wanted.images is not None:
        there = {(without_tag(name), digest) for name, digest in wanted.images.items()}
        for subject in statement.subject:
            if (without_tag(subject.name), subject.digest.sha256) not in there:
                raise NotAcceptedError(f"it is also about image '{subject.name}', which this release has not")


def _judged(statement: Statement, now: datetime) -> Judgement:
    """The verdict, worked out again: a file whose own verdict does not follow from its items is none of muster's."""
    acceptance = statement.predicate
    if acceptance.items != with_rehearsal(acceptance.items, acceptance.purpose):
        raise NotAcceptedError("its items do not say which of its evidence is a rehearsal's")
    if judge(acceptance.items, acceptance.waivers, moment(acceptance.made)).verdict != acceptance.verdict:
        raise NotAcceptedError(f"its verdict '{acceptance.verdict}' does not follow from its items and waivers")
    return judge(acceptance.items, acceptance.waivers, now)


def without_tag(image: str) -> str:
    """An image's name without its tag; the port of a registry is none."""
    head, colon, tag = image.rpartition(":")
    return head if colon and "/" not in tag else image


def _names(statement: Statement) -> str:
    return ", ".join(sorted({subject.name for subject in statement.subject}))
