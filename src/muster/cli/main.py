"""The commands."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import click

from muster import __version__
from muster.base.errors import MusterError
from muster.cli.audit import audit
from muster.cli.backup import backup, restore
from muster.cli.check import check
from muster.cli.codes import FINDING, USED_WRONGLY, otherwise
from muster.cli.completing import completion
from muster.cli.diagnose import diagnose
from muster.cli.gate.commands import gate
from muster.cli.grouping import Commands
from muster.cli.guard import guard
from muster.cli.history import history, plan
from muster.cli.incident import incident, indicators
from muster.cli.init import init
from muster.cli.keep import keep
from muster.cli.manual import manual
from muster.cli.monitor import monitor
from muster.cli.monitoring import monitoring
from muster.cli.notify.commands import notify
from muster.cli.packaged import experiments, loads
from muster.cli.ready import ready
from muster.cli.recovery.commands import procedures, recover
from muster.cli.release.deploy import deploy
from muster.cli.release.rollback import rollback
from muster.cli.run import run
from muster.cli.scorecard import scorecard
from muster.cli.setup import setup
from muster.cli.shared import HOME, SYSTEM, definition_if_any, definition_of
from muster.cli.status import status
from muster.cli.stop import stop
from muster.cli.summary import summary
from muster.cli.undo import undo
from muster.cli.verdict import analyse, verdict


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="muster")
def commands() -> None:
    """Rehearse emergencies, and carry the procedures that are rehearsed."""


def main() -> None:
    """Run the command line; a mistake or a refusal is one sentence on standard error and exit code 64."""
    try:
        commands.main(prog_name="muster", standalone_mode=True)
    except MusterError as error:
        click.echo(f"muster: {error}", err=True)
        sys.exit(USED_WRONGLY)
    finally:
        gc.freeze()  # all goes with the process: to look once more for what goes by itself takes a tenth of a second


@commands.command(short_help="Start a cluster in the background, with the system.")
@SYSTEM
@click.option("--bare", is_flag=True, help="only the cluster, with the system's images but without the system")
@click.option("--keep", is_flag=True, help="leave the cluster up where the system does not start")
@otherwise(FINDING)
def up(system: Path | None, bare: bool, keep: bool) -> None:
    """Start the embedded cluster in the background, with the system on it, and write .muster/kubeconfig.

    Exit 1 if the system does not start.
    """
    from muster.cli import background

    definition = definition_if_any(system) if bare else definition_of(system)
    background.up(HOME, definition, click.echo, bare=bare, keep=keep)


@commands.command(short_help="Stop the cluster that `muster up` started.")
@otherwise(FINDING)
def down() -> None:
    """Stop the cluster that `muster up` started, and every process it started; exit 1 if one does not end."""
    from muster.cli import background

    background.down(HOME, click.echo)


@commands.command(short_help="List the images of the embedded cluster.")
@SYSTEM
def images(system: Path | None) -> None:
    """List the images that the embedded cluster has, what stands for them on this machine, and how to map one."""
    from muster.cli import background

    background.images(definition_if_any(system), click.echo)


@commands.command(short_help="Make the HTML report of a run.")
@click.argument("reports", type=click.Path(path_type=Path), required=False)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="default: report.html in REPORTS")
def report(reports: Path | None, out: Path | None) -> None:
    """Make one HTML file of the latest run below REPORTS, or of the run whose directory REPORTS is."""
    from muster.base.asked import asked
    from muster.cli.project import find_project
    from muster.report.html import build

    reports = reports or find_project(Path.cwd()).reports
    for session in asked(reports)[-1:]:
        click.echo(f"muster: the session begun {session.at} is not in the report: {session.why}", err=True)
    click.echo(f"report: {build(reports, out)}")


for command in (
    check,
    run,
    verdict,
    analyse,
    undo,
    stop,
    guard,
    recover,
    procedures,
    ready,
    deploy,
    rollback,
    backup,
    restore,
    keep,
    audit,
    diagnose,
    status,
    history,
    plan,
    summary,
    scorecard,
    setup,
    experiments,
    loads,
    init,
    incident,
    notify,
    indicators,
    manual,
    monitor,
    monitoring,
    gate,
    completion,
):
    commands.add_command(command)
