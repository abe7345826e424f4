"""What a real Kubernetes answered, scenario by scenario."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).parents[3] / "shared" / "conformance"
TRANSCRIPT = CONFORMANCE / "kubernetes-1.36.json"


def _scenarios() -> dict[str, bool]:
    """Names of the scenarios, and whether they run kubectl."""
    if not TRANSCRIPT.exists():
        return {}
    scenarios = json.loads(TRANSCRIPT.read_text())["scenarios"]
    return {s["name"]: any(step["do"] == "kubectl" for step in s["steps"]) for s in scenarios}


SCENARIOS = _scenarios()


@pytest.mark.skipif(
    not SCENARIOS, reason=f"the recorded answers are not at hand ({TRANSCRIPT.name} beside the project)"
)
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_cluster_answers_as_kubernetes_did(name: str, cluster) -> None:
    if SCENARIOS[name] and shutil.which("kubectl") is None:
        pytest.skip("this scenario runs kubectl, which is not installed")
    command = [sys.executable, str(CONFORMANCE / "replay.py"), str(cluster.kubeconfig), str(TRANSCRIPT), "-k", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 values agree" not in f" {done.stdout}", "the scenario compared nothing"
