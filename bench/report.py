"""How long a report of many drills takes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from muster.report.html import build
from muster.report.testing import STORIES, told_run


def report(drills: int = 200) -> tuple[float, float]:
    """Seconds to make the report of a run of so many drills, and the size of its page in MB.

    The run is made up, its timelines are read and told by the code that tells real ones.
    """
    kinds = list(STORIES.items())
    told = (kinds[turn % len(kinds)] for turn in range(drills))
    stories = {f"{name}_{turn}": changes for turn, (name, changes) in enumerate(told)}
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as scratch:
        run = Path(scratch) / "reports" / "20200101T000000Z-bench"
        told_run(run, stories)
        begun = time.monotonic()
        page = build(run.parent)
        return time.monotonic() - begun, page.stat().st_size / 1e6


if __name__ == "__main__":
    seconds, size = report()
    print(f"report of 200 drills: {seconds:.2f} s, {size:.1f} MB (wanted < 20 s)")
