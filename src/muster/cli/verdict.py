"""`muster verdict` and `muster analyse`: what became of a run, or of a drill whose timeline was kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.cli.codes import UNKNOWN, otherwise

if TYPE_CHECKING:
    from muster.verdict import DrillVerdict


@click.command(short_help="Print the verdict of a run.")
@click.argument("report", type=click.Path(path_type=Path), required=False)
@otherwise(UNKNOWN)
def verdict(report: Path | None) -> None:
    """Print the verdict of a run; exit 0 met, 1 missed, 2 unknown.

    Without REPORT it is that of the session which was asked for last: where that came to no run of drills, it is
    unknown, whatever an older one was.
    """
    from muster.cli.project import find_project
    from muster.report import exit_code, outcome
    from muster.report.standing import standing

    summary = standing(report or find_project(Path.cwd()).reports / "latest")
    for entry in summary.drills:
        click.echo(f"{entry.verdict:<8} {entry.name}: {entry.why}")
    for left_out in summary.not_run:
        click.echo(f"{'not run':<8} {left_out.name}: {left_out.why}")
    found, why = outcome(summary)
    where = f"{summary.system} on {summary.cluster}, evidence: {summary.evidence}"
    ended = f", ended {summary.finished}" if summary.finished else ""
    click.echo(f"{found}: {why} ({where}{ended})")
    sys.exit(exit_code(summary))


@click.command(short_help="Judge a saved timeline again.")
@click.argument("timeline", type=click.Path(path_type=Path))
@otherwise(UNKNOWN)
def analyse(timeline: Path) -> None:
    """Judge a saved timeline again, and print the drill's entry as JSON; exit 0 if met, 1 if missed, 2 if unknown.

    From the file alone: the entry is the one that the run put into its summary.json. Where the run's manifest lies
    beside the file and says that it was changed since, it is unknown.
    """
    import json
    import os

    from muster.report.gate import EXIT_CODES
    from muster.verdict import judge_file

    entry, picture = judge_file(timeline), timeline.with_suffix(".svg")
    entry.timeline = os.path.relpath(timeline)
    entry.picture = os.path.relpath(picture) if picture.exists() else None
    _doubt(entry, timeline)
    click.echo(json.dumps(entry.to_json(), indent=2))
    sys.exit(EXIT_CODES[entry.verdict])


def _doubt(entry: DrillVerdict, timeline: Path) -> None:
    """Believe nothing of a timeline that was changed since its run wrote it."""
    from muster.report.manifest import file_changed_since, has_manifest
    from muster.verdict import Verdict

    if not has_manifest(timeline.parent):
        click.echo("muster: no manifest beside the timeline: nobody knows whether it is as its run wrote it", err=True)
    elif change := file_changed_since(timeline):
        entry.verdict, entry.why, entry.reasons = Verdict.UNKNOWN, change, [change, *entry.reasons]
