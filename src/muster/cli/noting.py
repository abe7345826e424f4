"""What commands do while an incident of their system is open is noted there, without anybody's asking."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.base.clock import utc
from muster.base.errors import UsageError
from muster.cli.project import find_project

if TYPE_CHECKING:
    from muster.snapshot import Snapshot
    from muster.system import SystemDefinition


def where(address: str | None = None) -> tuple[str, Path]:
    """Where the store is: at the address, else where the environment says, else the project's own; and from which
    directory a relative path counts."""
    named = address or os.environ.get("MUSTER_HISTORY")
    if named == "none":
        raise UsageError("--history none keeps nothing to work on; right would be a file or a database")
    return str(named or find_project(Path.cwd()).history), Path.cwd()


def nothing_yet(address: str | None = None) -> bool:
    """Whether nobody named a store and the project has begun none: then nothing is on record, and nothing is wrong."""
    store, base = where(address)
    return not (address or os.environ.get("MUSTER_HISTORY")) and not (base / store).exists()


def cluster_name(kube_context: str | None) -> str:
    """What a cluster is called in the store, as drills call it there."""
    return kube_context or "embedded"


def tell_open(
    system: SystemDefinition, kube_context: str | None, *, kind: str, text: str, data: Callable[[], Mapping[str, Any]]
) -> None:
    """Note something of the incidents of a system on a cluster that are open, and ask for `data` only where there is
    one; a failure is told on standard error and no more."""
    address, base = where()
    if "://" not in address and not (base / address).exists():
        return  # to import what opens a store takes time, to look for a file none
    from muster.incidents.telling import Note, tell

    for trouble in tell(address, base, Note(system.name, cluster_name(kube_context), kind, text, data)):
        click.echo(f"muster: {trouble}", err=True)


def keep_snapshot(snapshot: Snapshot) -> str:
    """Keep what was looked at beside the project's reports; returns the file's path."""
    from muster.snapshot import save_snapshot

    folder = find_project(Path.cwd()).reports / "incidents"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"snapshot-{utc().strftime('%Y%m%dT%H%M%S%f')}.json"
    save_snapshot(snapshot, path)
    return str(path)
