"""Who may be struck. Every guard fails closed: what cannot be checked is refused."""

from __future__ import annotations

import shlex

from muster.base.errors import ClusterError, RefusedError
from muster.kube import Cluster
from muster.safety import locks
from muster.safety.procedures import ProcedureRecordError, begun_procedures
from muster.safety.records import sift_records
from muster.wire.names import OPT_IN_LABEL, OPT_IN_VALUE


def check_target(cluster: Cluster, namespace: str) -> None:
    """Let pass a namespace that was opted in to drills.

    Raises:
        RefusedError: it was not, does not exist, or cannot be asked; the message tells how to opt in.
    """
    try:
        found = cluster.find("Namespace", namespace)
    except ClusterError as error:
        raise RefusedError(f"refused: namespace '{namespace}' cannot be checked for its opt-in: {error}") from error
    if found is None:
        raise RefusedError(f"refused: there is no namespace '{namespace}' in context '{cluster.context}'")
    if (found.get("metadata", {}).get("labels") or {}).get(OPT_IN_LABEL) != OPT_IN_VALUE:
        raise RefusedError(
            f"refused: namespace '{namespace}' of context '{cluster.context}' is not opted in to drills; its owner "
            f"does so by: kubectl --context {cluster.context} label namespace {namespace} {OPT_IN_LABEL}={OPT_IN_VALUE}"
        )


def check_nothing_open(cluster: Cluster, namespace: str) -> None:
    """Let pass a namespace in which no fault is in force and no recovery procedure was left in its middle.

    Raises:
        RefusedError: one is, or it cannot be told; the message ends with the command that undoes or ends it.
    """
    try:
        good, bad = sift_records(cluster, namespace)
        begun = begun_procedures(cluster, namespace)
        at_work = locks.holder(cluster, namespace) if good else None
    except ClusterError as error:
        raise RefusedError(f"refused: namespace '{namespace}' cannot be asked for open faults: {error}") from error
    except ProcedureRecordError as error:
        raise RefusedError(f"refused: {error}") from error
    if bad:
        raise RefusedError(f"refused: {bad[0]}")
    if good:
        record = good[0]
        raise RefusedError(
            f"refused: the fault '{record.experiment}' of {record.created} is still in force in namespace '{namespace}'"
            f" of context '{cluster.context}'; {f'unless the drill of {at_work} is at work still, ' if at_work else ''}"
            f"undo it first: {undo_command(cluster, namespace)}"
        )
    if begun:
        raise RefusedError(f"refused: {begun[0].told(cluster)}")


def undo_command(cluster: Cluster, namespace: str) -> str:
    """The whole command that undoes what is on record in a namespace; what `muster up` started is found without."""
    where = "" if cluster.embedded else f" --kube-context {shlex.quote(cluster.context)}"
    return f"muster undo{where} --namespace {namespace}"
