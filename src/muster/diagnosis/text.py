"""A diagnosis for a tired person: the cause in plain words, one command to run, what shows it, what it brings down."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence

from muster.checks.check import Remedy, Unknown
from muster.checks.run import LACKS
from muster.checks.seen import moment
from muster.diagnosis.diagnosis import Cause, Diagnosis

WIDTH = 80
MOST_FOLLOWING = 6
MOST_CAUSES = 10


def lines_of(diagnosis: Diagnosis, *, options: str = "") -> Iterator[str]:
    """The text, a line each, none longer than 80 columns. `options` go with each command that is suggested."""
    causes = [(place, cause) for place, cause in enumerate(diagnosis.causes) if not cause.follows_from]
    if not diagnosis.causes:
        yield from wrapped(_nothing(diagnosis.unknown), "", "  ")
    for shown, (place, cause) in enumerate(causes):
        if shown == MOST_CAUSES:
            yield f"... and {len(causes) - shown} more causes: muster diagnose --json"
            break
        if shown:
            yield ""
        yield from _cause(diagnosis, place, cause, options)
    if diagnosis.unknown:
        yield ""
        yield "could not be seen:"
        yield from _unseen(diagnosis.unknown)


def _cause(diagnosis: Diagnosis, place: int, cause: Cause, options: str) -> Iterator[str]:
    space = f" in {cause.ref.namespace}" if cause.ref.namespace and cause.ref.namespace != diagnosis.namespace else ""
    since = _since(diagnosis, cause)
    yield from wrapped(f"{cause.ref}{space}: {cause.finding.reason}", f"{cause.severity}  ", "    ", most=3)
    if command := command_of(cause, options):
        yield f"    $ {command}"
    if since:
        yield f"    since {since}"
    for line in cause.evidence:
        yield from wrapped(line, "    - ", "      ", most=3)
    below = _below(diagnosis, place)
    for number, other in enumerate(below):
        if number == MOST_FOLLOWING:
            yield f"    so: {len(below) - number} more that follow from it"
            break
        yield from wrapped(f"{other.ref}: {other.finding.reason}", "    so: ", "        ", most=2)


def _nothing(unknown: Sequence[Unknown]) -> str:
    """What is to be said where nothing was found, most of all where nothing was seen."""
    if cluster := next((one for one in unknown if one.what == "cluster"), None):
        return f"unknown: {cluster.why}"
    return "nothing found in what could be seen" if unknown else "nothing found"


def _unseen(unknown: Sequence[Unknown]) -> Iterator[str]:
    """What could not be seen, together what has the same reason; then the checks that it kept from saying anything."""
    lacking = [one.what.removeprefix("check ") for one in unknown if one.why.startswith(LACKS)]
    reasons: dict[str, list[str]] = {}
    for one in unknown:
        if not one.why.startswith(LACKS):
            reasons.setdefault(one.why, []).append(one.what)
    for why, what in reasons.items():
        yield from wrapped(f"{', '.join(what)}: {why}", "  ? ", "    ")
    if lacking:
        yield from wrapped(f"so not checked: {', '.join(lacking)}", "  ", "    ")


def command_of(cause: Cause, options: str = "") -> str:
    """What to run; empty where muster has nothing for it."""
    if cause.ref.kind == "Fault":
        return f"muster undo{options}"
    return recover_command(cause.remedy, options) if cause.remedy else ""


def recover_command(remedy: Remedy, options: str = "") -> str:
    """How a recovery procedure is run."""
    arguments = "".join(f" {shlex.quote(f'{name}={value}')}" for name, value in remedy.arguments.items())
    return f"muster recover {remedy.name}{arguments}{options}"


def _below(diagnosis: Diagnosis, place: int) -> list[Cause]:
    """What follows from a finding, through others too."""
    reached, found = {place}, list[Cause]()
    for number, other in enumerate(diagnosis.causes):
        if reached & set(other.follows_from):
            reached.add(number)
            found.append(other)
    return found


def _since(diagnosis: Diagnosis, cause: Cause) -> str:
    if not cause.finding.since:
        return ""
    seconds = (moment(diagnosis.taken) - moment(cause.finding.since)).total_seconds()
    if seconds < 0:
        return cause.finding.since
    return f"{cause.finding.since} ({span(seconds)} ago)"


def span(seconds: float) -> str:
    """So many seconds for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"


def wrapped(text: str, first: str, later: str, *, most: int = 4) -> list[str]:
    """A text in at most so many lines of 80 columns; `first` and `later` stand before them."""
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_on_hyphens=False,
        max_lines=most,
        placeholder=" ...",
    )
    return lines or [first.rstrip()]
