"""Starting and ending of `python -m muster.embedded`."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from embedded_support import running_cluster

from muster.base.waiting import wait_for


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "muster.embedded", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_state_directory_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("--state", str(tmp_path / "file" / "state"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"state directory {tmp_path}/file/state cannot be written: ")
    assert done.stderr.count("\n") == 1


def test_a_missing_images_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    done = run("--state", str(tmp_path / "state"), "--images", str(tmp_path / "none.yaml"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "none.yaml cannot be read" in done.stderr


def test_two_clusters_do_not_share_a_state_directory(cluster) -> None:
    done = run("--state", str(cluster.kubeconfig.parent))
    assert done.returncode == 2
    assert "belongs to another embedded cluster" in done.stderr
    assert cluster.kubeconfig.exists(), "the running cluster's kubeconfig must be left alone"


def test_only_the_owner_reads_keys_and_token(cluster) -> None:
    for name in ("kubeconfig", "server.key"):
        mode = stat.S_IMODE((cluster.kubeconfig.parent / name).stat().st_mode)
        assert mode == 0o600, f"{name} has mode {mode:o}"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_cluster(how: signal.Signals, tmp_path: Path) -> None:
    run_id = f"end-{os.getpid()}-{how.name}"
    with running_cluster(tmp_path / "state", run_id) as cluster:
        pod = {
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "main", "image": "busybox", "command": ["sleep", "300"]}]},
        }
        assert cluster.call("POST", "/api/v1/namespaces/default/pods", pod)[0] == 201
        wait_for(lambda: "sleep" in names_of(run_id), within=20, reason="the pod's process to run")
        cluster.process.send_signal(how)
        cluster.process.wait(20)
        wait_for(
            lambda: not names_of(run_id),
            within=10,
            reason="all processes to be gone",
            latest=lambda: str(names_of(run_id)),
        )


def names_of(run_id: str) -> list[str]:
    """The processes that carry this run id in their environment."""
    marker = f"MUSTER_RUN_ID={run_id}".encode()
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (directory / "environ").read_bytes().split(b"\0"):
                found.append((directory / "comm").read_text().strip())
        except OSError:
            continue  # it has ended, or is somebody else's
    return found
