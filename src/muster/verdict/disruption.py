"""When service was disrupted: its start and its end, each as an interval.

Start (MEASURES.md): the first violation after the injection. A 1 s bucket of load that misses its objectives before
that, by being slow, counts as one. End: the start of the first window of `hold_s` seconds in which every required
probe was right and in time and every 1 s bucket of load met its objectives; the window lies after the effect was
observed and after the recovery procedure ended.

What is known. A request that was sent at s and done at d looked at the service at one moment within [s, d].
- A violation proves trouble at such a moment, so the trouble began no later than d; nor later than s + p, where p is
  twice the longest good answer seen before the injection: a service that is well for so long has answered.
  A timeout therefore says when it began, and not only a time limit later.
- A good answer that was done before the first violated request was sent looked before it, so the trouble began after
  its s (and not before the injection).
- The trouble ended no earlier than the s of the last violation before the window, and no later than by the time that
  every required stream has had a good answer to a request sent in the window.
- A clean refusal (503 with Retry-After) of a declared overload is no violation. But where the drill says how much may
  be refused after the recovery, service is not back before: refusals of probes then count as violations do here, those
  of the load by its buckets.
The streams of the probes and of the load are looked at one by one and then put together, as writes may fail while reads
work, each with its own rhythm.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from muster.verdict.load import BUCKET_S, LoadWindows
from muster.verdict.record import Record
from muster.verdict.requests import Request, Stream

LOAD = "load"  # the name of the load's stream


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment known to lie in [low, high]; `at` is the best guess. CLOCK_MONOTONIC seconds."""

    low: float
    at: float
    high: float


@dataclass(frozen=True, slots=True)
class Disruption:
    """What was seen. `start` None: no interruption. `end` None: no window of good service was seen to its end."""

    start: Instant | None
    end: Instant | None
    watched_until: float
    not_before: float  # the earliest moment at which it can have ended: later than the last trouble that was seen
    violations: int
    shed: int
    first: str | None
    blind_s: float  # the longest interruption that could have gone unseen


def measure(record: Record, *, floor: float | None, probes_only: bool = False) -> Disruption:
    """The disruption that a record shows.

    `floor` is the moment before which the end cannot lie (the effect, the end of the procedure), or None where it never
    came. `probes_only` leaves the load out, for a record in which the load fell silent.
    """
    injected = record.injected
    assert injected is not None
    load = LoadWindows([], record.windows.objectives) if probes_only else record.windows
    streams = [*record.probes.values(), *([] if probes_only else [record.load])]
    streams = [stream for stream in streams if stream.requests]
    until = min((s.seen_until for s in record.required), default=-math.inf) if probes_only else record.seen_until
    start, first = _start(streams, load, injected, until)
    end, not_before = None, until
    if floor is not None:
        earliest = floor if start is None else max(floor, start.low)
        window = first_window(record.required, load, earliest, hold=record.declared.hold_s, until=until)
        end = _end(record, streams, load, earliest, window.start) if window.whole else None
        not_before = window.start
    span = (injected, until if end is None else end.at)
    hit = [r for s in streams for r in s.violations() if r.done >= span[0] and r.sent < span[1]]
    blind = _blind(record, injected, until)
    return Disruption(start, end, until, not_before, len(hit), load.counts(*span).shed, first, blind)


@dataclass(frozen=True, slots=True)
class _Onset:
    """When one stream's trouble began."""

    when: Instant
    what: str


def _start(
    streams: Sequence[Stream], load: LoadWindows, injected: float, until: float
) -> tuple[Instant | None, str | None]:
    onsets = [onset for stream in streams if (onset := _onset(stream, troubles(stream, load), injected))]
    limit = min([until, *(onset.when.low for onset in onsets)])
    slow = next((_slow_onset(load, injected, limit, _patience(s, injected)) for s in streams if s.name == LOAD), None)
    onsets += [slow] if slow else []
    if not onsets:
        return None, None
    earliest = min(onsets, key=lambda onset: onset.when.high)
    low = min(onset.when.low for onset in onsets)
    at = min(onset.when.at for onset in onsets)
    high = earliest.when.high
    return Instant(low, min(max(at, low), high), high), earliest.what


def troubles(stream: Stream, load: LoadWindows) -> list[Request]:
    """A stream's requests that show trouble, in order of sending."""
    if load.refused_allowed is None or stream.name == LOAD:
        return list(stream.violations())
    return [request for request in stream.requests if request.bad or request.outcome == "shed"]


def _onset(stream: Stream, troubles: Sequence[Request], injected: float) -> _Onset | None:
    patience = _patience(stream, injected)
    # What was in trouble before the injection is no violation after it.
    hit = [r for r in troubles if min(r.done, r.sent + patience) >= injected]
    if not hit:
        return None
    earliest = min(hit, key=lambda r: min(r.done, r.sent + patience))
    high = min(earliest.done, earliest.sent + patience)
    first_sent = hit[0].sent
    before = max((r.sent for r in stream.requests if not r.bad and r.done <= first_sent), default=-math.inf)
    low = min(max(injected, before), high)
    at = min(max(min(r.noticed for r in hit), low), high)
    return _Onset(Instant(low, at, high), f"{stream.name}: {earliest.outcome}")


def _slow_onset(load: LoadWindows, injected: float, until: float, patience: float) -> _Onset | None:
    """The start of a time in which the load missed its objectives without a violation: slow, or refused."""
    spoilt = load.first_spoilt(injected, until)
    if spoilt is None:
        return None
    what = "load: missed its objectives"
    culprit = load.first_spoiling(spoilt, spoilt + BUCKET_S)
    # The bucket before may hold the first few slow ones, too few to spoil it.
    first = load.first_spoiling(max(injected, spoilt - BUCKET_S), spoilt + BUCKET_S)
    if culprit is None or first is None:  # too few answers, none of them bad
        return _Onset(Instant(spoilt, spoilt, spoilt + BUCKET_S), what)
    if first.outcome == "shed":
        what = "load: shed"
    low = max(injected, load.last_before(first.intended))
    high = max(min(culprit.done, culprit.sent + patience), low)
    return _Onset(Instant(low, min(max(first.intended, low), high), high), what)


def _end(record: Record, streams: Sequence[Stream], load: LoadWindows, earliest: float, start: float) -> Instant | None:
    """The end of the disruption where the first window of good service begins at `start`."""
    firsts = [_first_after(stream, start) for stream in _looked_at(record, load)]
    found = [first for first in firsts if first is not None]
    if len(found) < len(firsts):
        return None
    low, late = max(earliest, load.last_spoiling(start)), earliest
    for stream in streams:
        patience = _patience(stream, record.injected)
        bad = [r for r in troubles(stream, load) if r.sent < start and r.done >= earliest]
        low = max([low, *(r.sent for r in bad)])
        late = max([late, *(min(r.done, r.sent + patience) for r in bad)])
    at = start if start == earliest else max(min(r.sent for r in found), low)
    return Instant(min(low, at), at, max([at, late, *(r.done for r in found)]))


def _patience(stream: Stream, injected: float | None) -> float:
    """The time after which an answer is overdue: twice the longest that a good one took before the injection."""
    usual = stream.longest_answer(math.inf if injected is None else injected)
    return math.inf if usual is None else 2 * usual


def _looked_at(record: Record, load: LoadWindows) -> list[Stream]:
    return [*record.required, *([record.load] if load.requests else [])]


def _first_after(stream: Stream, moment: float) -> Request | None:
    """The first request sent from `moment` on that was good; one that was shed is neither good nor bad."""
    at = bisect_left(stream.requests, moment, key=lambda r: r.sent)
    return next((r for r in stream.requests[at:] if not r.bad and r.outcome != "shed"), None)


@dataclass(frozen=True, slots=True)
class Window:
    """A time of good service. Not `whole`: it had not held for long enough when the watch ended, and proves no end."""

    start: float
    whole: bool


def first_window(
    required: Sequence[Stream], load: LoadWindows, earliest: float, *, hold: float, until: float
) -> Window:
    """The first window of `hold` seconds from `earliest` on in which service was good, watched `until` then."""
    noticed = sorted(request.noticed for stream in required for request in troubles(stream, load))
    start = earliest
    while start < until:
        end = min(start + hold, until)
        last = bisect_left(noticed, end) - 1
        if last >= 0 and noticed[last] >= start:
            start = math.nextafter(noticed[last], math.inf)
            continue
        spoilt = _spoilt_bucket(load, start, end)
        if spoilt is None:
            return Window(start, whole=start + hold <= until)
        # The window must begin after the first request that spoils this bucket, whatever else it leaves behind.
        culprit = load.first_spoiling(spoilt, spoilt + BUCKET_S)
        start = math.nextafter(culprit.intended, math.inf) if culprit else spoilt + BUCKET_S
    return Window(until, whole=False)


def _spoilt_bucket(load: LoadWindows, start: float, end: float) -> float | None:
    """The start of a spoilt 1 s bucket of the window, or None. A window's last bucket may be a part of one."""
    starts = load.buckets(start, end - 1e-9)
    return next((at for at in starts if load.spoilt(at, min(at + BUCKET_S, end))), None)


def _blind(record: Record, start: float, end: float) -> float:
    """The longest time within [start, end] that a required probe did not look, room for an interruption to hide in."""
    longest = 0.0
    for stream in record.required:
        low = max(bisect_right(stream.requests, start, key=lambda r: r.sent) - 1, 0)
        inside = [r for r in stream.requests[low:] if r.sent <= end]
        gaps = (after.done - before.sent for before, after in pairwise(inside))
        longest = max([longest, *gaps])
    return longest
