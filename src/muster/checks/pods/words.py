"""The line of a log that tells why a program ended, and lines that say the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from muster.checks.pods.trouble import one_line

MOST = 160  # characters of a line in a reason
# Lines that stand around what counts: frames of a stack, advice, what a server writes of each request.
_FRAME = re.compile(
    r"^\s*(at |File \"|\^+|\.\.\. \d+ more|goroutine \d+|\s{2,}\S)|^Traceback|^\s*$|^note: run with"
    r"|^npm (ERR|error)!? (A complete log|\s*$)"
    r"|^(stack backtrace|thread caused non-unwinding)|\"(GET|POST|PUT|DELETE|HEAD|PATCH) \S+ HTTP/"
)
_ERROR = re.compile(
    r"\b(\w*Error|\w*Exception|error|fatal|panic|critical|failed|failure|cannot|can't|could not|couldn't|unable|denied"
    r"|refused|not found|no such|missing|invalid|unknown|must be|required|segmentation fault|killed|abort\w*|traceback"
    r"|unbound|undefined|unexpected|timed? ?out|unreachable|too many|no space|in use)\b",
    re.IGNORECASE,
)
_FIRST = re.compile(r"^\s*(panic:|fatal error:|thread '.*' panicked)", re.IGNORECASE)
_CAUSED = re.compile(r"^\s*Caused by: ", re.IGNORECASE)
# What begins lines of logs before they say anything: a time, a level, the program.
_STAMP = re.compile(
    r"^\s*(?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d))?\]?\s*"
    r"|\[\d\d/\w{3}/\d{4}[: ][\d: +]+\]\s*|\d\d:\d\d:\d\d(?:[.,]\d+)?\s+)+"
)
_VARIES = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<number>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\"[^\"]{40,}\""), "<text>"),
    (re.compile(r"\d+(?:\.\d+)?"), "<number>"),
)


def telling(lines: Sequence[str]) -> str:
    """The line that tells why a program ended: that of a panic, the innermost cause, the last that speaks of an error,
    else the last; empty where there is none."""
    kept = [line for line in lines if line.strip() and not _FRAME.search(line)]
    for pattern, pick in ((_FIRST, 0), (_CAUSED, -1)):
        if found := [line for line in kept if pattern.search(line)]:
            return _bare(found[pick])
    errors = [line for line in kept[-30:] if _ERROR.search(line)]
    if errors:
        return _bare(errors[-1])
    return _bare(kept[-1]) if kept else ""


def errors_of(lines: Iterable[str]) -> list[str]:
    """The lines that speak of an error."""
    return [line for line in lines if not _FRAME.search(line) and _ERROR.search(line)]


def pattern_of(line: str) -> str:
    """A line without what differs from one time to the next: times, addresses, ids, numbers."""
    text = _STAMP.sub("", line)
    for what, mark in _VARIES:
        text = what.sub(mark, text)
    return one_line(text, 240)


def grouped(lines: Iterable[str]) -> list[tuple[str, int, str]]:
    """Lines by their pattern, the most frequent first: (pattern, how many, the latest of them)."""
    counts, latest = Counter[str](), dict[str, str]()
    for line in lines:
        pattern = pattern_of(line)
        counts[pattern] += 1
        latest[pattern] = _bare(line)
    return [(pattern, count, latest[pattern]) for pattern, count in counts.most_common()]


def _bare(line: str) -> str:
    return one_line(_STAMP.sub("", line), MOST)
