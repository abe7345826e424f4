"""Telling what was done to an audit log: pure, from its bytes and from what is known elsewhere of its length.

An entry whose own digest is wrong was edited. Numbers that are missing between two entries were deleted; missing after
the last one, by an anchor, they were cut off. An entry that stands where it does not belong was moved; one that stands
there twice, or a line that is none at all, was inserted. One that was edited and given a new digest is not the one that
the next entry follows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from muster.safety.audit.anchor import Anchor
from muster.safety.audit.entry import GENESIS, Entry, read_entry, torn

Kind = Literal["edit", "deletion", "truncation", "insertion", "order"]
UNANCHORED = "nothing says how many entries there were: whether some were cut off at the end cannot be told"


class Finding(NamedTuple):
    """What was done to a log. `lines` are the first and the last line of the file (from 1) that show it, `entries` the
    first and last number of the entries that it was done to, where these are known."""

    kind: Kind
    why: str  # one sentence
    lines: tuple[int, int]
    entries: tuple[int, int] | None = None


@dataclass(frozen=True)
class Verification:
    """What is known of a log: `findings` what was done to it, `unknown` what cannot be told, `notes` what is well."""

    entries: int
    head: str
    findings: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where all is well, 1 where something was done to the log, 2 where that cannot be told."""
        return 1 if self.findings else 2 if self.unknown else 0


def verify(data: bytes, anchors: Iterable[Anchor] = ()) -> Verification:
    """What was done to a log of these bytes since it was written."""
    log = _Log(data, sorted(anchors, reverse=True))
    findings = sorted(log.findings(), key=lambda finding: finding.lines)
    last = log.kept[-1].entry if log.kept else None
    unknown = [] if log.anchors else [UNANCHORED]
    notes = log.notes
    if log.fragment and not log.anchors:
        unknown.append(f"line {log.end}: the last line breaks off: its process died, or the end of the log was cut off")
    return Verification(len(log.placed), last.hash if last else GENESIS, tuple(findings), tuple(unknown), tuple(notes))


class _Placed(NamedTuple):
    """An entry and the line at which it stands."""

    line: int
    entry: Entry

    @property
    def number(self) -> int:
        return self.entry.number


class _Log:
    """A log taken apart: the entries that stand where they belong (`kept`), the others, and the lines that are none."""

    def __init__(self, data: bytes, anchors: Sequence[Anchor]) -> None:
        self.anchors, self.notes = anchors, list[str]()
        *lines, last = data.split(b"\n")
        self.end = len(lines) + 1  # the line that was begun last
        self.placed: list[_Placed] = []
        self.bad: dict[int, bytes] = {}  # by line
        self.unended = False  # the last entry is whole, and its newline is missing
        for number, line in enumerate(lines, start=1):
            self._place(number, line)
        self.fragment = last
        if last and (entry := read_entry(last)):
            self.placed.append(_Placed(self.end, entry))
            self.fragment, self.unended = b"", True
        self.changed_remains = list(self._known_remains())
        self.kept, self.astray = _in_order(_without_forgeries(self.placed, anchors))
        there = {one.number for one in self.kept}
        self.astray = [one for one in self.astray if one.number not in there]
        at_home = {one.line for one in (*self.kept, *self.astray)}
        self.doubles = [one for one in self.placed if one.line not in at_home]

    @property
    def longest(self) -> Anchor:
        """The anchor that knows of most entries."""
        return self.anchors[0] if self.anchors else Anchor(0, GENESIS)

    def findings(self) -> Iterator[Finding]:
        yield from self.changed_remains
        yield from map(_inserted, self.doubles)
        yield from map(_out_of_order, self.astray)
        broken = [*self._between(), *self._broken_links()]
        yield from broken
        yield from self._at_the_end()
        if not any(finding.kind == "edit" for finding in broken):
            yield from self._otherwise_anchored()

    def _place(self, number: int, line: bytes) -> None:
        entry = read_entry(line)
        if entry is None:
            self.bad[number] = line
        else:
            self.placed.append(_Placed(number, entry))

    def _known_remains(self) -> Iterator[Finding]:
        """Take out the remains of half-written entries that the entry after them has seen."""
        for line, entry in self.placed:
            said: Any = entry.content.get("torn")
            if said is None:
                continue
            first = line
            while first - 1 in self.bad:
                first -= 1
            remains = [self.bad.pop(one) for one in range(first, line)]
            if torn(b"".join(part + b"\n" for part in remains)) != said:
                why = f"what a half-written entry left before line {line} is not what entry {entry.number} found there"
                yield Finding("edit", why, (min(first, line), line), None)
            else:
                self.notes.append(f"line {first}: half-written by a process that died; entry {entry.number} says so")

    def _between(self) -> Iterator[Finding]:
        """What is missing, or too much, before each entry that stands where it belongs."""
        present, bad_lines = sorted(one.number for one in (*self.kept, *self.astray)), sorted(self.bad)
        before_line, before_number = 0, 0
        for one in self.kept:
            gone = _absent(present, before_number + 1, one.number - 1)
            bad = bad_lines[bisect_left(bad_lines, before_line) : bisect_left(bad_lines, one.line)]
            yield from _told(bad, gone, before_line, one.line)
            before_line, before_number = one.line, one.number

    def _broken_links(self) -> Iterator[Finding]:
        """Entries that the next one does not follow, though their own digests are right."""
        by_number = {one.number: one for one in (*self.kept, *self.astray)}
        broken = [
            number
            for number, one in sorted(by_number.items())
            if (number == 1 or number - 1 in by_number)
            and one.entry.previous != (by_number[number - 1].entry.hash if number > 1 else GENESIS)
        ]
        told = set[int]()
        for number in broken:
            # Where its link to the next one is broken, too, this entry is the one that was rewritten.
            wrong = number if number + 1 in broken or number == 1 else number - 1
            if wrong in told or number in told:
                continue
            told.add(wrong)
            line = by_number[wrong].line
            why = f"line {line}: entry {wrong} was rewritten, its digest too: the entries beside it do not fit it"
            yield Finding("edit", why, (line, line), (wrong, wrong))

    def _at_the_end(self) -> Iterator[Finding]:
        """What is missing, or too much, after the last entry."""
        last = self.kept[-1] if self.kept else None
        line, number = (last.line, last.number) if last else (0, 0)
        present = sorted(one.number for one in (*self.kept, *self.astray))
        gone = _absent(present, number + 1, self.longest.entries)
        bad = [one for one in self.bad if one > line]
        edited, rest = _paired(bad, gone)
        yield from (_edited(one, number) for one, number in edited)
        if self.anchors:
            yield from (_no_entry(one) for one in bad[len(edited) :])
        else:
            yield from (_edited(one, None) for one in bad[len(edited) :])
        if rest:
            yield self._truncated(rest)
        elif self.unended and last and self.longest.entries >= last.number:
            why = f"line {self.end}: the newline at the end of the log was cut off, {self.longest.where} knew it whole"
            yield Finding("truncation", why, (self.end, self.end), (last.number, last.number))
        elif self.fragment and self.anchors:
            self.notes.append(f"line {self.end}: half-written by a process that died, and no entry")

    def _truncated(self, gone: list[tuple[int, int]]) -> Finding:
        first, last = gone[0][0], gone[-1][1]
        where = f"line {self.end} breaks off" if self.fragment else f"the log ends at line {self.end - 1}"
        why = (
            f"{where}: {_entries(first, last)} cut off at its end, {self.longest.where} knew of {self.longest.entries}"
        )
        at = self.end if self.fragment else max(self.end - 1, 1)
        return Finding("truncation", why, (at, at), (first, last))

    def _otherwise_anchored(self) -> Iterator[Finding]:
        """The first entry that is not the one an anchor knows, though the chain is whole."""
        by_number = {one.number: one for one in (*self.kept, *self.astray)}
        for anchor in sorted(self.anchors):
            one = by_number.get(anchor.entries)
            if one is not None and not one.entry.hash.startswith(anchor.head):
                why = (
                    f"line {one.line}: entry {one.number} is not the one that {anchor.where} knows: it, or one before "
                    "it, was rewritten with all that follow"
                )
                yield Finding("edit", why, (one.line, one.line), (one.number, one.number))
                return


def _without_forgeries(placed: Sequence[_Placed], anchors: Sequence[Anchor]) -> list[_Placed]:
    """Of several entries of one number but of different content those that the next entry, or an anchor, knows."""
    followed = {(one.number - 1, one.entry.previous) for one in placed}
    known = {(anchor.entries, anchor.head) for anchor in anchors}
    numbers: dict[int, set[str]] = {}
    for one in placed:
        numbers.setdefault(one.number, set()).add(one.entry.hash)
    right: dict[int, str] = {}
    for number, hashes in numbers.items():
        if len(hashes) > 1:
            right[number] = min(hashes, key=lambda hash_: ((number, hash_) not in followed | known, hash_))
    return [one for one in placed if right.get(one.number, one.entry.hash) == one.entry.hash]


def _in_order(placed: Sequence[_Placed]) -> tuple[list[_Placed], list[_Placed]]:
    """As many entries as stand in the order of their numbers, and the others (the longest increasing subsequence)."""
    ends: list[int] = []  # the lowest number at which a sequence of each length ends, and its place
    places: list[int] = []
    before: list[int | None] = []
    for place, one in enumerate(placed):
        length = bisect_left(ends, one.number)
        before.append(places[length - 1] if length else None)
        ends[length : length + 1], places[length : length + 1] = [one.number], [place]
    kept = set[int]()
    at = places[-1] if places else None
    while at is not None:
        kept.add(at)
        at = before[at]
    return (
        [one for place, one in enumerate(placed) if place in kept],
        [one for place, one in enumerate(placed) if place not in kept],
    )


def _absent(present: Sequence[int], low: int, high: int) -> list[tuple[int, int]]:
    """The numbers from low to high that are not among those present (sorted), as ranges."""
    found = []
    for number in present[bisect_left(present, low) : bisect_left(present, high + 1)]:
        if number > low:
            found.append((low, number - 1))
        low = number + 1
    return [*found, (low, high)] if low <= high else found


def _paired(bad: Sequence[int], gone: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Lines that are no entries, each with the missing number for which it stands; and what is missing besides."""
    edited: list[tuple[int, int]] = []
    rest: list[tuple[int, int]] = []
    for low, high in gone:
        taken = min(len(bad) - len(edited), high - low + 1)
        edited += [(bad[len(edited) + step], low + step) for step in range(taken)]
        if low + taken <= high:
            rest.append((low + taken, high))
    return edited, rest


def _told(bad: Sequence[int], gone: Sequence[tuple[int, int]], after: int, before: int) -> Iterator[Finding]:
    edited, rest = _paired(bad, gone)
    yield from (_edited(line, number) for line, number in edited)
    yield from (_no_entry(line) for line in bad[len(edited) :])
    for first, last in rest:
        where = f"between line {after} and line {before}" if after else f"before line {before}"
        yield Finding("deletion", f"{where}: {_entries(first, last)} deleted", (max(after, 1), before), (first, last))


def _edited(line: int, number: int | None) -> Finding:
    what = "an entry" if number is None else f"entry {number}"
    return Finding(
        "edit",
        f"line {line}: {what} was edited: the line is not what was written",
        (line, line),
        None if number is None else (number, number),
    )


def _no_entry(line: int) -> Finding:
    return Finding("insertion", f"line {line}: inserted: it is no entry, and none is missing", (line, line))


def _inserted(one: _Placed) -> Finding:
    why = f"line {one.line}: inserted: entry {one.number} stands elsewhere already"
    return Finding("insertion", why, (one.line, one.line), (one.number, one.number))


def _out_of_order(one: _Placed) -> Finding:
    why = f"line {one.line}: entry {one.number} stands out of its order"
    return Finding("order", why, (one.line, one.line), (one.number, one.number))


def _entries(first: int, last: int) -> str:
    return f"entry {first} was" if first == last else f"entries {first} to {last} ({last - first + 1}) were"
