"""Holding the gate: each look by itself, what all of them come to, and the statement that is signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from muster import __version__
from muster.base.errors import MusterError
from muster.base.texts import one_line
from muster.gate import proofs, security, standing
from muster.gate.judging import Judgement, judge, with_rehearsal
from muster.gate.statement import Item, Purpose, Statement, Waiver, moment, sha256_of
from muster.gate.subject import Found, Subject

Look = Callable[[Subject], Found | None]
WORKFLOW = "workflow"
LOOKS: tuple[tuple[str, Look], ...] = (
    ("version", standing.version),
    ("health", standing.health),
    ("agents", standing.agents),
    ("performance", proofs.performance),
    ("permissions", security.permissions),
    ("images", security.images),
    ("secrets", security.secrets),
    ("network", security.network),
    ("rollout", standing.rollout),
)
LONGEST = 1000  # characters of a line


class NothingToSignError(MusterError):
    """There is no statement to be made: by content nobody knows what it would be about."""


def items_of(subject: Subject, trial: Found | None, purpose: Purpose) -> list[Item]:
    """Everything that is demanded, and what is known of it. `trial` is what came of a whole piece of work, None where
    none is demanded."""
    found = [item for name, look in LOOKS for item in _looked(subject, name, look)]
    if trial is not None:
        found.insert(3, _item(subject, WORKFLOW, trial))
    found += [_item(subject, name, one) for name, one in proofs.drills(subject)]
    found += [_item(subject, f"manual {name}", one) for name, one in standing.manual(subject)]
    return with_rehearsal(found, purpose)


def _looked(subject: Subject, name: str, look: Look) -> Iterator[Item]:
    try:
        found = look(subject)
    except Exception as error:  # noqa: BLE001 - what one look raises keeps nobody from the others, and is never green
        found = Found("unknown", f"the look broke off: {type(error).__name__}: {error}")
    if found is not None:
        yield _item(subject, name, found)


def _item(subject: Subject, name: str, found: Found) -> Item:
    return Item(
        name=name,
        outcome=found.outcome,
        why=_line(found.why),
        lines=[_line(line) for line in found.lines],
        at=found.at or _stamp(subject.now),
        source=found.source or f"{subject.system.name} on {subject.cluster}",
        evidence=found.evidence or subject.evidence,
    )


def statement_of(
    subject: Subject, items: Sequence[Item], waivers: Sequence[Waiver], *, purpose: Purpose, days: float, by: str
) -> tuple[Statement, Judgement]:
    """What is signed, and what it comes to. It is good for so many days, and no longer than a waiver that it needs.

    Raises:
        NothingToSignError: the content of an image, or the configuration, is not known.
    """
    wanted = subject.wanted
    if wanted.id is None or wanted.configuration is None:
        raise NothingToSignError(f"no file is made: {wanted.unknown[0]}")
    judgement = judge(items, waivers, subject.now)
    ends = [moment(one.until) for one in judgement.applied]
    predicate: dict[str, Any] = {
        "system": subject.system.name,
        "release": _line(subject.release),
        "configuration": {"sha256": sha256_of(wanted.configuration)},
        "for": purpose,
        "cluster": _line(subject.cluster),
        "verdict": judgement.verdict,
        "why": [_line(line) for line in judgement.why],
        "made": _stamp(subject.now),
        "expires": _stamp(min([subject.now + timedelta(days=days), *ends])),
        "by": _line(by),
        "muster": __version__,
        "items": [item.model_dump() for item in items],
        "waivers": [one.model_dump() for one in judgement.applied],
    }
    contents = sorted({(one.image.partition("@")[0], one.digest) for one in wanted.images if one.digest})
    subjects = [{"name": name, "digest": {"sha256": sha256_of(digest)}} for name, digest in contents]
    return Statement.model_validate({"subject": subjects, "predicate": predicate}), judgement


def _line(text: str) -> str:
    return one_line(text)[:LONGEST]


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
