"""Lines of pieces of text, each with what it means, within a width; and how spans of time are told."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from muster.dashboard.sight import Sight
from muster.diagnosis.text import span

Kind = Literal["plain", "strong", "dim", "good", "bad", "doubt"]
LABEL = 14  # columns of what stands before what is said


class Piece(NamedTuple):
    """A text and what it means."""

    text: str
    kind: Kind = "plain"


Line = tuple[Piece, ...]
MARKS = {
    "fine": Piece("✓ ", "good"),
    "finding": Piece("✗ ", "bad"),
    "unknown": Piece("? ", "doubt"),
    "undecided": Piece("~ "),
    "none": Piece("  "),
}


@dataclass(frozen=True)
class Panel:
    """A part of the screen; its first line is its heading."""

    name: str
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All of it, without what it means."""
        return "\n".join(plain(line) for line in self.lines)


def plain(line: Line) -> str:
    """A line's text."""
    return "".join(piece.text for piece in line).rstrip()


def panel(name: str, lines: Iterable[Line], width: int, note: Piece | None = None) -> Panel:
    """A panel under a heading with a note at its right end, such as its age."""
    said = (Piece(f" {note.text} ", note.kind), Piece("──", "dim")) if note is not None and note.text else ()
    used = len(name) + 4 + sum(len(piece.text) for piece in said)
    rule = Piece("─" * max(width - used, 0), "dim")
    head = (Piece("── ", "dim"), Piece(name, "strong"), Piece(" ", "dim"), rule, *said)
    return Panel(name, (cut(head, width), *lines))


def age_note(sight: Sight[object], now: float) -> Piece:
    """How old what a panel shows is."""
    age = sight.age_s(now)
    if age is None:
        return Piece("? not seen yet", "doubt")
    return Piece(f"? as it was {span(age)} ago", "doubt") if sight.is_old(now) else Piece(f"{span(age)} ago", "dim")


def trouble_lines(sight: Sight[object], width: int, *, waits: bool = True) -> Iterator[Line]:
    """Why it is not seen, where it is not."""
    if sight.trouble:
        yield from wrapped(f"not seen: {sight.trouble}", width, MARKS["unknown"])
    elif sight.at is None and waits:
        yield (Piece("  waiting for the first look", "dim"),)


def wrapped(text: str, width: int, *first: Piece, most: int = 2, kind: Kind = "plain") -> list[Line]:
    """A text over so many lines at most, the first of them after some pieces, the others below the text."""
    indent = sum(len(piece.text) for piece in first)
    lines = textwrap.wrap(
        " ".join(text.split()),
        max(width - indent, 10),
        break_on_hyphens=False,
        max_lines=most,
        placeholder=" ...",
    ) or [""]
    below = (Piece(" " * indent),) if indent else ()
    return [(*(below if number else first), Piece(line, kind)) for number, line in enumerate(lines)]


def labelled(mark: str, label: str, text: str, width: int, *, most: int = 2) -> list[Line]:
    """A mark, a label and what is said of it."""
    return wrapped(text, width, MARKS[mark], Piece(f"{label:<{LABEL - 2}}"), most=most)


def doubted(lines: Iterable[Line]) -> Iterator[Line]:
    """Lines of what is not seen any more: nothing in them is called fine."""
    for line in lines:
        yield tuple(MARKS["unknown"] if piece == MARKS["fine"] else piece for piece in line)


def cut(pieces: Sequence[Piece], width: int) -> Line:
    """Pieces on one line, cut at the width."""
    left, kept = width, []
    for piece in pieces:
        if len(piece.text) > left:
            kept.append(Piece(piece.text[: max(left - 1, 0)] + "…" if left else "", piece.kind))
            break
        kept.append(piece)
        left -= len(piece.text)
    return tuple(kept)


def duration(seconds: float) -> str:
    """A time that is waited for: `40 s`, `18 min 20 s`, `2 h 5 min`."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 >= 60 else "")
