"""`muster diagnose`: what is wrong, what it comes from, what mends it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.base.errors import MusterError, UsageError
from muster.cli.codes import USED_WRONGLY
from muster.cli.completing import CHECKS
from muster.cli.noting import keep_snapshot, tell_open
from muster.cli.shared import CONTEXT, SYSTEM, connected, definition_if_any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from muster.checks.check import Check
    from muster.diagnosis.diagnosis import Diagnosis
    from muster.snapshot import Snapshot
    from muster.system import SystemDefinition

WITHIN = click.option(
    "--within",
    type=float,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="by when it answers, whatever hangs",
)
NAMESPACE = click.option("-n", "--namespace", metavar="NAME", help="default: that of system.yaml")
SOURCE = click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="look at what was kept, or a List"
)
EVERYWHERE = click.option("-A", "--all-namespaces", is_flag=True, help="look at all namespaces")


@click.command(short_help="Say what is wrong and what it comes from; nothing is changed.")
@CONTEXT
@SYSTEM
@NAMESPACE
@EVERYWHERE
@WITHIN
@click.option(
    "--check",
    "names",
    multiple=True,
    metavar="NAME",
    help="only this check; may be given again",
    shell_complete=CHECKS,
)
@click.option("--list", "listing", is_flag=True, help="list the checks")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="keep what was looked at")
@SOURCE
@click.option("--scenario", metavar="NAME", help="which of the scenarios that FILE holds")
@click.option("--json", "as_json", is_flag=True, help="as JSON (muster/diagnosis/v1)")
def diagnose(
    *,
    kube_context: str | None,
    system: Path | None,
    namespace: str | None,
    all_namespaces: bool,
    within: float,
    names: tuple[str, ...],
    listing: bool,
    save: Path | None,
    source: Path | None,
    scenario: str | None,
    as_json: bool,
) -> None:
    """Say what is wrong in a namespace or a cluster, what explains others first. It only looks.

    Exit code: 0 nothing found, 1 findings, 2 nothing found where something could not be seen, 64 used wrongly.
    """
    try:
        definition = definition_if_any(system) if listing or source is None else None
        if listing:
            _list(_chosen(names, _told(definition)), as_json=as_json)
            return
        if names and source is None:  # an unknown one is told before anything is asked
            _chosen(names, _told(definition))
        snapshot = looked_at(
            kube_context=kube_context,
            definition=definition,
            namespace=namespace,
            all_namespaces=all_namespaces,
            within=within,
            source=source,
            scenario=scenario,
        )
        chosen = _chosen(names, snapshot.system)
        if save is not None:
            from muster.snapshot import save_snapshot

            save_snapshot(snapshot, save)
    except MusterError as error:
        click.echo(f"muster: {error}", err=True)
        sys.exit(USED_WRONGLY)
    diagnosis = _say(snapshot, chosen, options_of(kube_context, system), as_json=as_json)
    if definition is not None and not namespace and not all_namespaces:
        _note_incident(snapshot, diagnosis, definition, kube_context)
    sys.exit(diagnosis.exit_code)


def _note_incident(
    snapshot: Snapshot, diagnosis: Diagnosis, definition: SystemDefinition, kube_context: str | None
) -> None:
    """Tell an incident of the system that is open what was found, and keep the snapshot with it."""
    if not diagnosis.causes:
        return
    first = diagnosis.causes[0]
    text = f"{first.severity} {first.ref}: {first.finding.reason}"
    kept = lambda: {**diagnosis.to_json(), "snapshot": keep_snapshot(snapshot)}  # noqa: E731
    tell_open(definition, kube_context, kind="diagnosis", text=text, data=kept)


def _chosen(names: tuple[str, ...], told: Mapping[str, Any]) -> list[Check]:
    from muster.checks.registry import find_checks

    return find_checks(names, told)


def _told(definition: SystemDefinition | None) -> Mapping[str, Any]:
    """What checks know of a system; nothing where there is none."""
    from muster.snapshot.system import told_of

    return told_of(definition) if definition else {}


def _list(chosen: list[Check], *, as_json: bool) -> None:
    if as_json:
        content = [{"name": one.name, "category": one.category, "summary": one.summary} for one in chosen]
        click.echo(json.dumps({"schema": "muster/checks/v1", "checks": content}, indent=2))
        return
    for category in dict.fromkeys(one.category for one in chosen):
        click.echo(f"{category}:")
        for one in chosen:
            if one.category == category:
                click.echo(f"  {one.name:<18} {one.summary}")


def looked_at(
    *,
    kube_context: str | None,
    definition: SystemDefinition | None,
    namespace: str | None,
    all_namespaces: bool,
    within: float,
    source: Path | None,
    scenario: str | None = None,
) -> Snapshot:
    """The snapshot that options ask for: one that is taken now, of the defined system unless they say otherwise, or
    that a file holds.

    Raises:
        UsageError: they contradict each other, or name nothing that could be looked at.
    """
    from muster.snapshot import read_snapshot

    if source is not None:
        if namespace or all_namespaces or kube_context:
            raise UsageError("--from looks at a file: a namespace or a context is none of it; leave them out")
        return read_snapshot(source, scenario)
    if scenario is not None:
        raise UsageError("--scenario names one of a file's scenarios; right would be --from FILE --scenario NAME")
    check_named(definition, namespace, everywhere=all_namespaces)
    return gathered(kube_context, definition, namespace, within, everywhere=all_namespaces)


def check_named(definition: SystemDefinition | None, namespace: str | None, *, everywhere: bool) -> None:
    """Refuse options that name nothing to look at, or two things.

    Raises:
        UsageError: they do.
    """
    if namespace and everywhere:
        raise UsageError("-n and --all-namespaces contradict each other")
    if definition is None and not namespace and not everywhere:
        raise UsageError("there is no system.yaml that names a namespace; right would be -n NAME or --all-namespaces")


def gathered(
    kube_context: str | None,
    definition: SystemDefinition | None,
    namespace: str | None,
    within: float,
    *,
    everywhere: bool = False,
) -> Snapshot:
    """A snapshot of the named namespace, else of the system's, or of all.

    Raises:
        UsageError: neither a namespace nor a system is named, or there is no such context.
    """
    from muster.snapshot.gather import gather
    from muster.system.trust import trust

    check_named(definition, namespace, everywhere=everywhere)
    if definition is not None and namespace and namespace != definition.namespace:
        definition = None  # another's namespace: what system.yaml says is not true of it
    if definition is not None:
        trust(definition)
    wanted = None if everywhere else namespace or (definition.namespace if definition else None)
    return gather(
        lambda: connected(kube_context), definition, namespace=wanted, within=within, meanwhile=_ready_to_diagnose
    )


def _ready_to_diagnose() -> None:
    """Import what makes a diagnosis of a snapshot, while the snapshot is still waited for."""
    import muster.diagnosis.text  # noqa: F401


def options_of(kube_context: str | None, system: Path | None) -> str:
    """What goes with each command that is suggested, so that it acts where was looked."""
    said = f" --kube-context {shlex.quote(kube_context)}" if kube_context else ""
    return said + (f" --system {shlex.quote(str(system))}" if system else "")


def _say(snapshot: Snapshot, chosen: list[Check], options: str, *, as_json: bool) -> Diagnosis:
    from muster.diagnosis import diagnose as diagnosed
    from muster.diagnosis.text import lines_of

    diagnosis = diagnosed(snapshot, chosen)
    if as_json:
        click.echo(json.dumps(diagnosis.to_json(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(lines_of(diagnosis, options=options)))
    return diagnosis
