"""`muster undo` undoes what it can, and names what it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from muster.kube import Cluster
from muster.safety import AuditLog, Entry, ProcedureRecord, open_records
from muster.safety.procedures import put_on_record
from muster.safety.targets import note_struck, struck

from .recorded import on_record

SYSTEM = Path(__file__).resolve().parents[2] / "systems/enhancer"


def undo(
    cluster: Cluster, namespace: str, directory: Path, *options: str, named: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the command on a system that lives in the namespace; without `named` it is told no context."""
    shutil.copytree(SYSTEM, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    text = (SYSTEM / "system.yaml").read_text()
    (directory / "system.yaml").write_text(text.replace("namespace: enhancer", f"namespace: {namespace}"))
    context = ("--kube-context", cluster.context) if named else ()
    return subprocess.run(
        [str(Path(sys.executable).parent / "muster"), "undo", *context, "--system", "system.yaml", *options],
        cwd=directory,
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def config_map(name: str, data: dict[str, str], **labels: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": data}


def test_one_bad_record_stops_no_other_undo(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.create(config_map("settings", {"rate": "fast"}), namespace)
    strange = Entry("Nonsense", "x", ("data",), "1", "2")
    on_record(cluster, namespace, strange, experiment="drought", run="r", injection="i")
    entry = Entry("ConfigMap", "settings", ("data", "rate"), "100", "fast")
    on_record(cluster, namespace, entry, experiment="flood", run="r", injection="i")
    bad = config_map("muster-fault-odd", {"record.json": "?"}, **{"muster.dev/fault-record": "odd"})
    cluster.create(bad, namespace)

    done = undo(cluster, namespace, tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    assert cluster.get("ConfigMap", "settings", namespace)["data"] == {"rate": "100"}
    assert done.stdout == "flood: ConfigMap settings data.rate: 'fast' put back to '100'\n"
    first, second = done.stderr.splitlines()
    assert "fault record muster-fault-odd in namespace" in first
    assert second.startswith("muster: fault 'drought' is not undone, its record stays: ")
    entries = [entry.content for _, entry in AuditLog(tmp_path / "reports/audit.jsonl").entries()]
    assert [(entry["outcome"], entry["objects"]) for entry in entries] == [
        ("failed", ["Nonsense/x"]),
        ("done", ["ConfigMap/settings"]),
    ]
    assert {(entry["act"], entry["target"]) for entry in entries} == {("undo", f"{cluster.context}/{namespace}")}
    cluster.delete("ConfigMap", "muster-fault-odd", namespace)
    assert [record.experiment for record in open_records(cluster, namespace)] == ["drought"]


def test_without_a_record_there_is_nothing_to_undo_and_it_says_where(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    done = undo(cluster, namespace, tmp_path)
    said = f"no fault record is open in namespace '{namespace}' of context '{cluster.context}'\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


def test_a_namespace_that_there_is_not_is_no_good_news(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    done = undo(cluster, namespace, tmp_path, "--namespace", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"there is no namespace 'nowhere' in context '{cluster.context}'" in done.stderr


def test_a_procedure_that_was_cut_is_named(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    put_on_record(cluster, ProcedureRecord("promote-standby", namespace, {}, step="fence the old primary"))
    done = undo(cluster, namespace, tmp_path)
    assert done.returncode == 1
    assert f"has not ended in namespace '{namespace}' of context '{cluster.context}'" in done.stderr
    assert "muster recover promote-standby" in done.stderr


def test_without_a_context_it_looks_where_drills_struck(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    note_struck(tmp_path / ".muster", cluster, namespace)
    entry = Entry("ConfigMap", "settings", ("data", "rate"), "100", "fast")
    cluster.create(config_map("settings", {"rate": "fast"}), namespace)
    on_record(cluster, namespace, entry, experiment="flood", run="r", injection="i")

    done = undo(cluster, namespace, tmp_path, named=False)
    assert done.returncode == 1
    assert "the fault 'flood' of " in done.stderr
    command = f"undo it: muster undo --kube-context {cluster.context} --namespace {namespace}\n"
    assert done.stderr.replace("muster: no cluster is up", "").count(command) == 1
    assert cluster.get("ConfigMap", "settings", namespace)["data"] == {"rate": "fast"}, "nobody named this cluster"

    assert undo(cluster, namespace, tmp_path).returncode == 0
    again = undo(cluster, namespace, tmp_path, named=False)
    assert f"nothing is open in namespace '{namespace}' of context '{cluster.context}'" in again.stdout
    assert struck(tmp_path / ".muster") == []


def test_where_drills_struck_and_nobody_answers_any_more_is_no_good_news(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    note_struck(tmp_path / ".muster", cluster, namespace)
    (note,) = struck(tmp_path / ".muster")
    text = note.path.read_text()
    assert "token" not in text
    assert "BEGIN" not in text
    note.path.write_text(text.replace(cluster.context, "gone"))
    done = undo(cluster, namespace, tmp_path, named=False)
    assert done.returncode == 2
    assert "which is not asked: kube context 'gone' not found" in done.stderr
    assert f"if it is gone: rm .muster/struck/{note.path.name}" in done.stderr
