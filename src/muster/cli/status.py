"""`muster status`: the system at a glance."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from muster.base.errors import UsageError
from muster.cli.diagnose import EVERYWHERE, NAMESPACE, SOURCE, WITHIN, looked_at, options_of
from muster.cli.shared import CONTEXT, SYSTEM, definition_if_any


@click.command(short_help="Show the system at a glance; nothing is changed.")
@CONTEXT
@SYSTEM
@NAMESPACE
@EVERYWHERE
@WITHIN
@click.option("--once", is_flag=True, help="look once, and end")
@SOURCE
@click.option("--json", "as_json", is_flag=True, help="as JSON (muster/status/v1)")
def status(
    *,
    kube_context: str | None,
    system: Path | None,
    namespace: str | None,
    all_namespaces: bool,
    within: float,
    once: bool,
    source: Path | None,
    as_json: bool,
) -> None:
    """Show the system at a glance: service, pods, databases, agents, work, faults, procedures, and the first finding of
    `muster diagnose`. It only looks.

    Exit code: 0 all is well, 1 there are findings, 2 something could not be seen, 64 used wrongly.
    """
    if not once and source is None:
        raise UsageError("a view that goes on is not there yet; right would be: muster status --once")
    snapshot = looked_at(
        kube_context=kube_context,
        definition=definition_if_any(system) if source is None else None,
        namespace=namespace,
        all_namespaces=all_namespaces,
        within=within,
        source=source,
    )
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
