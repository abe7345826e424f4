"""`muster recover` and `muster procedures`: what is rehearsed, run when it is no rehearsal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.base.errors import MusterError, UsageError
from muster.cli.codes import USED_WRONGLY
from muster.cli.completing import ARGUMENTS, PROCEDURES
from muster.cli.recovery.performing import Wanted, perform
from muster.cli.shared import CONTEXT, SYSTEM, connected, definition_if_any, definition_of

if TYPE_CHECKING:
    from muster.cli.recovery.choosing import Choice
    from muster.diagnosis.diagnosis import Diagnosis
    from muster.steps import Procedure
    from muster.system import SystemDefinition

LOOK_WITHIN_S = 5.0  # what is wrong is looked at before the menu is shown, and not for longer
MOST_SHOWN = 3


@click.command(short_help="List the recovery procedures.")
@SYSTEM
@click.option("--json", "as_json", is_flag=True, help="as JSON (muster/procedures/v1)")
def procedures(system: Path | None, as_json: bool) -> None:
    """List the recovery procedures: muster's own, those of packages, and those that system.yaml names."""
    from muster.recovery import procedures as known

    found = known(definition_if_any(system))
    if as_json:
        content = [{"name": one.name, "summary": one.summary, "parameters": dict(one.parameters)} for one in found]
        click.echo(json.dumps({"schema": "muster/procedures/v1", "procedures": content}, indent=2))
        return
    for procedure in found:
        click.echo(f"{procedure.name:<28} {procedure.summary}")
        for name, what in procedure.parameters.items():
            click.echo(f"{'':<28}   {name}=...: {what}")


@click.command(short_help="Run a recovery procedure.")
@click.argument("procedure", required=False, shell_complete=PROCEDURES)
@click.argument("arguments", metavar="[NAME=VALUE]...", nargs=-1, shell_complete=ARGUMENTS)
@CONTEXT
@SYSTEM
@click.option("--plan", "planning", is_flag=True, help="say what it would do now, and change nothing")
@click.option("--undo", "undoing", is_flag=True, help="take back what it did, where it was cut or has failed")
@click.option("--json", "as_json", is_flag=True, help="as JSON (muster/recovery/v1), at the end")
def recover(
    *,
    procedure: str | None,
    arguments: tuple[str, ...],
    kube_context: str | None,
    system: Path | None,
    planning: bool,
    undoing: bool,
    as_json: bool,
) -> None:
    """Run a recovery procedure; without a name, choose from a menu, in which those that fit what is wrong come first.

    One that was cut, by whomever, is gone on with when it is run again. Only one runs on a system at a time.

    Exit code: 0 done, or nothing was wrong; 1 a step failed; 64 used wrongly, or it was not begun.
    """
    from muster.recovery import find_procedure
    from muster.recovery import procedures as known

    if planning and undoing:
        raise UsageError("--plan and --undo contradict each other: one acts, the other does not")
    definition = definition_of(system)
    if not procedure:
        _menu(known(definition), definition, kube_context, as_json=as_json)
    found = find_procedure(str(procedure), definition)
    wanted = Wanted(found, _pairs(arguments), definition, kube_context, as_json=as_json)
    perform(wanted, planning=planning, undoing=undoing)


def _menu(known: Sequence[Procedure], definition: SystemDefinition, kube_context: str | None, *, as_json: bool) -> None:
    """Have a person choose, see the plan, and confirm; never returns."""
    if as_json or not _on_a_terminal():
        begun = _begun_at(kube_context, definition)
        names = ", ".join(each.name for each in known)
        raise UsageError(f"{begun}name a procedure ({names}); a menu to choose from is shown on a terminal only")
    from muster.cli.recovery.choosing import choices
    from muster.cli.recovery.menu import choose

    with connected(kube_context) as cluster:
        from muster.safety import begun_procedures

        begun_now = begun_procedures(cluster, definition.namespace)
        target = f"{cluster.context}/{definition.namespace}"
    click.echo("looking at what is wrong ...", nl=False)
    diagnosis, unseen = _diagnosis(kube_context, definition)
    click.echo("\r\x1b[K", nl=False)
    offered = choices(known, begun_now, diagnosis.causes if diagnosis else [])
    chosen = choose([f"recover {target}", *_found(diagnosis, unseen)], offered)
    if chosen is None:
        click.echo("nothing was done")
        sys.exit(USED_WRONGLY)
    given = _ask_arguments(chosen)
    perform(Wanted(chosen.procedure, given, definition, kube_context), confirming=True)


def _diagnosis(kube_context: str | None, definition: SystemDefinition) -> tuple[Diagnosis | None, str]:
    """What is wrong as far as it shows in a few seconds; where nothing does, why not."""
    from muster.cli.diagnose import gathered
    from muster.diagnosis import diagnose

    try:
        return diagnose(gathered(kube_context, definition, None, LOOK_WITHIN_S)), ""
    except MusterError as error:
        return None, str(error)


def _found(diagnosis: Diagnosis | None, unseen: str) -> list[str]:
    """What is wrong, in a few lines: the causes alone."""
    if diagnosis is None:
        return [f"what is wrong could not be looked at: {unseen}", ""]
    causes = [cause for cause in diagnosis.causes if not cause.follows_from]
    lines = [f"{cause.severity}  {cause.ref}: {cause.finding.reason}" for cause in causes[:MOST_SHOWN]]
    if len(causes) > MOST_SHOWN:
        lines.append(f"... and {len(causes) - MOST_SHOWN} more: muster diagnose")
    if not causes:
        lines.append("nothing wrong is seen" + (", but not all could be seen" if diagnosis.unknown else ""))
    return [*lines, ""]


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _begun_at(kube_context: str | None, definition: SystemDefinition) -> str:
    """What was begun and has not ended, as the beginning of a sentence; nothing where nobody can be asked."""
    from muster.safety import begun_procedures

    try:
        with connected(kube_context) as cluster:
            begun = begun_procedures(cluster, definition.namespace)
            return "".join(f"{record.told(cluster)}; else " for record in begun)
    except MusterError:
        return ""


def _ask_arguments(chosen: Choice) -> Mapping[str, str]:
    """What a person tells the procedure of what it may be told, beginning with what fits; nothing said is nothing
    given. One that is gone on with is told what it was told before."""
    if chosen.reason.startswith("go on"):
        return chosen.arguments
    given = {
        name: click.prompt(f"{name} ({what})", default=chosen.arguments.get(name, ""), show_default=True)
        for name, what in chosen.procedure.parameters.items()
    }
    return {name: value for name, value in given.items() if value}


def _pairs(arguments: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or not name:
            raise UsageError(f"'{argument}' is no argument of a procedure; right would be NAME=VALUE")
        pairs[name] = value
    return pairs
