"""A glance for people: a line or two for each part, in one screen of 80 columns and 24 lines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from muster.checks.seen import moment
from muster.diagnosis.text import WIDTH, command_of, span
from muster.status.glance import Glance, Shown

MARKS = {"fine": "✓", "finding": "✗", "unknown": "?"}
COLUMN = 16  # where what is said of a part begins
MOST = 2  # lines of one part, so that nine of them leave room for the head and the end


def lines_of(glance: Glance, *, options: str = "") -> Iterator[str]:
    """The text, a line each; `options` go with each command that is suggested."""
    snapshot = glance.snapshot
    name = str(snapshot.system.get("name") or snapshot.namespace or "all namespaces")
    space = f"namespace {snapshot.namespace}" if snapshot.namespace else "all namespaces"
    where = f"context {snapshot.context}" if snapshot.context else "no cluster"
    version = f", Kubernetes {snapshot.kubernetes}" if snapshot.kubernetes else ""
    yield from _wrapped(f"{name}: {space}, {where}{version}", "", "  ", most=2)
    yield f"as of {moment(snapshot.taken):%Y-%m-%d %H:%M:%S} UTC, {span(glance.age_s)} ago"
    yield ""
    for part in glance.parts:
        yield from _part(part)
    first = glance.diagnosis.causes[:1]
    if first and (command := command_of(first[0], options)):
        yield f"{'':<{COLUMN}}$ {command}"
    if glance.exit_code:
        yield ""
        yield f"more: muster diagnose{options}"


def _part(part: Shown) -> Iterator[str]:
    head = f"{MARKS[part.state]} {part.name:<{COLUMN - 2}}"
    yield from _wrapped(part.says, head, " " * COLUMN, most=MOST)


def _wrapped(text: str, first: str, later: str, *, most: int) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_on_hyphens=False,
        max_lines=most,
        placeholder=" ...",
    )
