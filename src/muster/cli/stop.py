"""`muster stop`: drills are forbidden, and those at work are stopped, their faults undone first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from muster.base.errors import UsageError
from muster.cli.codes import FINDING, UNKNOWN, otherwise
from muster.cli.shared import CONTEXT, HOME, SYSTEM, connected, definition_of

if TYPE_CHECKING:
    from pathlib import Path

    from muster.kube import Cluster

UNDONE_WITHIN_S = 60.0


@click.command(short_help="Stop drills now, and forbid them until it is lifted.")
@CONTEXT
@SYSTEM
@click.option("--namespace", metavar="NAME", help="whose drills are stopped (default: the system's namespace)")
@click.option("--all", "everywhere", is_flag=True, help="in every namespace of the cluster")
@click.option("--reason", metavar="TEXT", default="", help="said to whoever is stopped or refused")
@click.option("--lift", is_flag=True, help="allow them again")
@otherwise(UNKNOWN)
def stop(  # noqa: PLR0917 - click passes them by name
    kube_context: str | None, system: Path | None, namespace: str | None, everywhere: bool, reason: str, lift: bool
) -> None:
    """Stop the drills of this project on this machine; with --kube-context those of a cluster, wherever they run from.

    Each fault in force is undone first, and its drill is unknown. No drill begins until `muster stop --lift`. Exit 1 if
    a fault is still in force a minute later, 2 if the cluster does not answer.
    """
    if kube_context is None:
        if everywhere:
            raise UsageError("--all is for a whole cluster; right would be: muster stop --all --kube-context NAME")
        _stop_here(reason, lift=lift)
        return
    from muster.guardian.levers import CLUSTER_NAMESPACE

    where = CLUSTER_NAMESPACE if everywhere else namespace or definition_of(system).namespace
    with connected(kube_context) as cluster:
        if lift:
            _lift(cluster, where)
        else:
            _stop_there(cluster, where, reason, everywhere=everywhere)


def _stop_here(reason: str, *, lift: bool) -> None:
    from muster.guardian.levers import lift_file, pull_file

    if lift:
        click.echo("drills are allowed again" if lift_file(HOME) else "drills were not forbidden here")
        return
    path = pull_file(HOME, reason)
    click.echo(f"drills of this project are stopped, and forbidden by {path}; allow them again: muster stop --lift")


def _lift(cluster: Cluster, where: str) -> None:
    from muster.guardian.levers import lift

    lifted = lift(cluster, where)
    told = "drills are allowed again" if lifted else "drills were not forbidden"
    click.echo(f"{told} in namespace '{where}' of context '{cluster.context}'")


def _stop_there(cluster: Cluster, where: str, reason: str, *, everywhere: bool) -> None:
    from muster.base.clock import now
    from muster.base.errors import TimeoutExceededError
    from muster.base.waiting import wait_for
    from muster.guardian.levers import FORBIDDEN, pull

    began = now()
    if everywhere and cluster.find("Namespace", where) is None:
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where}})
    pull(cluster, where, reason)
    scope = "every namespace" if everywhere else f"namespace '{where}'"
    click.echo(f"drills are forbidden in {scope} of context '{cluster.context}' (ConfigMap {FORBIDDEN} in '{where}')")
    try:
        wait_for(
            lambda: not _in_force(cluster, None if everywhere else where),
            within=UNDONE_WITHIN_S,
            every=0.2,
            reason="faults to be undone",
        )
    except TimeoutExceededError:
        for what in _in_force(cluster, None if everywhere else where):
            click.echo(f"muster: {what}", err=True)
        sys.exit(FINDING)
    click.echo(f"no fault is in force, {now() - began:.1f} s after the command")


def _in_force(cluster: Cluster, namespace: str | None) -> list[str]:
    from muster.safety.guards import undo_command
    from muster.wire.names import FAULT_RECORD_LABEL

    found = [item["metadata"] for item in cluster.list("ConfigMap", namespace, labels=FAULT_RECORD_LABEL)]
    return [
        f"fault '{one['labels'][FAULT_RECORD_LABEL]}' is still in force in namespace '{one['namespace']}'; "
        f"undo it: {undo_command(cluster, one['namespace'])}"
        for one in found
    ]
