"""What a procedure began is on record before it acts, so that one that is cut in the middle is found and ended.

The record is changed only by who wrote it last (its resourceVersion tells), so an execution that was taken for dead
and has been gone on with by another acts no more: it cannot note that it is about to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from muster.base.clock import utc_iso
from muster.base.errors import RefusedError
from muster.kube import ApiError, Cluster
from muster.safety import ProcedureRecord, begun_procedures
from muster.safety.audit import who
from muster.safety.procedures import StepDone, put_on_record, take_off_record
from muster.safety.rights import rights
from muster.steps.progress import Progress

CONFLICT = {404, 409}
TAKING_BACK = "take it back"  # on record as the step, while what was done is taken back
# What being on record, and being the only one, takes of any procedure, whatever else it does.
ON_RECORD = rights("list get create update delete", "ConfigMap") | rights("get create update patch delete", "Lease")


class OnRecord:
    """The record of one execution of a procedure: none until it acts, and none after it has ended well.

    `progress` is what it keeps there, beginning with what an earlier execution kept that it goes on with.
    """

    def __init__(self, cluster: Cluster, namespace: str, procedure: str, arguments: Mapping[str, str]) -> None:
        """Look for procedures that were begun before.

        Raises:
            RefusedError: another procedure was begun, or this one with other arguments, and is at work still or was
                cut.
            ProcedureRecordError: a record cannot be understood.
            ClusterError: the cluster cannot be asked.
        """
        self._cluster = cluster.unobserved()  # being on record brings no service back
        begun = begun_procedures(cluster, namespace)
        self._open = next((record for record in begun if record.procedure == procedure), None)
        goes_on = self._open is not None and dict(self._open.arguments) == dict(arguments)
        # One whose step failed said so to whoever ran it, who may need another procedure now.
        others = [one for one in begun if not one.failed and not (one is self._open and goes_on)]
        if others:
            raise RefusedError(f"refused: {others[0].told(cluster)}")
        earlier = self._open if goes_on else None
        self._own = ProcedureRecord(procedure, namespace, arguments, step="", done=earlier.done if earlier else ())
        kept = earlier.progress if earlier else {}
        self.progress = Progress(
            kept, resumed=earlier is not None, failed=bool(earlier and earlier.failed), write=self._keep
        )
        # The steps that acted, or had begun to, in their order.
        self.begun = [done.step for done in self._own.done]
        if earlier and earlier.step not in {*self.begun, TAKING_BACK}:
            self.begun.append(earlier.step)
            self._own = replace(
                self._own, done=(*self._own.done, StepDone(earlier.step, "begun", earlier.began, earlier.by))
            )
        self._writes = False  # whether the record is this execution's own
        self._acted = self._open is not None  # by an earlier execution

    def acts(self, step: str) -> None:
        """Note that a step is about to act.

        Raises:
            RefusedError: another execution has gone on with it meanwhile.
            ClusterError: it cannot be noted; then the step must not act.
        """
        self._put(replace(self._own, step=step, progress=self.progress.values))

    def acted(self, step: str, did: str) -> None:
        """Note that a step has acted: from here on a failure leaves the procedure in its middle."""
        self._acted = True
        done = StepDone(step, did, utc_iso(timespec="seconds"), who())
        self._own = replace(self._own, done=(*self._own.done, done))

    def failed(self, why: str, *, refused: bool) -> None:
        """Note that the step failed. Where it refused to be the first to act nothing was begun, nothing is kept.

        Raises:
            ClusterError: it cannot be noted; the record stays as of a procedure that was cut.
        """
        if self._open is None or not self._writes:
            return
        if refused and not self._acted:
            take_off_record(self._cluster, self._open)
        else:
            self._put(replace(self._open, failed=why, done=self._own.done))

    def ended(self) -> None:
        """Delete the record, an earlier execution's as well: all that the procedure does is done.

        Raises:
            ClusterError: the cluster does not answer; the record stays.
        """
        if self._open is not None:
            take_off_record(self._cluster, self._open)
            self._open = None

    def _keep(self, values: Mapping[str, Any]) -> None:
        """Keep what the procedure wants to find again, once it is on record; until then the first note will."""
        if self._writes and self._open is not None:
            self._put(replace(self._open, progress=values))

    def _put(self, record: ProcedureRecord) -> None:
        before = self._open
        try:
            self._open = put_on_record(self._cluster, record, in_place_of=before)
        except ApiError as error:
            if error.code not in CONFLICT:
                raise
            self._writes = False
            raise RefusedError(
                f"refused: somebody else has gone on with procedure '{record.procedure}' in namespace "
                f"'{record.namespace}' at this moment; nothing more is done here"
            ) from error
        self._writes = True
