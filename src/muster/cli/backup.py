"""`muster backup` and `muster restore`: a copy of what must not be lost, and the way back from it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from muster.base.errors import MusterError
from muster.cli.shared import CONTEXT, SYSTEM, connected, definition_of

if TYPE_CHECKING:
    from muster.backup import Base, Store
    from muster.safety.audit import AuditLog

F = TypeVar("F", bound=Callable[..., Any])
STORE = click.option(
    "--store",
    type=click.Path(path_type=Path),
    metavar="DIRECTORY",
    help="where backups lie (default: MUSTER_BACKUP_STORE, or backup.store of system.yaml)",
)
KEY = click.option(
    "--key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="an age key file that opens them (default: MUSTER_BACKUP_KEY_FILE)",
)
JSON = click.option("--json", "as_json", is_flag=True, help="JSON")
PLAN = click.option("--plan", is_flag=True, help="say what would be done, and do nothing")


@click.group(invoke_without_command=True, short_help="Take a backup; list, verify, prune them.")
@STORE
@CONTEXT
@SYSTEM
@PLAN
@JSON
@click.pass_context
def backup(
    context: click.Context,
    store: Path | None,
    kube_context: str | None,
    system: Path | None,
    *,
    plan: bool,
    as_json: bool,
) -> None:
    """Take a backup of the database and of the system's configuration, encrypted for those who are to open it.

    Once is not enough: `muster backup follow` ships what is written since, so that a moment can be restored.
    """
    if context.invoked_subcommand is not None:
        return
    from muster.backup import Recipients
    from muster.backup.server import primary
    from muster.backup.store import store_of
    from muster.backup.taking import take

    definition = definition_of(system)
    place = store_of(definition, store)
    recipients = Recipients.named(definition.backup.recipients)
    with connected(kube_context) as cluster:
        if plan:
            server = primary(cluster, definition)
            click.echo(
                f"would copy {server.instance} (pod {server.pod}) and the objects of namespace {definition.namespace} "
                f"of context '{cluster.context}' to {place.directory}, for {', '.join(recipients.names)}"
            )
            return
        base = take(cluster, definition, place, recipients, audit=_audit(), say=_progress(as_json))
    if as_json:
        click.echo(json.dumps(_told(place, base), indent=2))
        return
    size = sum(stored.bytes for stored in base.files.values()) / 1e6
    click.echo(f"backup {base.id}: {size:.1f} MB in {place.directory}, as of {base.ended}")
    click.echo(f"it counts once it was restored: muster backup verify {base.id}")


@backup.command("follow")
@STORE
@CONTEXT
@SYSTEM
@click.option("--every", type=float, metavar="S", help="seconds between turns (default: backup.every_s of system.yaml)")
@click.option("--once", is_flag=True, help="one turn, for a CronJob")
def follow(
    store: Path | None, kube_context: str | None, system: Path | None, every: float | None, *, once: bool
) -> None:
    """Ship what is written, turn after turn, and take a backup where one is due; until SIGTERM or Ctrl-C."""
    from muster.backup import Recipients
    from muster.backup.following import Follower
    from muster.backup.store import store_of

    definition = definition_of(system)
    recipients = Recipients.named(definition.backup.recipients)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    with connected(kube_context) as cluster:
        follower = Follower(
            cluster, definition, store_of(definition, store), recipients, audit=_audit(), say=_progress(False)
        )
        if not once:
            follower.follow(every or definition.backup.every_s, ending)
            return
        try:
            follower.turn()
        except MusterError as error:
            click.echo(f"muster: nothing shipped: {error}", err=True)
            sys.exit(1)


@backup.command("list")
@STORE
@SYSTEM
@JSON
def list_(store: Path | None, system: Path | None, *, as_json: bool) -> None:
    """List the backups, oldest first, whether each was verified, and the moment to which the archive leads."""
    from muster.backup.store import store_of

    definition = definition_of(system)
    place = store_of(definition, store)
    bases = place.bases()
    until = _leads_to(place)
    if as_json:
        content = {
            "schema": "muster/backups/v1",
            "system": place.system,
            "leads_to": until,
            "backups": [_told(place, base) for base in bases],
        }
        click.echo(json.dumps(content, indent=2))
        return
    if not bases:
        click.echo(f"no backup of {place.system} in {place.directory}; take one with: muster backup")
    for base in bases:
        size = sum(stored.bytes for stored in base.files.values()) / 1e6
        click.echo(f"{base.id:<20} {size:8.1f} MB  {base.instance:<12} {_verified(place, base)}")
    if until:
        click.echo(f"the archive leads to {until}")
    for identity in place.unended():
        click.echo(f"{identity}: was begun and not ended, and counts for nothing", err=True)


@backup.command("verify")
@click.argument("identity", metavar="[ID]", default="latest")
@STORE
@KEY
@CONTEXT
@SYSTEM
@JSON
def verify(
    identity: str,
    store: Path | None,
    key: Path | None,
    kube_context: str | None,
    system: Path | None,
    *,
    as_json: bool,
) -> None:
    """Restore a backup, the latest by default, into a scratch instance, and count what is in it.

    Exit code 0: it is whole; 1: it is not; 2: that could not be found out.
    """
    from muster.backup import verifying
    from muster.backup.store import store_of
    from muster.base.errors import ClusterError

    definition = definition_of(system)
    place = store_of(definition, store)
    base = place.base(identity)
    with connected(kube_context) as cluster:
        try:
            found = verifying.verify(cluster, definition, place, base, key=key, audit=_audit(), say=_progress(as_json))
        except ClusterError as error:
            click.echo(f"unknown: backup {base.id} could not be verified: {error}", err=True)
            sys.exit(2)
    if as_json:
        click.echo(json.dumps(_told(place, base), indent=2))
    elif found.ok:
        rows = sum(found.rows.values())
        click.echo(f"verified: backup {base.id}, {rows} rows in {len(found.rows)} tables ({found.took_s:.1f} s)")
    else:
        click.echo(f"NOT WHOLE: backup {base.id}: {found.why}")
    sys.exit(0 if found.ok else 1)


@backup.command("prune")
@STORE
@SYSTEM
@PLAN
def prune(store: Path | None, system: Path | None, *, plan: bool) -> None:
    """Delete backups that are older than system.yaml keeps them, and what of the archive no other one needs."""
    from muster.backup import expired
    from muster.backup.store import store_of
    from muster.base.clock import utc

    definition = definition_of(system)
    place, keeps = store_of(definition, store), definition.backup.keep
    bases = place.bases()
    verified = {base.id for base in bases if (found := place.verification(base)) and found.ok}
    gone = expired(bases, place.segments(), verified, days=keeps.days, least=keeps.least, at=utc())
    if not plan:
        audit = _audit()
        for base in gone.bases:
            audit.record("backup prune", target=str(place.directory), outcome="begun", detail=base.id)
            place.remove(base)
        if gone.segments:
            place.forget({one.name for one in gone.segments})
    would = "would delete" if plan else "deleted"
    names = ", ".join(base.id for base in gone.bases) or "no backup"
    click.echo(f"{would} {names} and {len(gone.segments)} segments; {len(bases) - len(gone.bases)} backups are kept")


@backup.command("key")
@click.argument("file", type=click.Path(path_type=Path))
def key_(file: Path) -> None:
    """Make a key: FILE opens backups and is secret; what is printed encrypts them and is not."""
    from muster.backup.keys import make_key

    click.echo(make_key(file))
    click.echo(f"keep {file} where nobody who drills can lose it: without it no backup can be opened", err=True)


@click.command(short_help="Bring the database back from its backup, to a moment.")
@click.option("--to", "to", metavar="TIME", default="latest", help="UTC: 2026-03-01T12:00:00Z (default: latest)")
@click.option("--backup", "identity", metavar="ID", help="begin from this one (default: the newest before TIME)")
@click.option("--replace", is_flag=True, help="even where a database is well; what it holds is set aside")
@STORE
@KEY
@CONTEXT
@SYSTEM
@PLAN
def restore(
    *,
    to: str,
    identity: str | None,
    store: Path | None,
    key: Path | None,
    kube_context: str | None,
    system: Path | None,
    replace: bool,
    plan: bool,
) -> None:
    """Bring the database back from its backup, to a moment: the procedure `restore-backup`, which drills rehearse.

    The databases are stopped, one is made of the backup and starts, the others follow it. What their volumes hold is
    set aside and never deleted. What was cut in its middle goes on when it is run again.
    """
    from muster.backup import plan_restore
    from muster.backup.keys import KEY_VARIABLE, Identities
    from muster.backup.restore import RestoreBackup, parse_moment
    from muster.backup.store import STORE_VARIABLE, store_of
    from muster.cli.recovery.performing import Wanted, perform

    definition = definition_of(system)
    moment = parse_moment(to)
    place = store_of(definition, store)
    identities = Identities.named(key)
    bases = place.bases() if identity is None else [place.base(identity)]
    found = plan_restore(bases, place.segments(), moment)
    if plan:
        click.echo(
            f"would stop the databases of {definition.name}, and bring them back as of {found.until}, from backup "
            f"{found.base.id} ({_verified(place, found.base)}) and {len(found.segments)} segments in {place.directory}"
        )
        return
    os.environ[STORE_VARIABLE], os.environ[KEY_VARIABLE] = str(place.root), str(identities.path)
    given = {name: value for name, value in (("to", to), ("backup", identity)) if value and value != "latest"}
    arguments = {**given, **({"replace": "yes"} if replace else {})}
    perform(Wanted(RestoreBackup(), arguments, definition, kube_context))


def _leads_to(place: Store) -> str:
    from muster.backup import BackupError, plan_restore

    try:
        return plan_restore(place.bases(), place.segments(), None).until
    except BackupError:
        return ""


def _told(place: Store, base: Base) -> dict[str, Any]:
    from dataclasses import asdict

    found = place.verification(base)
    return {
        "id": base.id,
        "ended": base.ended,
        "instance": base.instance,
        "target": base.target,
        "version": base.version,
        "bytes": sum(stored.bytes for stored in base.files.values()),
        "recipients": list(base.recipients),
        "verified": None if found is None else asdict(found),
    }


def _verified(place: Store, base: Base) -> str:
    found = place.verification(base)
    if found is None:
        return "never verified"
    return f"verified {found.at[:16]}" if found.ok else f"NOT WHOLE: {found.why}"


def _progress(quiet: bool) -> Callable[[str], object]:
    return (lambda _: None) if quiet else click.echo


def _audit() -> AuditLog:
    from muster.cli.project import find_project
    from muster.safety import AuditLog

    return AuditLog.of_run(find_project(Path.cwd()).reports)
