"""`muster undo`: what is on record is undone; what else is open is named, wherever drills were held from here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from muster.base.errors import MusterError, UsageError
from muster.cli.codes import FINDING, UNKNOWN, otherwise
from muster.cli.shared import CONTEXT, HOME, SYSTEM, connected, definition_of

if TYPE_CHECKING:
    from muster.kube import Cluster
    from muster.safety import AuditLog, Record
    from muster.safety.targets import Struck


class Trouble(NamedTuple):
    """Why nobody may go to sleep; `known` is whether something is open, else nobody could tell."""

    text: str
    known: bool = True


@click.command(short_help="Undo every fault that is on record.")
@CONTEXT
@SYSTEM
@click.option("--namespace", metavar="NAME", help="where records are looked for (default: the system's namespace)")
@otherwise(UNKNOWN)
def undo(kube_context: str | None, system: Path | None, namespace: str | None) -> None:
    """Undo every fault that a record in the namespace names.

    Without --kube-context the cluster of `muster up` is asked, and wherever else drills struck from this directory is
    looked at; there nothing is undone without being named. Exit 1 if a fault could not be undone, is in force
    elsewhere, or a recovery procedure that was begun has not ended; 2 if only that cannot be told.
    """
    namespace = namespace or definition_of(system).namespace
    asked, troubles = "", list[Trouble]()
    try:
        with connected(kube_context) as cluster:
            asked = f"{cluster.server} {namespace}"
            troubles += map(Trouble, _undo(cluster, namespace))
    except UsageError as error:
        if kube_context is not None:
            raise
        troubles.append(Trouble(str(error), known=False))  # no cluster is up
    if kube_context is None:
        troubles += _elsewhere(asked)
    for trouble in troubles:
        click.echo(f"muster: {trouble.text}", err=True)
    if troubles:
        sys.exit(FINDING if any(trouble.known for trouble in troubles) else UNKNOWN)


def _undo(cluster: Cluster, namespace: str) -> Iterator[str]:
    """Undo what is on record; yields what is open still, a sentence each."""
    from muster.cli.project import find_project
    from muster.safety import AuditLog, sift_records
    from muster.safety import undo as undo_record

    audit, target = AuditLog.of_run(find_project(Path.cwd()).reports), f"{cluster.context}/{namespace}"
    where = f"namespace '{namespace}' of context '{cluster.context}'"
    records, bad = sift_records(cluster, namespace)
    if not records and not bad:
        _check_exists(cluster, namespace)
        click.echo(f"no fault record is open in {where}")
    yield from map(str, bad)
    for record in records:
        try:
            undone, left = undo_record(cluster, record)
        except MusterError as error:
            yield f"fault '{record.experiment}' is not undone, its record stays: {error}"
            yield from _logged(audit, record, target=target, outcome="failed", why=str(error))
            continue
        yield from _logged(audit, record, target=target, outcome="done", undone=undone, left=left)
        for text in [*undone, *left]:
            click.echo(f"{record.experiment}: {text}")
    yield from _begun(cluster, namespace)


def _logged(audit: AuditLog, record: Record, *, target: str, outcome: str, **said: Any) -> Iterator[str]:
    """Log an undo; yields why it is not logged. It is done all the same: a full disk keeps no fault in force."""
    try:
        audit.record("undo", target=target, outcome=outcome, objects=record.objects, by="muster undo", **said)
    except MusterError as error:
        yield f"the undoing of '{record.experiment}' is not in the audit log: {error}"


def _check_exists(cluster: Cluster, namespace: str) -> None:
    """Let nobody be told that all is well in a namespace that there is not.

    Raises:
        MusterError: there is none of this name.
    """
    from muster.kube import ApiError

    try:
        found = cluster.find("Namespace", namespace)
    except ApiError as error:
        if error.code == 403:  # whoever may see the records need not see the namespace
            return
        raise
    if found is None:
        raise MusterError(f"there is no namespace '{namespace}' in context '{cluster.context}'")


def _begun(cluster: Cluster, namespace: str) -> Iterator[str]:
    from muster.safety import ProcedureRecordError, begun_procedures

    try:
        yield from (record.told(cluster) for record in begun_procedures(cluster, namespace))
    except ProcedureRecordError as error:
        yield str(error)


def _elsewhere(asked: str) -> Iterator[Trouble]:
    """What is open where drills struck from here, apart from the namespace that was asked; clean ones are forgotten."""
    from muster.safety.targets import struck

    for noted in struck(HOME):
        if f"{noted.server} {noted.namespace}" == asked:
            continue
        try:
            found = list(_open_at(noted))
        except MusterError as error:
            told = f"drills struck {noted} on {noted.when}, which is not asked: {error}; if it is gone: rm {noted.path}"
            yield Trouble(told, known=False)
            continue
        if not found:
            click.echo(f"nothing is open in {noted}, which was struck on {noted.when}")
            noted.path.unlink(missing_ok=True)
        yield from map(Trouble, found)


def _open_at(noted: Struck) -> Iterator[str]:
    from muster.safety import sift_records
    from muster.safety.guards import undo_command

    with connected(noted.context) as cluster:
        if cluster.server != noted.server:
            raise UsageError(f"the context leads to {cluster.server} now")
        records, bad = sift_records(cluster, noted.namespace)
        yield from map(str, bad)
        for record in records:
            what = f"the fault '{record.experiment}' of {record.created} is in force in {noted}"
            yield f"{what}; undo it: {undo_command(cluster, noted.namespace)}"
        yield from _begun(cluster, noted.namespace)
