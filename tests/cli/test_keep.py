"""Keeping a configuration by hand, striking it by hand, and restoring it by hand."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from muster.base.waiting import wait_for
from muster.kube import Cluster, connect
from muster.safety import open_records

from .test_by_hand import BIN, muster, up

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

__all__ = ["up"]


def settings(cluster: Cluster) -> str:
    text: str = cluster.get("ConfigMap", "enhancer-settings", "enhancer")["data"]["settings.yaml"]
    return text


def strike(project: DrillProject, experiment: str) -> None:
    """`chaos run` as a person does it; the fault is undone at its end."""
    config = str(project.root / ".muster/kubeconfig")
    done = subprocess.run(
        [str(BIN / "chaos"), "run", f"experiments/{experiment}.yaml"],
        cwd=project.root,
        env=project.environment(KUBECONFIG=config, MUSTER_HOLD_S="1", PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_keep_strike_restore(up: DrillProject) -> None:
    with connect(up.root / ".muster/kubeconfig", embedded=True) as cluster:
        nothing = muster(up, "recover", "restore-configuration")
        assert nothing.returncode == 1
        assert "no known good version of ConfigMap enhancer-settings is kept" in nothing.stdout + nothing.stderr

        kept = muster(up, "keep", "--why", "released today")
        assert kept.returncode == 0, kept.stderr
        assert "ConfigMap enhancer-settings kept (version " in kept.stdout
        assert "is the newest kept already" in muster(up, "keep").stdout
        assert ": released today (version " in muster(up, "keep", "--list").stdout

        good, pods = settings(cluster), {pod["metadata"]["uid"] for pod in cluster.list("Pod", "enhancer")}
        strike(up, "config-wrong")
        assert settings(cluster) == good
        assert {pod["metadata"]["uid"] for pod in cluster.list("Pod", "enhancer")} == pods
        copied = muster(up, "experiments", "copy", "config-broken")
        assert copied.returncode == 0, copied.stderr
        strike(up, "config-broken")
        assert settings(cluster) == good
        assert open_records(cluster, "enhancer") == []

        broken = {"data": {"settings.yaml": good.replace("admission_rate: 100", "admission_rate: fast")}}
        cluster.patch("ConfigMap", "enhancer-settings", "enhancer", broken)
        # Either some pods are still down after the strike, or those that run refuse what they were given.
        refused = muster(up, "keep")
        assert refused.returncode == 1
        assert "kept" in refused.stderr

        restored = muster(up, "recover", "restore-configuration")
        assert restored.returncode == 0, restored.stdout + restored.stderr
        assert "settings.yaml line 1: admission_rate: 100" in restored.stdout
        assert settings(cluster) == good
        wait_for(lambda: muster(up, "keep").returncode == 0, within=60, reason="the system to be healthy", every=1)
