"""`muster stop` forbids drills, waits until their faults are undone, and says what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.safety.recorded import on_record

from muster.base.errors import RefusedError, UsageError
from muster.cli import stop as module
from muster.cli.main import commands
from muster.guardian import check_allowed
from muster.kube import Cluster
from muster.safety import Entry


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def muster(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments))


def test_drills_of_a_project_are_forbidden_until_it_is_lifted(cluster: Cluster, namespace: str) -> None:
    assert muster("stop", "--reason", "on fire").exit_code == 0
    with pytest.raises(RefusedError, match=r"forbidden by .*stop, .*: on fire; allow them again: muster stop --lift"):
        check_allowed(cluster, namespace, Path(".muster"))
    assert muster("stop", "--lift").output == "drills are allowed again\n"
    check_allowed(cluster, namespace, Path(".muster"))
    assert muster("stop", "--lift").output == "drills were not forbidden here\n"


def test_all_of_no_cluster_is_refused() -> None:
    assert isinstance(muster("stop", "--all").exception, UsageError)


@pytest.fixture
def there(cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    return ["--kube-context", cluster.context, "--namespace", namespace]


def test_a_namespace_is_forbidden_for_everybody(cluster: Cluster, namespace: str, there: list[str]) -> None:
    stopped = muster("stop", *there)
    assert stopped.exit_code == 0, stopped.output
    assert "no fault is in force" in stopped.output
    with pytest.raises(RefusedError, match=f"allow them again: muster stop --lift .*--namespace {namespace}"):
        check_allowed(cluster, namespace, None)
    assert "allowed again" in muster("stop", "--lift", *there).output
    check_allowed(cluster, namespace, None)


def test_a_fault_that_nobody_takes_back_is_named(
    cluster: Cluster, namespace: str, there: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(module, "UNDONE_WITHIN_S", 0.5)
    on_record(cluster, namespace, Entry("ConfigMap", "settings", ("data", "rate"), "100", "fast"))
    stopped = muster("stop", *there)
    assert stopped.exit_code == 1
    assert f"fault 'flood' is still in force in namespace '{namespace}'; undo it: muster undo" in stopped.output
