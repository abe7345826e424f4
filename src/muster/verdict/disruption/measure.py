"""When service was disrupted: its start and its end, each as an interval.

Start (docs/measurement.md, Disruption): the first violation after the injection. A 1 s bucket of load that misses its
objectives before that, by being slow, counts as one. End: the start of the first window of `hold_s` seconds in which
every required probe was right and in time and every 1 s bucket of load met its objectives; the window lies after the
effect was observed and after the recovery procedure ended.

What is known. A request that was sent at s and done at d looked at the service at one moment within [s, d].
- A violation proves trouble at such a moment, so the trouble began no later than d; nor later than s + p, where p is
  twice the longest good answer seen in the minute before the injection: a service that is well for so long has
  answered. A timeout therefore says when it began, and not only a time limit later.
- A good answer that was done before the first violated request was sent looked before it, so the trouble began after
  its s (and not before the injection).
- The trouble ended no earlier than the s of the last violation before the window, and no later than by the time that
  every required stream has had a good answer to a request sent in the window.
- A clean refusal (503 with Retry-After) of a declared overload is no violation. But where the drill says how much may
  be refused after the recovery, service is not back before: refusals of probes then count as violations do here, those
  of the load by its buckets.
- Where only a share of the requests fails, one good answer excludes little: see `muster.verdict.disruption.edges`.
- The best guess of an edge is the middle between the last request that spoke for the one side and the first that spoke
  for the other.
The streams of the probes and of the load are looked at one by one and then put together, as writes may fail while reads
work, each with its own rhythm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from muster.verdict.disruption.causes import Cause, Struck, cause_of
from muster.verdict.disruption.edges import Partly, excluded_from, is_partly, share_of
from muster.verdict.reading.record import Record
from muster.verdict.reading.requests import Mask, Requests, Stream, none
from muster.verdict.reading.windows import BUCKET_S, LoadWindows

LOAD = "load"  # the name of the load's stream
POOL = "several streams"  # the name of the requests of all streams that one cause struck
BEFORE_S = 60.0  # how much of the time before the injection tells what answers usually take
NEXT_GOOD = 64  # good answers after a violation that are looked at; more are never needed


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment known to lie in [low, high]; `at` is the best guess. CLOCK_MONOTONIC seconds."""

    low: float
    at: float
    high: float


@dataclass(frozen=True, slots=True)
class Disruption:
    """What was seen. `start` None: no interruption. `end` None: no window of good service was seen to its end.

    `well` is the end as clients had it: the same, had nobody waited for a procedure to be through.
    """

    start: Instant | None
    end: Instant | None
    well: Instant | None
    watched_until: float
    not_before: float  # the earliest moment at which it can have ended: later than the last trouble that was seen
    violations: int
    shed: int
    first: str | None
    blind_s: float  # the longest interruption that could have gone unseen


def measure(record: Record, *, effect: float | None, probes_only: bool = False, late_s: float = 0.0) -> Disruption:
    """The disruption that a record shows.

    `effect` is when the fault was seen in force, None where it never was; the end lies neither before that nor before
    the end of a procedure. `probes_only` leaves the load out, for a record in which the load fell silent. `late_s`
    takes the load's answers at their best: as if its generator had not been late, by up to so many seconds.
    """
    injected = record.injected
    assert injected is not None
    load = LoadWindows(none(), record.windows.objectives) if probes_only else record.windows
    load = load.at_best(late_s) if late_s else load
    streams = [*record.probes.values(), *([] if probes_only else [record.load])]
    streams = [stream.since(injected - BEFORE_S) for stream in streams if len(stream.requests)]
    until = min((s.seen_until for s in record.required), default=-math.inf) if probes_only else record.seen_until
    start, first = _start(streams, load, injected, until)
    watch = _Watch(record, streams, load, start, until)
    well, not_before = watch.ended(effect)
    through = procedures_through(record)
    end = well
    if effect is None or through is None or through > effect:
        end, not_before = watch.ended(None if effect is None or through is None else through)
    span = (injected, until if end is None else end.at)
    hit = sum(_between(stream.violations(), *span) for stream in streams)
    blind = _blind(record, injected, until)
    return Disruption(start, end, well, until, not_before, hit, load.counts(*span).shed, first, blind)


def procedures_through(record: Record) -> float | None:
    """When the last procedure ended; -inf where none ran, None while one still runs."""
    ends = [recovery.ended for recovery in record.recoveries]
    return None if None in ends else max((end for end in ends if end is not None), default=-math.inf)


@dataclass(frozen=True, slots=True)
class _Watch:
    """What the streams showed from the start of a disruption on."""

    record: Record
    streams: Sequence[Stream]
    load: LoadWindows
    start: Instant | None
    until: float

    def ended(self, floor: float | None) -> tuple[Instant | None, float]:
        """The end, which lies no earlier than `floor` (None: never came), and the moment before which it cannot lie."""
        if floor is None:
            return None, self.until
        earliest = floor if self.start is None else max(floor, self.start.low)
        hold = self.record.declared.hold_s
        window = first_window(self.record.required, self.load, earliest, hold=hold, until=self.until)
        end = _end(self.record, self.streams, self.load, earliest, window.start) if window.whole else None
        return end, window.start


def _between(requests: Requests, start: float, end: float) -> int:
    return int(np.count_nonzero((requests.done >= start) & (requests.sent < end)))


@dataclass(frozen=True, slots=True)
class _Onset:
    """When one stream's trouble began. `noticed` is the moment to which its first violation is charged."""

    when: Instant
    noticed: float
    what: str
    first_sent: float
    partly: Partly | None = None


def _start(
    streams: Sequence[Stream], load: LoadWindows, injected: float, until: float
) -> tuple[Instant | None, str | None]:
    struck = {s.name: one for s in streams if (one := _struck_first(s, troubles(s, load), injected)) is not None}
    looked = _pooled(streams, load, set(struck), cause_of(list(struck.values()), 1)) if struck else []
    onsets = [onset for stream, troubled in looked if (onset := _onset(stream, troubled, injected))]
    limit = min([until, *(onset.when.low for onset in onsets)])
    slow = next((_slow_onset(load, injected, limit, s.patience(injected)) for s in streams if s.name == LOAD), None)
    onsets += [slow] if slow else []
    if not onsets:
        return None, None
    earliest = min(onsets, key=lambda onset: onset.when.high)
    high = earliest.when.high
    # Those that fail partly are asked of one service, so that what is good of one speaks for all of them.
    first_bad = min(onset.first_sent for onset in onsets)
    together = excluded_from([o.partly.outside(until=first_bad) for o in onsets if o.partly], before=True)
    lows = [onset.when.low if onset.partly is None else max(together or injected, injected) for onset in onsets]
    low = min([high, *lows])
    noticed = min(onset.noticed for onset in onsets)
    well = max((onset.when.low for onset in onsets if onset.when.low <= noticed), default=low)
    return Instant(low, min(max((well + noticed) / 2, low), high), high), earliest.what


def troubles(stream: Stream, load: LoadWindows) -> Mask:
    """Which of a stream's requests show trouble."""
    if load.refused_allowed is None or stream.name == LOAD:
        return stream.requests.bad
    return stream.requests.bad | stream.requests.became("shed")


def _struck_first(stream: Stream, troubled: Mask, injected: float) -> Struck | None:
    """A stream at its first violation after the injection."""
    latest = np.minimum(stream.requests.done, stream.requests.sent + stream.patience(injected))
    # What was in trouble before the injection is no violation after it.
    hits = np.flatnonzero(troubled & (latest >= injected))
    return Struck(stream.requests, troubled, int(hits[0])) if len(hits) else None


def _pooled(
    streams: Sequence[Stream], load: LoadWindows, struck: set[str], cause: Cause | None
) -> list[tuple[Stream, Mask]]:
    """The streams with their trouble. Where one cause struck requests of one sort only, those of all that it struck are
    one stream: what is good of one of them speaks for all."""
    each = [(stream, troubles(stream, load)) for stream in streams]
    if cause is None:
        return each
    hurt = [(stream, hit, cause.alike(stream.requests.facet)) for stream, hit in each if stream.name in struck]
    alike = Requests.joined([stream.requests[rows] for stream, _, rows in hurt])
    troubled = np.concatenate([hit[rows] for _, hit, rows in hurt])
    order = np.argsort(alike.sent, kind="stable")
    pool = Stream(POOL, 1 / sum(1 / stream.every_s for stream, _, _ in hurt), requests=alike[order])
    return [(pool, troubled[order]), *((stream, hit) for stream, hit in each if stream.name not in struck)]


def _onset(stream: Stream, troubled: Mask, injected: float) -> _Onset | None:
    asked, patience = stream.requests, stream.patience(injected)
    latest = np.minimum(asked.done, asked.sent + patience)
    # What was in trouble before the injection is no violation after it.
    hits = np.flatnonzero(troubled & (latest >= injected))
    if not len(hits):
        return None
    earliest = int(hits[np.argmin(latest[hits])])
    high, first_sent = float(latest[earliest]), float(asked.sent[hits[0]])
    good = asked.sent[~troubled & (asked.done <= first_sent)]
    low = min(max([injected, *good[-1:].tolist()]), high)
    noticed = min(max(float(asked.noticed[hits].min()), low), high)
    failing = share_of(troubled[hits[0] :])
    partly = Partly(failing, good[::-1]) if is_partly(failing) else None
    what = f"{stream.name}: {asked.at(earliest).outcome}"
    return _Onset(Instant(low, (low + noticed) / 2, high), noticed, what, first_sent, partly)


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
        return _Onset(Instant(spoilt, spoilt, spoilt + BUCKET_S), spoilt, what, spoilt)
    if first.outcome == "shed":
        what = "load: shed"
    low = max(injected, load.last_before(first.intended))
    high = max(min(culprit.done, culprit.sent + patience), low)
    noticed = min(max(first.intended, low), high)
    return _Onset(Instant(low, noticed, high), noticed, what, first.sent)


def _end(record: Record, streams: Sequence[Stream], load: LoadWindows, earliest: float, start: float) -> Instant | None:
    """The end of the disruption where the first window of good service begins at `start`."""
    last = {s.name: one for s in streams if (one := _struck_last(s, troubles(s, load), earliest, start)) is not None}
    cause = cause_of(list(last.values()), -1) if last else None
    looked = _pooled(streams, load, set(last), cause)
    # Each required stream was seen to be good again, and so were requests of the sort that was struck.
    named = [*_looked_at(record, load), *(stream for stream, _ in looked if stream.name == POOL)]
    firsts = {stream.name: _first_after(stream, start, load) for stream in named}
    found = [first for first in firsts.values() if first is not None]
    if len(found) < len(firsts):
        return None
    tails = [tail for s, troubled in looked if (tail := _tail(s, troubled, record.injected or 0.0, earliest, start))]
    low = max([earliest, load.last_spoiling(start), *(tail.last for tail in tails)])
    late = max([earliest, *(tail.late for tail in tails)])
    last_bad = max((tail.last for tail in tails), default=earliest)
    together = excluded_from([t.partly.outside(since=last_bad) for t in tails if t.partly], before=False)
    if any(tail.partly for tail in tails):  # too few good answers exclude nothing
        late = max(late, max(stream.seen_until for stream in streams) if together is None else together)
    at = start
    if start != earliest:
        # Only a stream that was in trouble to the last tells by a good answer that it is over.
        told = [first[0] for tail in tails if tail.last >= low - tail.gaps and (first := firsts.get(tail.stream))]
        at = max((low + min(told or [sent for sent, _ in found])) / 2, low)
    return Instant(min(low, at), at, max([at, late, *(done for _, done in found)]))


@dataclass(frozen=True, slots=True)
class _Tail:
    """The end of one stream's trouble: when its `last` violation was sent, and by when that was over at the latest.
    `gaps` is the time of three of its turns."""

    stream: str
    last: float
    late: float
    gaps: float
    partly: Partly | None


def _struck_last(stream: Stream, troubled: Mask, earliest: float, start: float) -> Struck | None:
    """A stream at its last violation before the window of good service."""
    bad = np.flatnonzero(troubled & (stream.requests.sent < start) & (stream.requests.done >= earliest))
    return Struck(stream.requests, troubled, int(bad[-1])) if len(bad) else None


def _tail(stream: Stream, troubled: Mask, injected: float, earliest: float, start: float) -> _Tail | None:
    asked = stream.requests
    bad = np.flatnonzero(troubled & (asked.sent < start) & (asked.done >= earliest))
    if not len(bad):
        return None
    late = np.minimum(asked.done, asked.sent + stream.patience(injected))[bad]
    failing = share_of(troubled[: bad[-1] + 1][::-1])
    after = asked[bad[-1] + 1 :]
    good = after.done[~troubled[bad[-1] + 1 :]]
    partly = Partly(failing, good[:NEXT_GOOD]) if is_partly(failing) else None
    return _Tail(stream.name, float(asked.sent[bad[-1]]), float(late.max()), 3 * stream.every_s, partly)


def _looked_at(record: Record, load: LoadWindows) -> list[Stream]:
    return [*record.required, *([record.load] if len(load.requests) else [])]


def _first_after(stream: Stream, moment: float, load: LoadWindows) -> tuple[float, float] | None:
    """Of the requests sent from `moment` on that were good, when the first was sent and when the first was answered.

    One that was shed, or asked for what is gone, is neither good nor bad, and one of the load that took longer than its
    objective allows not good.
    """
    begin = int(np.searchsorted(stream.requests.sent, moment))
    later = stream.requests[begin:]
    good = ~later.bad & ~later.became("shed", "gone")
    if stream.name in (LOAD, POOL):
        good &= later.done - later.intended <= load.slow_from
    return (float(later.sent[int(np.argmax(good))]), float(later.done[good].min())) if good.any() else None


@dataclass(frozen=True, slots=True)
class Window:
    """A time of good service. Not `whole`: it had not held for long enough when the watch ended, and proves no end."""

    start: float
    whole: bool


def first_window(
    required: Sequence[Stream], load: LoadWindows, earliest: float, *, hold: float, until: float
) -> Window:
    """The first window of `hold` seconds from `earliest` on in which service was good, watched `until` then."""
    noticed = np.sort(np.concatenate([s.requests.noticed[troubles(s, load)] for s in required] or [np.array([])]))
    start = earliest
    while start < until:
        end = min(start + hold, until)
        at = int(np.searchsorted(noticed, end))
        if at and noticed[at - 1] >= start:
            start = math.nextafter(float(noticed[at - 1]), math.inf)
            continue
        spoilt = load.first_spoilt_of_window(start, end)
        if spoilt is None:
            # Too few slow ones to spoil a bucket are slow all the same, where it begins with nothing but them.
            if (past := load.past_spoiling(start)) > start:
                start = past
                continue
            return Window(start, whole=start + hold <= until)
        # The window must begin after the first request that spoils this bucket, whatever else it leaves behind.
        culprit = load.first_spoiling(spoilt, spoilt + BUCKET_S)
        start = math.nextafter(culprit.intended, math.inf) if culprit else spoilt + BUCKET_S
        # Beginnings whose own first bucket is spoilt are passed over in one go, as far as no probe has a say.
        heard = min(float(noticed[at]), until) if at < len(noticed) else until
        start = load.first_unspoilt_start(start, heard - hold)
    return Window(until, whole=False)


def _blind(record: Record, start: float, end: float) -> float:
    """The longest time within [start, end] that a required probe did not look, room for an interruption to hide in."""
    longest = 0.0
    for stream in record.required:
        sent = stream.requests.sent
        low, high = max(int(np.searchsorted(sent, start, "right")) - 1, 0), int(np.searchsorted(sent, end, "right"))
        if high - low > 1:
            longest = max(longest, float((stream.requests.done[low + 1 : high] - sent[low : high - 1]).max()))
    return longest
