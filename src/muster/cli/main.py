"""The commands."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from muster import __version__
from muster.base.errors import MusterError
from muster.cli.history import history, plan
from muster.cli.keep import keep
from muster.cli.recover import procedures, recover
from muster.cli.shared import HOME, SYSTEM, definition_of
from muster.cli.summary import summary
from muster.cli.undo import undo


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="muster")
def commands() -> None:
    """Rehearse emergencies, and carry the procedures that are rehearsed."""


def main() -> None:
    """Run the command line; a mistake or a refusal is one sentence on standard error and exit code 2."""
    try:
        commands.main(prog_name="muster", standalone_mode=True)
    except MusterError as error:
        click.echo(f"muster: {error}", err=True)
        sys.exit(2)


@commands.command(short_help="Start a cluster in the background, with the system.")
@SYSTEM
@click.option("--bare", is_flag=True, help="only the cluster, without the system")
def up(system: Path | None, bare: bool) -> None:
    """Start the embedded cluster in the background, with the system on it, and write .muster/kubeconfig."""
    from muster.cli import background

    background.up(HOME, None if bare else definition_of(system), click.echo)


@commands.command(short_help="Stop the cluster that `muster up` started.")
def down() -> None:
    """Stop the cluster that `muster up` started, and every process it started."""
    from muster.cli import background

    background.down(HOME, click.echo)


@commands.command()
@click.argument("report", type=click.Path(path_type=Path), default=Path("reports/latest"))
def verdict(report: Path) -> None:
    """Print the verdict of a run; exit 0 met, 1 missed, 2 unknown."""
    from muster.report import exit_code, read_summary

    summary = read_summary(report)
    for entry in summary.drills:
        click.echo(f"{entry.verdict:<8} {entry.name}: {entry.why}")
    for left_out in summary.not_run:
        click.echo(f"{'not run':<8} {left_out.name}: {left_out.why}")
    where = f"{summary.system} on {summary.cluster}, evidence: {summary.evidence}"
    click.echo(f"{summary.verdict}: {summary.why} ({where})")
    sys.exit(exit_code(summary))


@commands.command(short_help="Make the HTML report of a run.")
@click.argument("reports", type=click.Path(path_type=Path), default=Path("reports"))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="default: report.html in REPORTS")
def report(reports: Path, out: Path | None) -> None:
    """Make one HTML file of the latest run below REPORTS, or of the run whose directory REPORTS is."""
    from muster.report.html import build

    click.echo(f"report: {build(reports, out)}")


@commands.command(short_help="Judge a saved timeline again.")
@click.argument("timeline", type=click.Path(path_type=Path))
def analyse(timeline: Path) -> None:
    """Judge a saved timeline again, and print the drill's entry as JSON; exit 0 if met, 1 if missed, 2 if unknown.

    From the file alone: the entry is the one that the run put into its summary.json.
    """
    import json
    import os

    from muster.report.gate import EXIT_CODES
    from muster.verdict import judge_file

    entry, picture = judge_file(timeline), timeline.with_suffix(".svg")
    entry.timeline = os.path.relpath(timeline)
    entry.picture = os.path.relpath(picture) if picture.exists() else None
    click.echo(json.dumps(entry.to_json(), indent=2))
    sys.exit(EXIT_CODES[entry.verdict])


for command in (undo, recover, procedures, keep, history, plan, summary):
    commands.add_command(command)
