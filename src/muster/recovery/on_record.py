"""What a procedure began is on record before it acts, so that one that is cut in the middle is found and ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.safety import ProcedureRecord, begun_procedures
from muster.safety.procedures import put_on_record, take_off_record


class OnRecord:
    """The record of one execution of a procedure: none until it acts, and none after it has ended well."""

    def __init__(self, cluster: Cluster, namespace: str, procedure: str, arguments: Mapping[str, str]) -> None:
        """Look for procedures that were begun before.

        Raises:
            RefusedError: another procedure was begun, and is at work still or was cut.
            ProcedureRecordError: a record cannot be understood.
            ClusterError: the cluster cannot be asked.
        """
        self._cluster = cluster.unobserved()  # being on record brings no service back
        self._own = ProcedureRecord(procedure, namespace, arguments, step="")
        begun = begun_procedures(cluster, namespace)
        # One whose step failed said so to whoever ran it, who may need another procedure now.
        others = [record for record in begun if record.procedure != procedure and not record.failed]
        if others:
            raise RefusedError(f"refused: {others[0].told(cluster)}")
        self._open = next((record for record in begun if record.procedure == procedure), None)
        self._acted = self._open is not None  # by an earlier execution

    def acts(self, step: str) -> None:
        """Note that a step is about to act.

        Raises:
            ClusterError: it cannot be noted; then the step must not act.
        """
        record = replace(self._own, step=step)
        put_on_record(self._cluster, record)
        self._open = record

    def acted(self) -> None:
        """Note that a step has acted: from here on a failure leaves the procedure in its middle."""
        self._acted = True

    def failed(self, why: str, *, refused: bool) -> None:
        """Note that the step failed. Where it refused to be the first to act nothing was begun, nothing is kept.

        Raises:
            ClusterError: it cannot be noted; the record stays as of a procedure that was cut.
        """
        if self._open is None or self._open.execution != self._own.execution:
            return
        if refused and not self._acted:
            take_off_record(self._cluster, self._open)
        else:
            put_on_record(self._cluster, replace(self._open, failed=why))

    def ended(self) -> None:
        """Delete the record, an earlier execution's as well: all that the procedure does is done.

        Raises:
            ClusterError: the cluster does not answer; the record stays.
        """
        if self._open is not None:
            take_off_record(self._cluster, self._open)
            self._open = None
