"""What an earlier run left open is told first of all: before any load, deployment or strike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.safety.recorded import on_record

from muster.base.errors import RefusedError
from muster.drill import ManagedSystem
from muster.kube import Cluster, connect
from muster.safety import Entry, ProcedureRecord
from muster.safety.procedures import put_on_record
from muster.system import read_system

if TYPE_CHECKING:
    from tests.drill_project import DrillProject


def in_namespace(project: DrillProject, namespace: str) -> None:
    path = project.root / "systems/enhancer/system.yaml"
    path.write_text(path.read_text().replace("namespace: enhancer", f"namespace: {namespace}"))


def leave_a_fault(cluster: Cluster, namespace: str) -> None:
    entry = Entry("ConfigMap", "settings", ("data", "rate"), "100", "fast")
    on_record(cluster, namespace, entry)


@pytest.mark.parametrize("left", ["fault", "procedure"])
def test_a_session_begins_with_what_is_open_and_how_to_end_it(
    drill_project: DrillProject, cluster: Cluster, namespace: str, left: str
) -> None:
    in_namespace(drill_project, namespace)
    if left == "fault":
        leave_a_fault(cluster, namespace)
        wanted = f"undo it first: muster undo --kube-context {cluster.context} --namespace {namespace}"
    else:
        put_on_record(cluster, ProcedureRecord("promote-standby", namespace, {}, step="fence the old primary"))
        wanted = f"end it: muster recover promote-standby --kube-context {cluster.context}"
    options = ("drills", "-k", "pod_crash", "--kube-context", cluster.context)
    session = drill_project.pytest(*options, KUBECONFIG=str(cluster.kubeconfig))
    assert session.code == pytest.ExitCode.USAGE_ERROR, session.output
    assert wanted in session.output
    assert "1 item" not in session.output, "it went on to collect drills"


def test_a_drill_begins_with_what_the_one_before_left_open(
    drill_project: DrillProject, cluster: Cluster, namespace: str
) -> None:
    in_namespace(drill_project, namespace)
    leave_a_fault(cluster, namespace)
    with (
        connect(cluster.kubeconfig) as real,
        pytest.raises(RefusedError, match=r"the fault 'flood' of .* is still in force"),
    ):
        ManagedSystem(real, read_system(drill_project.root / "systems/enhancer")).prepare()
