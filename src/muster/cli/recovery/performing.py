"""Running, planning or taking back a procedure that is chosen, and telling of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from muster.cli.codes import FINDING, FINE, USED_WRONGLY
from muster.cli.recovery.printing import StepPrinter, as_json, plan_end, plan_lines, resumed_lines
from muster.cli.shared import HOME, connected

if TYPE_CHECKING:
    from muster.kube import Cluster
    from muster.steps import Context, Outcome, Procedure
    from muster.system import SystemDefinition


@dataclass(frozen=True)
class Wanted:
    """A procedure, with what it is told, on a system; `as_json` is whether a program reads what is said."""

    procedure: Procedure
    arguments: Mapping[str, str]
    system: SystemDefinition
    kube_context: str | None
    as_json: bool = False


def perform(wanted: Wanted, *, planning: bool = False, undoing: bool = False, confirming: bool = False) -> NoReturn:
    """Run a procedure, telling each step, and exit with 0 if it did what it is for, else 1.

    `planning` says what it would do instead, and changes nothing (64 where it would refuse); `undoing` takes back what
    it did; `confirming` shows the plan and asks before anything is done.
    """
    from muster.system.trust import trust

    HOME.mkdir(exist_ok=True)
    trust(wanted.system)
    printer = StepPrinter(live=sys.stdout.isatty() and not wanted.as_json, silent=wanted.as_json)
    with reached(wanted.kube_context) as cluster:
        context = _context(wanted, cluster, printer)
        if planning:
            sys.exit(_plan(wanted, context))
        _tell_begun(wanted, context)
        if confirming:
            _confirm(wanted, context)
        _note(wanted, context)
        outcome = _run(wanted, context, printer, undoing=undoing)
    _note_incident(wanted, outcome, undoing=undoing)
    _tell_end(wanted, context, outcome, undoing=undoing)
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


def _context(wanted: Wanted, cluster: Cluster, printer: StepPrinter) -> Context:
    from muster.cli.project import find_project
    from muster.kube import PROCEDURE
    from muster.probes.http.address import service_url
    from muster.safety import AuditLog
    from muster.steps import Context

    return Context(
        cluster=cluster.asking_as(PROCEDURE),
        system=wanted.system,
        namespace=wanted.system.namespace,
        timeline=None,
        audit=AuditLog.of_run(find_project(Path.cwd()).reports),
        url=service_url(cluster, wanted.system),
        arguments=wanted.arguments,
        told=printer.said,
    )


def _plan(wanted: Wanted, context: Context) -> int:
    from muster.steps import plan

    planned = plan(wanted.procedure, context)
    name = wanted.procedure.name
    if wanted.as_json:
        target = (context.cluster.context, context.namespace)
        click.echo(json.dumps(as_json(name, target, wanted.arguments, planned), indent=2, ensure_ascii=False))
    else:
        click.echo(f"plan of {name} on {context.cluster.context}/{context.namespace}:")
        for line in plan_lines(planned):
            click.echo(line)
        click.echo(plan_end(name, planned))
    return USED_WRONGLY if any(step.state == "refused" for step in planned) else FINE


def _tell_begun(wanted: Wanted, context: Context) -> None:
    """Say what was begun before, where a person reads it."""
    from muster.safety import begun_procedures

    if wanted.as_json:
        return
    for record in begun_procedures(context.cluster, context.namespace):
        if record.procedure == wanted.procedure.name and dict(record.arguments) == dict(wanted.arguments):
            for line in resumed_lines(record):
                click.echo(line)
        elif record.failed:  # beside one that was cut nothing is run
            click.echo(f"muster: {record.told(context.cluster)}", err=True)


def _confirm(wanted: Wanted, context: Context) -> None:
    if _plan(wanted, context) != FINE:
        sys.exit(USED_WRONGLY)
    if not click.confirm(f"run {wanted.procedure.name} on {context.cluster.context}/{context.namespace}?"):
        click.echo("nothing was done")
        sys.exit(USED_WRONGLY)


def _note(wanted: Wanted, context: Context) -> None:
    from muster.safety.targets import note_struck

    if wanted.kube_context is not None:
        note_struck(HOME, context.cluster, context.namespace)


def _run(wanted: Wanted, context: Context, printer: StepPrinter, *, undoing: bool) -> Outcome:
    from muster.steps import run, take_back

    return (take_back if undoing else run)(wanted.procedure, context, observer=printer)


def _note_incident(wanted: Wanted, outcome: Outcome, *, undoing: bool) -> None:
    """Tell the system's open incidents of it, unless nothing was to be done."""
    from muster.cli.noting import tell_open

    name = wanted.procedure.name
    if all(step.state == "skipped" for step in outcome.steps) and outcome.ok:
        return
    how = "taken back" if undoing and outcome.ok else "done" if outcome.ok else outcome.why
    steps = [{"name": one.name, "state": one.state, "detail": one.detail} for one in outcome.steps]
    data = {"procedure": name, "arguments": dict(wanted.arguments), "ok": outcome.ok, "steps": steps}
    text = f"{name}: {how} ({outcome.ended - outcome.began:.1f} s)"
    tell_open(wanted.system, wanted.kube_context, kind="recovery", text=text, data=lambda: data)


def _tell_end(wanted: Wanted, context: Context, outcome: Outcome, *, undoing: bool) -> None:
    name = wanted.procedure.name
    if wanted.as_json:
        target = (context.cluster.context, context.namespace)
        click.echo(json.dumps(as_json(name, target, wanted.arguments, outcome), indent=2, ensure_ascii=False))
        return
    idle = all(step.state == "skipped" for step in outcome.steps)
    said = "nothing could be taken back" if undoing else "nothing was wrong, nothing was done"
    done = said if idle else "taken back" if undoing else "done"
    click.echo(f"{name}: {done if outcome.ok else outcome.why} ({outcome.ended - outcome.began:.1f} s)")
