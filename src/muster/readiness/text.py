"""The report for people: a line for each category, below it what is not fine, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muster.checks.seen import moment
from muster.diagnosis.text import WIDTH, wrapped
from muster.readiness.evidence import HOLD
from muster.readiness.result import Category, Checked, Readiness, State

MARKS: dict[State, str] = {"fine": "✓", "finding": "✗", "unknown": "?", "not applicable": "-"}
COLUMN = 19  # where what a check says begins
MOST = 4  # lines of what it says
_ANSWERS = {
    "ready": "ready",
    "not ready": "not ready: what is marked ✗ must be mended first",
    "unknown": "unknown: nothing was found, and what is marked ? could not be told",
}


def lines_of(found: Readiness, *, everything: bool = False) -> Iterator[str]:
    """The text, a line each; with `everything` also what is fine, and what does not apply."""
    what = found.release or "what runs"
    version = f", version {found.version.short}" if found.version else ""
    where = f"context {found.context}" if found.context else "no cluster"
    yield from wrapped(f"{found.system or found.namespace}: {what}{version}", "", "  ", most=2)
    yield from wrapped(f"namespace {found.namespace}, {where}, evidence: {found.evidence}", "", "  ", most=2)
    yield f"as of {moment(found.taken):%Y-%m-%d %H:%M:%S} UTC"
    for category in found.categories:
        yield ""
        yield from _category(category, everything=everything)
    yield ""
    yield _ANSWERS[found.answer]


def _category(category: Category, *, everything: bool) -> Iterator[str]:
    yield f"{MARKS[category.state]} {category.name} {_counts(category)}"
    shown = [one for one in category.checks if everything or one.result.state in ("finding", "unknown")]
    column = max([COLUMN, *(len(one.name) + 5 for one in shown)])
    alike: dict[tuple[str, str], list[Checked]] = {}
    for one in shown:
        alike.setdefault((one.result.state, one.result.says), []).append(one)
    for checks in alike.values():
        yield from _check(checks[0], column) if len(checks) == 1 else _alike(checks)


def _counts(category: Category) -> str:
    """`(6 fine, 2 not applicable)`."""
    states = [one.result.state for one in category.checks]
    if set(states) == {"not applicable"}:
        return "(not applicable)"
    counted = ((state, states.count(state)) for state in MARKS)
    return f"({', '.join(f'{number} {state}' for state, number in counted if number)})"


def _check(one: Checked, column: int) -> Iterator[str]:
    head = f"  {MARKS[one.result.state]} {one.name:<{column - 5}} "
    yield from wrapped(one.result.says, head, " " * column, most=MOST)
    if one.result.state != "fine":
        yield from _mend(one.result.mend, column)


def _alike(checks: Sequence[Checked]) -> Iterator[str]:
    """Checks that say the same, told once."""
    first = checks[0].result
    names = ", ".join(one.name for one in checks)
    yield from wrapped(f"{first.says}: {names}", f"  {MARKS[first.state]} ", " " * 4, most=2 * MOST)
    mends = {one.result.mend for one in checks}
    if first.state != "fine":
        yield from _mend(
            mends.pop() if len(mends) == 1 else HOLD if all(one.startswith(HOLD) for one in mends) else "", 4
        )


def _mend(mend: str, column: int) -> Iterator[str]:
    """How it is mended. A command is never broken: it is there to be copied."""
    line = f"{'':<{column}}-> {mend}"
    what, mark, command = mend.rpartition(": ")
    if mark and len(line) > WIDTH:
        yield f"{'':<{column}}-> {what}:"
        yield f"{'':<{column}}   {command}"
    elif mend:
        yield line
