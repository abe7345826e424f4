"""The commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster import __version__
from muster.base.errors import MusterError, UsageError

if TYPE_CHECKING:
    from muster.kube import Cluster
    from muster.system import SystemDefinition

HOME = Path(".muster")
CONTEXT = click.option(
    "--kube-context", metavar="NAME", envvar="MUSTER_KUBE_CONTEXT", help="a context of your kubeconfig"
)
SYSTEM = click.option(
    "--system", type=click.Path(path_type=Path), metavar="PATH", help="a system.yaml (default: systems/*/system.yaml)"
)


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

    background.up(HOME, None if bare else _definition(system), click.echo)


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


@commands.command(short_help="Judge a saved timeline again.")
@click.argument("timeline", type=click.Path(path_type=Path))
def analyse(timeline: Path) -> None:
    """Judge a saved timeline again, and print the drill's entry as JSON."""
    import json

    from muster.base.timeline import read_timeline
    from muster.verdict import judge

    click.echo(json.dumps(judge(read_timeline(timeline)).to_json(), indent=2))


@commands.command()
def procedures() -> None:
    """List the recovery procedures."""
    from muster.recovery import procedures as known

    for procedure in known():
        click.echo(f"{procedure.name:<26} {procedure.summary}")
        for name, what in procedure.parameters.items():
            click.echo(f"{'':<26}   {name}=...: {what}")


@commands.command()
@click.argument("procedure")
@click.argument("arguments", metavar="[NAME=VALUE]...", nargs=-1)
@CONTEXT
@SYSTEM
def recover(procedure: str, arguments: tuple[str, ...], kube_context: str | None, system: Path | None) -> None:
    """Run a recovery procedure; exit 1 if a step of it fails."""
    from muster.probes.address import service_url
    from muster.recovery import Context, find_procedure, run
    from muster.safety import AuditLog

    found = find_procedure(procedure)
    definition = _definition(system)
    HOME.mkdir(exist_ok=True)
    with _cluster(kube_context) as cluster:
        audit = AuditLog.of_run(HOME)
        context = Context(
            cluster=cluster,
            system=definition,
            namespace=definition.namespace,
            timeline=None,
            audit=audit,
            url=service_url(cluster, definition),
            arguments=_pairs(arguments),
        )
        outcome = run(found, context)
    for step in outcome.steps:
        click.echo(f"{step.state:<8} {step.name}{': ' + step.detail if step.detail else ''}")
    click.echo(f"{procedure}: {'done' if outcome.ok else outcome.why}")
    sys.exit(0 if outcome.ok else 1)


@commands.command(short_help="Undo every fault that is on record.")
@CONTEXT
@SYSTEM
def undo(kube_context: str | None, system: Path | None) -> None:
    """Undo every fault that a record in the system's namespace names; exit 2 if one of them could not be."""
    from muster.safety import sift_records
    from muster.safety import undo as undo_record

    definition = _definition(system)
    with _cluster(kube_context) as cluster:
        records, bad = sift_records(cluster, definition.namespace)
        if not records and not bad:
            click.echo("no fault record is open")
        troubles = [str(error) for error in bad]
        for record in records:
            try:
                undone, left = undo_record(cluster, record)
            except MusterError as error:
                troubles.append(f"fault '{record.experiment}' is not undone, its record stays: {error}")
                continue
            for text in [*undone, *left]:
                click.echo(f"{record.experiment}: {text}")
    for trouble in troubles:
        click.echo(f"muster: {trouble}", err=True)
    if troubles:
        sys.exit(2)


def _pairs(arguments: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or not name:
            raise UsageError(f"'{argument}' is no argument of a procedure; right would be NAME=VALUE")
        pairs[name] = value
    return pairs


def _definition(system: Path | None) -> SystemDefinition:
    from muster.system import find_system, read_system

    return read_system(system or find_system(Path.cwd()))


def _cluster(context: str | None) -> Cluster:
    """The named context, or else the cluster that `muster up` started."""
    from muster.cli import background
    from muster.kube import connect, isolated_kubeconfig

    if context is None:
        return connect(background.kubeconfig(HOME), embedded=True)
    HOME.mkdir(exist_ok=True)
    return connect(isolated_kubeconfig(context, HOME / f"kubeconfig-{context.replace('/', '-')}"))
