"""Whether time itself can be trusted.

CLOCK_MONOTONIC stands still in suspend and CLOCK_BOOTTIME does not: the two running apart means that the machine slept,
and every duration is short by an unknown time (docs/measurement.md, Clock). A step of UTC changes no duration, as none
uses it; but leases, certificates, tokens and whatever else goes by the time of day may have run out by it, so that not
only the fault struck. And a harness that stood still itself did not rehearse what it says: its recovery came late, or
what it should have seen went unseen.
"""

from __future__ import annotations

from itertools import pairwise

from muster.verdict.reading.facts import Tick
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason

APART_S = 0.1
STEPPED_S = 1.0  # ntpd slews by far less in a drill
UNWATCHED_S = 5.0  # the clocks are read every second; a stalled writer is given some time
DRILL = "drill"


def check_clock(record: Record, until: float) -> list[Reason]:
    """What speaks against the clock between the first reading and `until`."""
    if unwatched := _unwatched(record.ticks, until):
        return unwatched
    slept = _spread([tick.boottime - tick.t for tick in record.ticks])
    if slept > APART_S:
        return [
            Reason(
                f"the machine was suspended: CLOCK_BOOTTIME and CLOCK_MONOTONIC ran apart by {slept:.2f} s",
                "keep the machine awake and run the drill again",
            )
        ]
    stepped = _spread([tick.utc - tick.t for tick in record.ticks if tick.utc is not None])
    if stepped > STEPPED_S:
        return [
            Reason(
                f"the wall clock was stepped by {stepped:.0f} s during the drill, which leases and certificates go by",
                "see what sets the clock of this machine, and run the drill again",
            )
        ]
    return _stood_still(record.ticks, until)


def _unwatched(ticks: list[Tick], until: float) -> list[Reason]:
    if ticks and ticks[-1].t >= until - UNWATCHED_S:
        return []
    last = f"the last reading is {until - ticks[-1].t:.1f} s older than the end" if ticks else "there is none"
    return [
        Reason(
            f"nobody compared the clocks to the end of the drill ({last}), so a suspend cannot be ruled out",
            "see that the drill writes an event of kind 'clock' every second",
        )
    ]


def _stood_still(ticks: list[Tick], until: float) -> list[Reason]:
    """Whether the drill's own process, which reads the clocks every second, did not come to do so for a while."""
    own = [tick.t for tick in ticks if tick.by == DRILL]
    gaps = [after - before for before, after in pairwise([*(t for t in own if t <= until), until])]
    longest = max(gaps, default=0.0)
    if longest <= UNWATCHED_S:
        return []
    return [
        Reason(
            f"the harness itself stood still for {longest:.1f} s: what it did, and when, is no rehearsal",
            "see what stopped it (a suspended job, a machine out of memory), and run the drill again",
        )
    ]


def _spread(offsets: list[float]) -> float:
    return max(offsets) - min(offsets) if offsets else 0.0
