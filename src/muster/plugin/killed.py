"""What is said of a drill whose xdist worker was killed while it ran."""

from __future__ import annotations

from typing import Any

from muster.plugin.run import Run

WORKER_KILLED = "its worker was killed while the drill ran"


def entry_of_killed(run: Run, nodeid: str, name: str) -> dict[str, Any]:
    """The drill's entry: what its timeline says up to there."""
    from muster.report.cut_short import read_cut_short

    return read_cut_short(run.directory / f"{name}.jsonl", nodeid, WORKER_KILLED).to_json()
