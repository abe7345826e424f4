"""A procedure that was begun is found in its namespace until it is taken off record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.safety import ProcedureRecord, ProcedureRecordError, begun_procedures, check_nothing_open
from muster.safety.procedures import put_on_record, take_off_record


def test_a_record_says_what_was_begun_and_how_it_is_ended(cluster: Cluster, namespace: str) -> None:
    first = ProcedureRecord("Restart Billing", namespace, {"force": "yes please"}, step="drain")
    first = put_on_record(cluster, first)
    put_on_record(cluster, later := replace(first, step="restart"), in_place_of=first)
    assert begun_procedures(cluster, namespace) == [later]
    assert later.command(cluster) == "muster recover 'Restart Billing' 'force=yes please'"
    take_off_record(cluster, ProcedureRecord("Restart Billing", namespace, {}, step="another execution's"))
    assert begun_procedures(cluster, namespace) == [later]
    take_off_record(cluster, later)
    assert begun_procedures(cluster, namespace) == []


def test_a_procedure_left_in_its_middle_keeps_a_fault_out(cluster: Cluster, namespace: str) -> None:
    put_on_record(cluster, ProcedureRecord("promote-standby", namespace, {}, step="fence the old primary"))
    told = r"procedure 'promote-standby' .* at step 'fence the old primary'; .*: muster recover promote-standby$"
    with pytest.raises(RefusedError, match=told):
        check_nothing_open(cluster, namespace)


@pytest.mark.parametrize("content", ["?", "[]", "{}", '{"schema": "muster/procedure-record/v2"}'])
def test_a_record_that_cannot_be_understood_is_not_passed_over(cluster: Cluster, namespace: str, content: str) -> None:
    metadata = {"name": "muster-recovery-odd", "labels": {"muster.dev/procedure-record": "open"}}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"record.json": content}}
    cluster.create(item, namespace)
    with pytest.raises(ProcedureRecordError, match=r"muster-recovery-odd .* cannot be understood"):
        begun_procedures(cluster, namespace)
    with pytest.raises(RefusedError, match="cannot be understood"):
        check_nothing_open(cluster, namespace)
