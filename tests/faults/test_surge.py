"""More load than a system was made for: in force while its process lives, gone with it, never past the ceiling."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.load.test_run import PROFILE
from tests.probes.service import Service

from muster.base import lifeline
from muster.base.errors import RefusedError
from muster.base.timeline import Tail
from muster.base.waiting import wait_for
from muster.faults import FaultError, Injection, read_experiment
from muster.load.run import LoadRun
from muster.safety import open_records

from .conftest import EXPERIMENTS, ROOT, Target
from .test_by_hand import chaos

CALM, RAISED, CEILING = 20.0, 60.0, 100.0


def experiment(directory: Path, rate: float = RAISED) -> Path:
    """The experiment that is shipped, at a rate of the test's own."""
    content = yaml.safe_load((EXPERIMENTS / "high-load.yaml").read_text())
    content["method"][0]["provider"]["arguments"]["rate"] = rate
    path = directory / "high-load.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        refuse(service, 0)
        yield service


def refuse(service: Service, per_s: int) -> None:
    service.pages["/status"] = {"status": {"ok": True}, "refused_per_s": per_s}


@pytest.fixture
def load(target: Target, service: Service, tmp_path: Path) -> Iterator[LoadRun]:
    """A drill's load on the service, flowing."""
    profile = tmp_path / "items.py"
    profile.write_text(PROFILE)
    path = target.timeline.path
    with LoadRun.start(
        profile, rate=CALM, url=service.url, timeline=path, directory=tmp_path, ceiling=CEILING
    ) as running:
        yield running


def injection(target: Target, service: Service, path: Path, environment: dict[str, str]) -> Injection:
    return Injection(
        read_experiment(path),
        target.cluster,
        target.kubeconfig,
        target.namespace,
        target.timeline,
        target.directory,
        service.url,
        environment,
    )


def wait_rate(target: Target, rate: float) -> None:
    """Wait until the load tells that it has gone over to this rate."""
    tail, rates = Tail(target.timeline.path), list[float]()

    def look() -> bool:
        rates.extend(e["rate"] for e in tail.read() if e["kind"] == "load" and e["state"] == "rate")
        return rates[-1:] == [rate]

    wait_for(look, within=30, reason=f"the load to go over to {rate:g} requests/s")


def test_the_load_is_raised_in_the_block_and_goes_back_after_it(
    target: Target, service: Service, load: LoadRun, tmp_path: Path
) -> None:
    with injection(target, service, experiment(tmp_path), load.environment) as fault:
        wait_rate(target, RAISED)
        assert not fault.wait_landed(0.3), "a load that nobody feels has not landed"
        refuse(service, 20)
        assert fault.wait_landed(30), fault.evidence
        (record,) = open_records(target.cluster, target.namespace)
        assert record.entries == (), "nothing was changed in the cluster"
        (held,) = record.held
        assert (held.what, held.lasts) == ("load raised to 60 requests/s", True)
    assert open_records(target.cluster, target.namespace) == []
    wait_rate(target, CALM)
    assert fault.undone == ["load raised to 60 requests/s: let go"]
    (sent,) = target.events("fault.sent")
    (raised, lowered) = (e for e in target.events("load") if e["state"] == "rate")
    assert sent["t"] <= raised["t"] < lowered["t"]
    assert sent["activity"] == "raise the load to 60 requests/s"


def test_the_load_goes_back_when_the_experiment_is_killed(
    target: Target, service: Service, load: LoadRun, tmp_path: Path
) -> None:
    with injection(target, service, experiment(tmp_path), load.environment) as fault:
        wait_rate(target, RAISED)
        child = fault._child
        assert child is not None
        for pid in lifeline.descendants(child.pid):
            os.kill(pid, signal.SIGKILL)
        wait_rate(target, CALM)


def test_no_experiment_raises_a_load_past_the_ceiling(
    target: Target, service: Service, load: LoadRun, tmp_path: Path
) -> None:
    fault = injection(target, service, experiment(tmp_path, 101), load.environment)
    with pytest.raises(RefusedError, match="101 requests/s is more than"), fault:
        pytest.fail("the block must not be entered")
    assert target.events("fault.sent") == []
    assert [e for e in target.events("load") if e["state"] == "rate"] == []


def test_without_a_load_there_is_nothing_to_raise(target: Target, service: Service, tmp_path: Path) -> None:
    fault = injection(target, service, experiment(tmp_path), {})
    with pytest.raises(FaultError, match="the drill runs no load that could be raised"), fault:
        pytest.fail("the block must not be entered")
    assert target.events("fault.sent") == []


def test_a_status_that_tells_of_refusals_already_is_no_ground_for_the_fault(
    target: Target, service: Service, load: LoadRun, tmp_path: Path
) -> None:
    refuse(service, 20)
    fault = injection(target, service, experiment(tmp_path), load.environment)
    with pytest.raises(RefusedError, match="refused_per_s of /status is 20"), fault:
        pytest.fail("the block must not be entered")
    assert target.events("fault.sent") == []


# --- by hand ------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(target: Target, tmp_path: Path) -> Path:
    """A directory from which an experiment can be run by hand against the target."""
    ports = {"selector": {"app": "api"}, "ports": [{"port": 8080}]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}, "spec": ports}
    target.cluster.create(body, target.namespace)
    for name in ("loadtests", "systems"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def generators(process: subprocess.Popen[str]) -> list[int]:
    """The Locusts below a process."""
    return [pid for pid in lifeline.descendants(process.pid) if command_of(pid).split("\x00")[1:3] == ["-m", "locust"]]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_by_hand_a_load_is_sent_for_a_while_and_ended(target: Target, project: Path) -> None:
    with chaos(target, project, experiment(project), MUSTER_HOLD_S="2") as process:
        (running,) = wait_for(lambda: generators(process), within=120, reason="a load to be sent")
        assert "--rate\x0060" in command_of(running)
        assert process.wait(120) == 0, process.communicate()[0]
    assert not command_of(running)


def test_by_hand_a_load_ends_with_its_experiment(target: Target, project: Path) -> None:
    with chaos(target, project, experiment(project)) as process:
        (running,) = wait_for(lambda: generators(process), within=120, reason="a load to be sent")
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: not command_of(running), within=60, reason="the load to be gone")


@pytest.mark.parametrize(
    ("rate", "removed", "said"),
    [
        (5001, None, "more than system.yaml allows (max_requests_per_s: 5000)"),
        (60, "loadtests/steady.py", "load profile loadtests/steady.py not found"),
        (60, "systems/enhancer/system.yaml", "no system definition found"),
    ],
)
def test_by_hand_what_is_not_allowed_or_not_there_is_said(
    target: Target, project: Path, rate: float, removed: str | None, said: str
) -> None:
    if removed:
        (project / removed).unlink()
    with chaos(target, project, experiment(project, rate)) as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert said in output
