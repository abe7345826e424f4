"""What a gate says to people: the verdict and why in its first lines, 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muster.gate.verifying import Verified

WIDTH = 80


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


def wrapped(text: str, head: str, *, most: int | None = None) -> list[str]:
    """A text beside its head, in lines of 80 columns."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
        break_long_words=False,
        max_lines=most,
        placeholder=" ...",
    ) or [head.rstrip()]
