"""`muster rollback`: all traffic to the old version, at once, whoever looks after the release."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from muster.base.errors import MusterError, RefusedError, UsageError
from muster.cli.codes import FINDING, FINE
from muster.cli.release.keeping import Keeping
from muster.cli.release.printing import as_json
from muster.cli.shared import CONTEXT, HOME, SYSTEM, connected, definition_of

if TYPE_CHECKING:
    from muster.kube import Cluster
    from muster.release.record import Release
    from muster.system import SystemDefinition


@click.command(short_help="Take a release back: all traffic to the old version, verified.")
@CONTEXT
@SYSTEM
@click.option("-r", "--reason", default="", help="why, for the record (needed unless --plan)")
@click.option("-f", "--force", is_flag=True, help="do not ask; also where the database was changed for good")
@click.option("--plan", "planning", is_flag=True, help="say what it would do, and change nothing")
@click.option("--json", "as_json_", is_flag=True, help="as JSON (muster/release-result/v1), at the end")
def rollback(
    *, kube_context: str | None, system: Path | None, reason: str, force: bool, planning: bool, as_json_: bool
) -> None:
    """Bring all traffic to the old version and verify it with live requests, then remove the new version.

    It does not wait for whoever looks after the release: it takes the release over. What each part took is told.

    Exit code: 0 all traffic is on the old version; 1 it is not, or not within 30 s; 64 used wrongly, or there is
    nothing to take back.
    """
    from muster.base.clock import now

    decided = now()
    definition = definition_of(system)
    with connected(kube_context) as cluster:
        found = _under_way(cluster, definition, force=force)
        if planning:
            _plan(cluster, definition, found)
        if not reason:
            raise UsageError("say why with -r REASON: whoever reads the record wants to know")
        if not force and not _confirmed(found):
            click.echo("nothing was done")
            sys.exit(FINDING)
        with Keeping(kube_context) as keeping:
            decided = decided if force else now()
            _back(cluster, definition, found, reason, keeping, decided=decided, as_json_=as_json_)


def _under_way(cluster: Cluster, definition: SystemDefinition, *, force: bool) -> Release:
    from muster.release.record import find_release

    found = find_release(cluster, definition.namespace)
    if found is None:
        raise UsageError(f"there is no release in namespace '{definition.namespace}', nothing to take back")
    if found.is_over:
        before = f"before it ({found.stable})" if found.stable else "before it"
        raise UsageError(
            f"{found.target} is {found.state} since {found.ended}, nothing is to be taken back; to bring back what ran "
            f"{before}, release that: 'muster deploy' with its manifests or its image"
        )
    if found.changed_for_good and not force:
        raise RefusedError(
            f"refused: {found.target} has changed the database, and not so that the old version works on; go on with "
            "'muster deploy --continue', or force the way back with -f"
        )
    return found


def _confirmed(found: Release) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("without a terminal nobody can be asked: say -f")
    share = f"{found.share.possible:.0%} of traffic"
    return click.confirm(f"take back {found.target}, which has {share}, {found.state} at phase {found.phase}?")


def _plan(cluster: Cluster, definition: SystemDefinition, found: Release) -> NoReturn:
    from muster.release.traffic.routes import OWN
    from muster.wire.canary import beside

    click.echo(f"plan of the rollback of {found.target} on {cluster.context}/{definition.namespace}:")
    if found.past_return:
        for name in found.workloads:
            click.echo(f"first     Deployment {name}: back to the old version's pods, while the new one carries all")
    if found.way.name:
        named = ", ".join(found.way.kept) if found.way.name != "replicas" else definition.service.name
        click.echo(f"traffic   all to the old version ({found.way.name}{f': {named}' if named else ''})")
        click.echo("verify    live requests on new connections and on kept ones are answered by the old version")
    made = [f"Deployment {beside(name)}" for name in found.workloads]
    if found.way.name and found.way.name != "replicas":
        made.append(f"Service {beside(definition.service.name)}")
    if found.way.name == "httproute" and not found.way.kept:
        made.append(f"HTTPRoute {OWN}")
    click.echo(f"deletes   {', '.join(made)}")
    click.echo("nothing was changed")
    sys.exit(FINE)


def _back(
    cluster: Cluster,
    definition: SystemDefinition,
    found: Release,
    reason: str,
    keeping: Keeping,
    *,
    decided: float,
    as_json_: bool,
) -> NoReturn:
    from muster.cli.project import find_project
    from muster.kube import RELEASE
    from muster.probes.http.address import service_url
    from muster.release.taking_back import begin_rollback
    from muster.safety import AuditLog
    from muster.system.trust import trust

    HOME.mkdir(exist_ok=True)
    trust(definition)
    acting = cluster.asking_as(RELEASE)
    audit = AuditLog.of_run(find_project(Path.cwd()).reports)
    target = f"{cluster.context}/{definition.namespace}"
    audit.record("rollback", target=target, outcome="begun", why=reason, release=found.id)
    returning = begin_rollback(acting, definition, found, reason, service_url(acting, definition), decided=decided)
    try:
        returned = returning.take_back(reason, lambda seen: None if as_json_ else click.echo(str(seen)))
    except MusterError as error:
        keeping.over(returning.release, None)
        audit.record("rollback", target=target, outcome="failed", why=str(error))
        click.echo(f"muster: the rollback did not come to its end: {error}; run it again", err=True)
        sys.exit(FINDING)
    keeping.over(returning.release, returned)
    audit.record("rollback", target=target, outcome="done", release=found.id)
    if as_json_:
        click.echo(json.dumps(as_json(returning.release, returned), indent=2, ensure_ascii=False))
    else:
        click.echo(f"{found.target}: rolled back, the new version is removed")
    sys.exit(FINE if returned is None or returned.in_time else FINDING)
