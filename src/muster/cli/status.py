"""`muster status`: the system at a glance, once or live."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.base.errors import UsageError
from muster.cli.diagnose import EVERYWHERE, NAMESPACE, SOURCE, WITHIN, check_named, looked_at, options_of
from muster.cli.noting import cluster_name, nothing_yet, where
from muster.cli.shared import CONTEXT, HISTORY, SYSTEM, connected, definition_if_any

if TYPE_CHECKING:
    from muster.kube import Cluster
    from muster.snapshot import Snapshot
    from muster.system import SystemDefinition

NAMED_WITHIN_S = 2.0


@dataclass(frozen=True)
class Live:
    """What a view that goes on is told: of which system, if any, how it is looked at, and how often."""

    definition: SystemDefinition | None
    gather: Callable[[], Snapshot]
    kube_context: str | None
    address: str | None
    every_s: float
    within_s: float
    options: str


@click.command(short_help="Show the system at a glance, live on a terminal.")
@CONTEXT
@SYSTEM
@NAMESPACE
@EVERYWHERE
@WITHIN
@click.option("--every", type=float, default=2.0, show_default=True, metavar="SECONDS", help="between two looks")
@click.option("--once", is_flag=True, help="look once, and end; so it is in a pipe, too")
@SOURCE
@HISTORY
@click.option("--json", "as_json", is_flag=True, help="look once, as JSON (muster/status/v1)")
def status(
    *,
    kube_context: str | None,
    system: Path | None,
    namespace: str | None,
    all_namespaces: bool,
    within: float,
    every: float,
    once: bool,
    source: Path | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Show the system at a glance: service, release, pods, databases, agents, work, faults, procedures, and the first
    finding of `muster diagnose`. On a terminal it goes on until q is pressed, with objectives over time, what a release
    does next by itself, and keys that pause, continue, promote, freeze, abort or roll back the release, each asked
    about first. Otherwise it only looks.

    Exit code: 0 all is well, or it was left by q; 1 there are findings, 2 something could not be seen, 64 used wrongly.
    """
    if not 0.5 <= every <= 3600:
        raise UsageError(f"'--every {every:g}' is no time between two looks; right would be 0.5 to 3600 seconds")
    definition = definition_if_any(system) if source is None else None
    gather = partial(
        looked_at,
        kube_context=kube_context,
        definition=definition,
        namespace=namespace,
        all_namespaces=all_namespaces,
        within=within,
        source=source,
    )
    if not once and not as_json and source is None and _on_a_terminal():
        check_named(definition, namespace, everywhere=all_namespaces)
        others = all_namespaces or (namespace and definition is not None and namespace != definition.namespace)
        own = None if others else definition  # what system.yaml says is not true of others
        _live(Live(own, gather, kube_context, address, every, within, options_of(kube_context, system)))
        return
    snapshot = gather()
    # Not before: a part of these imports is done while the snapshot is waited for.
    from muster.base.clock import utc
    from muster.checks.seen import moment
    from muster.diagnosis import diagnose
    from muster.status import glance
    from muster.status.text import lines_of

    shown = glance(snapshot, diagnose(snapshot), (utc() - moment(snapshot.taken)).total_seconds())
    if as_json:
        click.echo(json.dumps(shown.to_json(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(lines_of(shown, options=options_of(kube_context, system))))
    sys.exit(shown.exit_code)


def _on_a_terminal() -> bool:
    """Whether somebody sits there who sees what changes and has keys."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _live(live: Live) -> None:
    """Show it until somebody leaves.

    Raises:
        UsageError: there is nothing that could be looked at: no such context, no cluster is up.
    """
    from muster.cli.project import find_project
    from muster.dashboard.acting import Desk
    from muster.dashboard.looking import looking
    from muster.dashboard.screen.app import Dashboard
    from muster.dashboard.sources import Sources
    from muster.safety import AuditLog
    from muster.snapshot.gather import check_within
    from muster.system.trust import trust

    check_within(live.within_s)
    definition, reach = live.definition, partial(connected, live.kube_context)
    context = _context_of(reach, live.kube_context)
    if definition is not None:
        trust(definition)
    store = None if live.address == "none" or nothing_yet(live.address) else where(live.address)
    sources = Sources(definition, reach, live.gather, store, cluster_name(live.kube_context))
    where_it_is = (
        f"{definition.name} · namespace {definition.namespace} on {context}" if definition else f"on {context}"
    )
    board = sources.board(where_it_is, every_s=live.every_s)
    desk = None
    if definition is not None:
        audit = AuditLog.of_run(find_project(Path.cwd()).reports)
        desk = Desk(definition, reach, audit.record)
    with looking(tuple(sources.looked(board)), every_s=live.every_s, within_s=live.within_s):
        Dashboard(board, desk, options=live.options).run()


def _context_of(reach: Callable[[], Cluster], kube_context: str | None) -> str:
    """What the context is called. Its cluster need not answer, now or ever: that is shown.

    Raises:
        UsageError: there is no such context, or no cluster is up.
    """
    from muster.base.clock import now
    from muster.snapshot.asking import Part, ask

    def named() -> str | UsageError:
        try:
            with reach() as cluster:
                return cluster.context
        except UsageError as error:
            return error

    found = ask([Part("cluster", named)], now() + NAMED_WITHIN_S).values.get("cluster")
    if isinstance(found, UsageError):
        raise found
    return str(found or cluster_name(kube_context))
