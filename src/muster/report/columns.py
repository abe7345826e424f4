"""The requests of a long timeline in columns, for other tools: NumPy's own format, which needs nothing else to be read.

The timeline stays the record, and verdicts are computed from that. With pandas:

    columns = numpy.load("reports/latest/soak.requests.npz")
    frame = pandas.DataFrame({name: columns[name] for name in ("sent", "done", "intended", "outcome", "name")})
    frame.outcome = columns["outcomes"][frame.outcome]
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from muster.verdict.reading.requests import OUTCOMES
from muster.verdict.reading.saved import Saved

WORTH_IT = 100_000  # requests; fewer are read from the timeline in a moment


def write_columns(saved: Saved, timeline: Path) -> Path | None:
    """Write `<drill>.requests.npz` beside a timeline that holds at least `WORTH_IT` requests, and return its path.

    Arrays of one length: `sent`, `done`, `intended` (CLOCK_MONOTONIC seconds), `outcome` (places in `outcomes`), `name`
    (places in `names` and `sources`). None where there are fewer.

    Raises:
        OSError: it cannot be written.
    """
    table = saved.table
    if len(table) < WORTH_IT:
        return None
    path = timeline.with_suffix(".requests.npz")
    np.savez(
        path,
        sent=table.sent,
        done=table.done,
        intended=table.intended,
        outcome=table.outcome,
        name=table.name,
        outcomes=np.array(OUTCOMES),
        sources=np.array([source for source, _ in table.names]),
        names=np.array([name for _, name in table.names]),
    )
    return path
