"""What happens next by itself, and what it hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from muster.dashboard.deciding import Next, next_of
from muster.dashboard.picture import Picture
from muster.dashboard.view.text import LABEL, MARKS, Line, Panel, Piece, doubted, duration, labelled, panel, wrapped

TITLE = "Next, by itself"
OF_VERDICT = {"fine": "fine", "worse": "finding", "undecided": "undecided", "no data": "unknown"}
ORDER = ("worse", "no data", "undecided", "fine")


def deciding_panel(picture: Picture, now: float, utc: datetime, width: int, *, short: bool = False) -> Panel | None:
    """What happens next by itself; None where no release is under way. `short` has what is fine on one line."""
    sight, definition = picture.release, picture.definition
    if sight is None or sight.value is None or definition is None:
        return None
    found = next_of(sight.value, definition.release, utc)
    if found is None:
        return None
    lines = list(_lines(found, width, short=short))
    note = None
    if sight.is_old(now):
        note = Piece("? by what was seen last", "doubt")
        lines = [*doubted(lines)]
    return panel(TITLE, lines, width, note)


def _lines(found: Next, width: int, *, short: bool) -> Iterator[Line]:
    when = f"in {duration(found.in_s)}: " if found.in_s is not None else ""
    head = Piece("▶ " if found.acts else "✗ ", "strong" if found.acts else "bad")
    yield from wrapped(f"{when}{found.what}", width, head, kind="strong", most=3)
    if found.instead:
        yield from wrapped(found.instead, width, Piece("  else: "))
    fine = [one.name.replace("_", " ") for one in found.hangs if short and one.verdict == "fine"]
    for one in sorted(found.hangs, key=lambda one: ORDER.index(one.verdict) if one.verdict in ORDER else 0):
        if short and one.verdict == "fine":
            continue
        said = f"{one.verdict}{f', has {one.lacks}' if one.lacks else ''}: {one.why}"
        label = one.name.replace("_", " ")
        if len(label) > LABEL - 3:
            yield from wrapped(said, width, MARKS[OF_VERDICT.get(one.verdict, "unknown")], Piece(f"{label} "))
        else:
            yield from labelled(OF_VERDICT.get(one.verdict, "unknown"), label, said, width)
    if fine:
        yield from wrapped(f"fine: {', '.join(fine)}", width, MARKS["fine"])
