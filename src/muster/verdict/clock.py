"""Whether time itself can be trusted.

CLOCK_MONOTONIC stands still in suspend and CLOCK_BOOTTIME does not: the two running apart means that the machine slept,
and every duration is short by an unknown time (MEASURES.md, Clock). Steps of UTC change nothing: no duration uses it.
"""

from __future__ import annotations

from muster.verdict.reasons import Reason
from muster.verdict.record import Record

APART_S = 0.1
UNWATCHED_S = 5.0  # the clocks are read every second; a stalled writer is given some time


def check_clock(record: Record, until: float) -> list[Reason]:
    """What speaks against the clock between the first reading and `until`."""
    readings = [(t, boottime - t) for t, boottime in record.boot]
    if not readings or readings[-1][0] < until - UNWATCHED_S:
        last = (
            f"the last reading is {until - readings[-1][0]:.1f} s older than the end" if readings else "there is none"
        )
        return [
            Reason(
                f"nobody compared the clocks to the end of the drill ({last}), so a suspend cannot be ruled out",
                "see that the drill writes an event of kind 'clock' every second",
            )
        ]
    offsets = [offset for _, offset in readings]
    apart = max(offsets) - min(offsets)
    if apart > APART_S:
        return [
            Reason(
                f"the machine was suspended: CLOCK_BOOTTIME and CLOCK_MONOTONIC ran apart by {apart:.2f} s",
                "keep the machine awake and run the drill again",
            )
        ]
    return []
