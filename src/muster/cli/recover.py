"""`muster recover` and `muster procedures`: what is rehearsed, run when it is no rehearsal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from muster.base.errors import MusterError, UsageError
from muster.cli.codes import FINDING, FINE, USED_WRONGLY
from muster.cli.shared import CONTEXT, HOME, SYSTEM, connected, definition_if_any, definition_of

if TYPE_CHECKING:
    from muster.kube import Cluster
    from muster.recovery import Procedure, Step, StepOutcome
    from muster.system import SystemDefinition

STATES = {"done": "done", "skipped": "skipped", "failed": "FAILED"}
WIDTH = 32  # of a step's name


@click.command()
@SYSTEM
def procedures(system: Path | None) -> None:
    """List the recovery procedures: muster's own, those of packages, and those that system.yaml names."""
    from muster.recovery import procedures as known

    for procedure in known(definition_if_any(system)):
        click.echo(f"{procedure.name:<28} {procedure.summary}")
        for name, what in procedure.parameters.items():
            click.echo(f"{'':<28}   {name}=...: {what}")


@click.command(short_help="Run a recovery procedure.")
@click.argument("procedure", required=False)
@click.argument("arguments", metavar="[NAME=VALUE]...", nargs=-1)
@CONTEXT
@SYSTEM
def recover(procedure: str | None, arguments: tuple[str, ...], kube_context: str | None, system: Path | None) -> None:
    """Run a recovery procedure; exit 1 if a step of it fails, 64 where it was not begun. Without a name, choose from a
    menu."""
    from muster.recovery import find_procedure
    from muster.recovery import procedures as known

    definition = definition_of(system)
    if not procedure and not _on_a_terminal():
        names = ", ".join(each.name for each in known(definition))
        begun = _begun_at(kube_context, system)
        raise UsageError(f"{begun}name a procedure ({names}); a menu to choose from is shown on a terminal only")
    found = find_procedure(procedure, definition) if procedure else _choose(known(definition))
    given = _pairs(arguments) if procedure else _ask_arguments(found)
    perform(found, given, definition, kube_context, confirm=not procedure)


def perform(
    found: Procedure,
    given: Mapping[str, str],
    definition: SystemDefinition,
    kube_context: str | None,
    *,
    confirm: bool = False,
) -> NoReturn:
    """Run a procedure on a system, telling each step, and exit with 0 if it did what it is for, else 1; `confirm` is
    whether somebody is asked before."""
    from muster.cli.project import find_project
    from muster.kube import PROCEDURE
    from muster.probes.http.address import service_url
    from muster.recovery import Context, run
    from muster.safety import AuditLog, begun_procedures
    from muster.safety.targets import note_struck
    from muster.system.trust import trust

    HOME.mkdir(exist_ok=True)
    trust(definition)
    printer = StepPrinter(live=sys.stdout.isatty())
    with reached(kube_context) as cluster:
        if kube_context is not None:
            note_struck(HOME, cluster, definition.namespace)
        for record in begun_procedures(cluster, definition.namespace):
            if record.procedure == found.name:
                click.echo(f"{found.name}: begun on {record.began} by {record.by} and not ended, so it is run again")
            elif record.failed:  # beside one that was cut nothing is run
                click.echo(f"muster: {record.told(cluster)}", err=True)
        if confirm:
            _confirm(found, f"{cluster.context}/{definition.namespace}")
        context = Context(
            cluster=cluster.asking_as(PROCEDURE),
            system=definition,
            namespace=definition.namespace,
            timeline=None,
            audit=AuditLog.of_run(find_project(Path.cwd()).reports),
            url=service_url(cluster, definition),
            arguments=given,
            told=printer.said,
        )
        outcome = run(found, context, observer=printer)
    seconds = outcome.ended - outcome.began
    idle = all(step.state == "skipped" for step in outcome.steps)
    done = "nothing was wrong, nothing was done" if idle else "done"
    click.echo(f"{found.name}: {done if outcome.ok else outcome.why} ({seconds:.1f} s)")
    sys.exit(FINE if outcome.ok else FINDING)


@contextmanager
def reached(kube_context: str | None) -> Iterator[Cluster]:
    """The cluster that is recovered, by a file with its one context, which commands of the operator's own are given."""
    from muster.base.private import private_directory
    from muster.kube import connect, isolated_kubeconfig

    if kube_context is None:
        with connected(None) as cluster:
            yield cluster
        return
    with private_directory() as private, connect(isolated_kubeconfig(kube_context, private / "kubeconfig")) as cluster:
        yield cluster


class StepPrinter:
    """Prints each step as it goes: a line with its seconds when it ends, and where it is `live` one while it runs."""

    def __init__(self, *, live: bool) -> None:
        self._live = live

    def began(self, step: Step) -> None:
        if self._live:
            click.echo(f"{'...':<8}  {step.name}", nl=False)

    def waits(self, step: Step, what: str) -> None:
        """Say what a step waits for; on a terminal the line that is under way stays the last."""
        clear = "\r\x1b[K" if self._live else ""
        click.echo(f"{clear}{'waits':<8} {'':>7}  {step.name:<{WIDTH}}{what}")
        if self._live:
            self.began(step)

    def said(self, line: str) -> None:
        """Show a line that a command of the operator's own wrote."""
        clear = "\r\x1b[K" if self._live else ""
        click.echo(f"{clear}{'':<18}| {line}")

    def ended(self, outcome: StepOutcome) -> None:
        if self._live:
            click.echo("\r\x1b[K", nl=False)
        seconds = outcome.ended - outcome.began
        detail = f"  {outcome.detail}" if outcome.detail and outcome.state != "skipped" else ""
        click.echo(f"{STATES[outcome.state]:<8} {seconds:5.1f} s  {outcome.name:<{WIDTH if detail else 0}}{detail}")


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _begun_at(kube_context: str | None, system: Path | None) -> str:
    """What was begun and has not ended, as the beginning of a sentence; nothing where nobody can be asked."""
    from muster.safety import begun_procedures

    try:
        with connected(kube_context) as cluster:
            begun = begun_procedures(cluster, definition_of(system).namespace)
            return "".join(f"{record.told(cluster)}; else " for record in begun)
    except MusterError:
        return ""


def _choose(known: Sequence[Procedure]) -> Procedure:
    """The procedure that a person picks from a menu."""
    for number, procedure in enumerate(known, start=1):
        click.echo(f"{number:>3}  {procedure.name:<28} {procedure.summary}")
    number = click.prompt("which", type=click.IntRange(1, len(known)))
    return known[number - 1]


def _ask_arguments(procedure: Procedure) -> dict[str, str]:
    """What a person tells the procedure of what it may be told; nothing said is nothing given."""
    given = {
        name: click.prompt(f"{name} ({what})", default="", show_default=False)
        for name, what in procedure.parameters.items()
    }
    return {name: value for name, value in given.items() if value}


def _confirm(procedure: Procedure, target: str) -> None:
    if not click.confirm(f"run {procedure.name} on {target}?"):
        click.echo("nothing was done")
        sys.exit(USED_WRONGLY)


def _pairs(arguments: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or not name:
            raise UsageError(f"'{argument}' is no argument of a procedure; right would be NAME=VALUE")
        pairs[name] = value
    return pairs
