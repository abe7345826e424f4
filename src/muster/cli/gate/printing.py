"""What a gate says to people: the verdict and why in its first lines, 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muster.cli.gate.holding import Held
    from muster.gate.statement import Item, Waiver
    from muster.gate.verifying import Verified

WIDTH, WIDEST = 80, 34
MOST = 3
MARKS = {"met": "✓", "missed": "✗", "unknown": "?"}


def lines_of_gate(held: Held, purpose: str, waivers: Sequence[Waiver]) -> Iterator[str]:
    """What a gate came to: why in its first lines, then each item."""
    subject, judgement = held.subject, held.judgement
    yield from why_lines(judgement.verdict, judgement.why)
    yield ""
    kind = "a rehearsal" if subject.evidence == "rehearsal" else "a cluster"
    about = f"{subject.system.name} {subject.release} for {purpose}, version {subject.wanted.short}"
    yield from wrapped(f"{about}, on {subject.cluster} ({kind})", "")
    waived = {one.what: one for one in judgement.applied}
    column = min(max(len(item.name) for item in held.items) + 3, WIDEST)
    for item in held.items:
        yield from _item(item, waived.get(item.name), column)
    names = {item.name for item in held.items}
    for one in waivers:
        if one.what not in names:
            yield from wrapped(f"waivers.yaml waives '{one.what}', which this gate does not demand", "  ")
    yield ""
    if held.file is not None and held.statement is not None:
        yield from wrapped(f"{held.file}, good until {held.statement.predicate.expires}", "signed: ")
    else:
        yield from wrapped(held.unsigned, "")
    unknown = [item.name for item in held.items if item.outcome == "unknown"]
    if any(name.startswith("manual ") for name in unknown):
        yield "answer: muster gate answer NAME yes|no --by WHO --why TEXT"
    if any(name.startswith("drill ") for name in unknown):
        yield "drills: muster run drills, on this version"


def _item(item: Item, waiver: Waiver | None, column: int) -> Iterator[str]:
    head = f"{MARKS[item.outcome]} {item.name:<{column - 3}} "
    yield from wrapped(item.why, head, most=MOST, hanging=column)
    if item.outcome != "met":
        for line in item.lines[:MOST]:
            yield from wrapped(line, " " * column + "- ", most=2)
    if waiver is not None:
        said = f"waived until {waiver.until[:10]} by {waiver.who}: {waiver.why}"
        yield from wrapped(said, " " * column, most=MOST)


def lines_of_acceptance(found: Verified) -> Iterator[str]:
    """A file that is genuine, in a few lines."""
    acceptance, judgement = found.statement.predicate, found.judgement
    yield from why_lines(judgement.verdict, judgement.why)
    yield ""
    about = f"{acceptance.system} {acceptance.release} for {acceptance.purpose}, held on {acceptance.cluster}"
    yield from wrapped(about, "release        ")
    for subject in found.statement.subject:
        yield from wrapped(f"{subject.name} sha256:{subject.digest.sha256}", "image          ")
    yield f"configuration  sha256:{acceptance.configuration.sha256}"
    yield f"held           {acceptance.made} by {acceptance.by}, good until {acceptance.expires}"
    yield from wrapped(found.key, "signed by      ")
    for waiver in judgement.applied:
        yield from wrapped(f"{waiver.what} until {waiver.until}, by {waiver.who}: {waiver.why}", "waived         ")


def why_lines(verdict: str, why: tuple[str, ...]) -> Iterator[str]:
    """The verdict, and why it is so: each reason begins a line, and is cut where it is longer than three."""
    first, *others = why or ("",)
    yield from wrapped(first, f"{verdict}: ", most=3)
    for line in others:
        yield from wrapped(line, " " * (len(verdict) + 2), most=3)


def wrapped(text: str, head: str, *, most: int | None = None, hanging: int | None = None) -> list[str]:
    """A text beside its head, in lines of 80 columns."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * (len(head) if hanging is None else hanging),
        break_on_hyphens=False,
        break_long_words=False,
        max_lines=most,
        placeholder=" ...",
    ) or [head.rstrip()]
