"""`muster ready`: whether a system is ready for a release."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.base.clock import utc
from muster.base.errors import MusterError, UsageError
from muster.cli.codes import UNKNOWN, otherwise
from muster.cli.diagnose import SOURCE, WITHIN
from muster.cli.noting import nothing_yet, where
from muster.cli.project import find_project
from muster.cli.shared import CONTEXT, HISTORY, PLAN, SYSTEM, connected, definition_of, planned_drills

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from muster.history.plan import Planned
    from muster.readiness import Held, Subject
    from muster.snapshot import Snapshot
    from muster.system import SystemDefinition
    from muster.system.version import SystemVersion


@click.command(short_help="Say whether the system is ready for a release; nothing is changed.")
@CONTEXT
@SYSTEM
@click.option("--release", metavar="RELEASE", help="what is to be released: a directory of manifests, or an image")
@WITHIN
@SOURCE
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="keep what was looked at")
@PLAN
@HISTORY
@click.option("-v", "--verbose", "everything", is_flag=True, help="tell of what is fine and what does not apply, too")
@click.option("--json", "as_json", is_flag=True, help="as JSON (muster/readiness/v1)")
@otherwise(UNKNOWN)
def ready(
    *,
    kube_context: str | None,
    system: Path | None,
    release: str | None,
    within: float,
    source: Path | None,
    save: Path | None,
    plan: Path | None,
    address: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Say whether the system is ready for a release, in eight categories: cluster, workloads, database, configuration,
    monitoring, the way back, what drills proved of this very version, error budgets. It only looks.

    Exit code: 0 ready, 1 not ready, 2 unknown, 64 used wrongly.
    """
    from muster.readiness import Subject, assess
    from muster.readiness.text import lines_of

    if source is not None and (kube_context or save):
        raise UsageError("--from looks at a file: --kube-context and --save are none of it; leave them out")
    definition = None if source is not None and release is None else definition_of(system)
    with ThreadPoolExecutor(1) as beside:  # pytest takes its time to collect drills
        planned = beside.submit(planned_drills, plan)
        snapshot = _looked_at(definition, kube_context, within, source, where(address)[0])
        held = _held(planned.result, address, named=plan is not None)
    subject = Subject(snapshot, held, utc(), release)
    if release is not None:
        assert definition is not None
        subject = replace(subject, wanted=_wanted(release, definition, subject))
    if save is not None:
        from muster.snapshot import save_snapshot

        save_snapshot(snapshot, save)
    found = assess(subject)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(lines_of(found, everything=everything)))
    sys.exit(found.exit_code)


def _looked_at(
    definition: SystemDefinition | None, kube_context: str | None, within: float, source: Path | None, store: str
) -> Snapshot:
    """The snapshot that a file holds, or one that is taken now, with what readiness asks besides.

    Raises:
        UsageError: the file holds none; or there is no such context, or no cluster is up.
    """
    if source is not None:
        from muster.snapshot import read_snapshot

        return read_snapshot(source)
    from muster.readiness.asking import parts_of
    from muster.snapshot.gather import gather
    from muster.system.trust import trust

    assert definition is not None
    trust(definition)
    return gather(
        lambda: connected(kube_context),
        definition,
        namespace=definition.namespace,
        within=within,
        further=lambda cluster, system: parts_of(
            cluster, system, root=find_project(Path.cwd()).root, store=store, embedded=kube_context is None
        ),
    )


def _wanted(release: str, definition: SystemDefinition, subject: Subject) -> SystemVersion:
    """The version of what is to be released, and on the embedded cluster its images by what stands for them here.

    Raises:
        UsageError: it is neither a directory of manifests nor an image of the system's.
        ClusterError: the embedded cluster does not tell.
    """
    from muster.readiness.wanted import version_of

    def digests(names: Iterable[str]) -> Mapping[str, str]:
        from muster.cli import background

        return background.digests(names, definition) if subject.embedded else {}

    return version_of(release, definition, subject.running, digests)


def _held(planned: Callable[[], dict[str, Planned]], address: str | None, *, named: bool) -> Held:
    """What is on record of drills, and which are planned; that pytest cannot collect those of the project makes them
    unknown.

    Raises:
        UsageError: the store, or the plan (where it was `named`), is not there, or cannot be read.
    """
    from muster.history import History
    from muster.history.query import Filters
    from muster.readiness import Held
    from muster.store.errors import NoHistoryError

    try:
        plan, why = planned(), ""
    except MusterError as error:
        if named:
            raise
        plan, why = {}, str(error)
    try:
        with History.open(*where(address)) as history:
            drills = history.drills(Filters())
            return Held(plan, drills, history.versions(drills), why)
    except NoHistoryError:
        if not nothing_yet(address):
            raise
        return Held(plan, why=why)
