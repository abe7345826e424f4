"""`muster keep`: call the present configuration good, so that it can be restored."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.base.errors import MusterError
from muster.cli.codes import FINDING, otherwise
from muster.cli.shared import CONTEXT, SYSTEM, connected, definition_of

if TYPE_CHECKING:
    from muster.kube import Cluster
    from muster.system import SystemDefinition


@click.command(short_help="Keep the present configuration as known good.")
@click.option("--why", default="kept by hand", metavar="TEXT", help="what makes you call it good")
@click.option("--list", "listed", is_flag=True, help="only show what is kept")
@CONTEXT
@SYSTEM
@otherwise(FINDING)
def keep(why: str, listed: bool, kube_context: str | None, system: Path | None) -> None:
    """Keep the present configuration as the last known good one, for `muster recover restore-configuration`.

    Refuses while the system is not healthy; exit 1 if a configuration could not be kept.
    """
    definition = definition_of(system)
    with connected(kube_context) as cluster:
        if listed:
            _show(cluster, definition)
        elif not _keep(cluster, definition, why):
            sys.exit(FINDING)


def _keep(cluster: Cluster, definition: SystemDefinition, why: str) -> bool:
    from muster.cli.project import find_project
    from muster.probes.http.address import service_url
    from muster.recovery.configuration import check_healthy, configurations_of, keep_configuration
    from muster.safety import AuditLog
    from muster.system.trust import trust

    configurations = configurations_of(definition)
    check_healthy(cluster, definition)
    audit = AuditLog.of_run(find_project(Path.cwd()).reports)
    trust(definition)
    url, all_kept = service_url(cluster, definition), True
    for configuration in configurations:
        try:
            click.echo(str(keep_configuration(cluster, definition, configuration, url, why=why, audit=audit)))
        except MusterError as error:
            click.echo(f"muster: {error}", err=True)
            all_kept = False
    return all_kept


def _show(cluster: Cluster, definition: SystemDefinition) -> None:
    from muster.recovery.configuration import configurations_of
    from muster.system.known_good import known_good

    for configuration in configurations_of(definition):
        versions = known_good(cluster, definition.namespace, configuration.config_map)
        click.echo(f"ConfigMap {configuration.config_map}: {len(versions)} kept")
        for number, version in enumerate(versions, start=1):
            said = f" (version {version.reported})" if version.reported is not None else ""
            click.echo(f"  version={number}  {version.kept} by {version.by}: {version.why}{said}")
