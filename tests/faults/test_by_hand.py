"""`chaos run experiments/x.yaml` alone is guarded, recorded and undone too."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from muster.base.waiting import wait_for
from muster.safety import open_records
from muster.safety.fields import ABSENT
from muster.safety.targets import struck

from .conftest import EXPERIMENTS, Target

POD_CRASH = EXPERIMENTS / "pod-crash.yaml"


@contextmanager
def chaos(target: Target, tmp_path: Path, path: Path, *options: str, **environment: str) -> Iterator[subprocess.Popen]:
    """`chaos run` of a file, as a person does it in a directory of their own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MUSTER_", "KUBECONFIG"))}
    own = {"KUBECONFIG": str(target.kubeconfig), "MUSTER_NAMESPACE": target.namespace, "HOME": str(tmp_path)}
    process = subprocess.Popen(
        # A job in the background of a shell ignores SIGINT, and its children inherit that.
        [
            "env",
            "--default-signal=INT",
            sys.executable,
            "-m",
            "chaostoolkit",
            "--no-version-check",
            "run",
            *options,
            str(path),
        ],
        cwd=tmp_path,
        env={**kept, **own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_it_holds_the_fault_for_a_while_and_undoes_it(target: Target, tmp_path: Path) -> None:
    before = target.pods()
    with chaos(target, tmp_path, POD_CRASH, MUSTER_HOLD_S="0.5") as process:
        wait_for(lambda: target.rate() == "fast", within=120, reason="the fault")
        assert [record.experiment for record in open_records(target.cluster, target.namespace)] == ["pod-crash"]
        assert process.wait(120) == 0, process.communicate()[0]
    assert target.rate() is ABSENT
    assert open_records(target.cluster, target.namespace) == []
    (noted,) = struck(tmp_path / ".muster")
    assert (noted.context, noted.namespace) == (target.cluster.context, target.namespace)
    (log,) = tmp_path.glob("reports/audit.jsonl")
    acts = [json.loads(line) for line in log.read_text().splitlines()]
    assert [act["act"] for act in acts] == ["experiment", "strike", "strike", "undo", "experiment"]
    assert acts[1]["objects"] == acts[3]["objects"] == ["Deployment/api"]
    assert sorted(acts[2]["objects"]) == sorted(f"Pod/{name}" for name in before.values())


def test_what_would_hit_more_than_is_allowed_strikes_nothing(target: Target, tmp_path: Path) -> None:
    (tmp_path / "safety.yaml").write_text("schema: muster/safety/v1\nat_most: {pods: 50%}\n")
    with chaos(target, tmp_path, POD_CRASH) as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    said = f"refused: fault 'pod-crash' may hit 3 of 3 pods in namespace '{target.namespace}', more than safety.yaml"
    assert said in output, output[-3000:]
    assert target.rate() is ABSENT
    assert target.cluster.list("Lease", target.namespace) == []
    last = json.loads((tmp_path / "reports/audit.jsonl").read_text().splitlines()[-1])
    assert (last["act"], last["outcome"], said in last["why"]) == ("experiment", "refused", True)


def test_interrupted_it_undoes_the_fault(target: Target, tmp_path: Path) -> None:
    with chaos(target, tmp_path, POD_CRASH) as process:
        wait_for(lambda: target.rate() == "fast", within=120, reason="the fault")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert target.rate() is ABSENT
    assert open_records(target.cluster, target.namespace) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["terminated", "terminal closed"])
def test_ended_while_it_holds_it_undoes_the_fault(target: Target, tmp_path: Path, number: signal.Signals) -> None:
    with chaos(target, tmp_path, POD_CRASH) as process:
        log = tmp_path / "chaostoolkit.log"
        wait_for(lambda: log.exists() and "in force for" in log.read_text(), within=60, reason="the fault to be held")
        process.send_signal(number)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert target.rate() is ABSENT


def test_without_a_named_cluster_it_strikes_nothing(target: Target, tmp_path: Path) -> None:
    with chaos(target, tmp_path, POD_CRASH, KUBECONFIG="") as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "KUBECONFIG is not set" in output
    assert "Experiment ended with status: interrupted" in output


def test_without_its_controls_it_strikes_nothing_even_unvalidated(target: Target, tmp_path: Path) -> None:
    content = yaml.safe_load(POD_CRASH.read_text())
    content["controls"][0]["provider"]["module"] = "muster.faults.contrls"
    path = tmp_path / "pod-crash.yaml"
    path.write_text(yaml.safe_dump(content))
    pods = target.pods()
    with chaos(target, tmp_path, path, "--no-validation") as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "did not pass its guard" in output
    assert target.rate() is ABSENT
    assert target.pods() == pods


def test_a_steady_state_hypothesis_does_not_strike_before_the_guard(target: Target, tmp_path: Path) -> None:
    content = yaml.safe_load(POD_CRASH.read_text())
    kill = next(activity for activity in content["method"] if activity["provider"]["func"] == "terminate_pods")
    probe = {**kill, "type": "probe", "tolerance": True}
    content["steady-state-hypothesis"] = {"title": "steady", "probes": [probe]}
    path = tmp_path / "pod-crash.yaml"
    path.write_text(yaml.safe_dump(content))
    pods = target.pods()
    with chaos(target, tmp_path, path) as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "it has a steady-state-hypothesis" in output
    assert target.pods() == pods
    assert target.rate() is ABSENT
