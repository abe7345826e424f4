"""`muster undo` undoes what it can, and names what it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from muster.kube import Cluster
from muster.safety import Entry, open_records, remember

SYSTEM = Path(__file__).resolve().parents[2] / "systems/enhancer"


def undo(cluster: Cluster, namespace: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the command on a system that lives in the namespace."""
    (directory / "manifests").mkdir()
    text = (SYSTEM / "system.yaml").read_text()
    (directory / "system.yaml").write_text(text.replace("namespace: enhancer", f"namespace: {namespace}"))
    return subprocess.run(
        [
            str(Path(sys.executable).parent / "muster"),
            *("undo", "--kube-context", cluster.context, "--system", "system.yaml"),
        ],
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
    remember(cluster, namespace, None, experiment="drought", run="r", injection="i", entry=strange)
    entry = Entry("ConfigMap", "settings", ("data", "rate"), "100", "fast")
    remember(cluster, namespace, None, experiment="flood", run="r", injection="i", entry=entry)
    bad = config_map("muster-fault-odd", {"record.json": "?"}, **{"muster.dev/fault-record": "odd"})
    cluster.create(bad, namespace)

    done = undo(cluster, namespace, tmp_path)

    assert done.returncode == 2, done.stdout + done.stderr
    assert cluster.get("ConfigMap", "settings", namespace)["data"] == {"rate": "100"}
    assert done.stdout == "flood: ConfigMap settings data.rate: 'fast' put back to '100'\n"
    first, second = done.stderr.splitlines()
    assert "fault record muster-fault-odd in namespace" in first
    assert second.startswith("muster: fault 'drought' is not undone, its record stays: ")
    cluster.delete("ConfigMap", "muster-fault-odd", namespace)
    assert [record.experiment for record in open_records(cluster, namespace)] == ["drought"]


def test_without_a_record_there_is_nothing_to_undo(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    done = undo(cluster, namespace, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no fault record is open\n", "")
