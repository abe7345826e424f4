"""What a person types outside of pytest: a cluster in the background, strikes and repairs by hand, verdicts."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from muster.base.process import processes_of_run
from muster.base.waiting import wait_for
from muster.kube import connect
from muster.kube.client import JSON_PATCH
from muster.safety import open_records
from muster.safety.targets import struck
from muster.system import SystemState, read_system

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

BIN = Path(sys.executable).parent


def muster(project: DrillProject, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "muster"), *arguments],
        cwd=project.root,
        env=project.environment(TMPDIR=str(project.root / "tmp"), **environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def up(drill_project: DrillProject) -> Iterator[DrillProject]:
    """A project whose cluster is up, with the system on it."""
    (drill_project.root / "tmp").mkdir()
    done = muster(drill_project, "up")
    try:
        assert done.returncode == 0, done.stderr
        assert "kubectl --kubeconfig .muster/kubeconfig get pods" in done.stdout
        yield drill_project
    finally:
        muster(drill_project, "down")


def test_up_strike_mend_down(up: DrillProject) -> None:
    config = up.root / ".muster/kubeconfig"
    with connect(config, embedded=True) as cluster:
        pods = cluster.list("Pod", "enhancer")
        assert len(pods) == 9
        run = json.loads((up.root / ".muster/cluster.json").read_text())["run"]

        again = muster(up, "up")
        assert (again.returncode, "is up already" in again.stderr) == (64, True)

        mended = muster(up, "recover", "repair-crashed-pods")
        assert mended.returncode == 0, mended.stdout + mended.stderr

        by_hand = subprocess.run(
            [str(BIN / "chaos"), "run", "experiments/pod-crash.yaml"],
            cwd=up.root,
            env=up.environment(
                KUBECONFIG=str(config), MUSTER_HOLD_S="0.5", PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}"
            ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert by_hand.returncode == 0, by_hand.stdout + by_hand.stderr
        journal = json.loads((up.root / "journal.json").read_text())
        assert journal["status"] == "completed"
        assert all(activity["status"] == "succeeded" for activity in [*journal["run"], *journal["rollbacks"]])
        after = {pod["metadata"]["uid"] for pod in cluster.list("Pod", "enhancer", labels="app=api")}
        assert not after & {pod["metadata"]["uid"] for pod in pods}, "the API's pods were not struck"
        assert open_records(cluster, "enhancer") == []
        assert [noted.server for noted in struck(up.root / ".muster")] == [cluster.server]
        undone = muster(up, "undo")
        where = f"namespace 'enhancer' of context '{cluster.context}'"
        assert (undone.returncode, undone.stdout) == (0, f"no fault record is open in {where}\n"), undone.stderr
        environment = cluster.get("Deployment", "api", "enhancer")["spec"]["template"]["spec"]["containers"][0]["env"]
        assert "ENHANCER_ADMISSION_RATE" not in [variable["name"] for variable in environment]

    done = muster(up, "down")
    assert done.returncode == 0, done.stderr
    assert processes_of_run(run) == []
    assert list((up.root / "tmp").iterdir()) == []
    assert not config.exists()
    assert struck(up.root / ".muster") == []


def test_what_diagnose_tells_to_type_mends_it(up: DrillProject) -> None:
    """Nobody's fault is on record: somebody has made a change that the API cannot start with."""
    config = up.root / ".muster/kubeconfig"
    well = muster(up, "diagnose")
    assert (well.returncode, well.stdout) == (0, "nothing found\n"), well.stdout
    with connect(config, embedded=True) as cluster:
        path = "/spec/template/spec/containers/0/env/-"
        change = {"op": "add", "path": path, "value": {"name": "ENHANCER_ADMISSION_RATE", "value": "fast"}}
        cluster.patch("Deployment", "api", "enhancer", [change], content_type=JSON_PATCH)
        state = SystemState(cluster, read_system(up.root / "systems/enhancer"))
        wait_for(lambda: state.held_back({"CrashLoopBackOff"}), within=60, reason="a pod that crashes in a loop")
    ill = muster(up, "diagnose")
    assert (ill.returncode, ill.stdout[:24]) == (1, "P3  Deployment api: roll"), ill.stdout
    command = next(line for line in ill.stdout.splitlines()[1:4] if "$" in line)
    glance = muster(up, "status", "--once")
    assert (glance.returncode, command.strip() in glance.stdout) == (1, True), glance.stdout
    typed = shlex.split(command.removeprefix("    $ muster "))
    assert typed == ["recover", "repair-crashed-pods"]
    mended = muster(up, *typed)
    assert mended.returncode == 0, mended.stdout + mended.stderr
    after = muster(up, "diagnose")
    assert (after.returncode, after.stdout) == (0, "nothing found\n")
    assert muster(up, "status", "--once").returncode == 0


def test_a_namespace_without_the_label_is_not_struck_and_not_touched(up: DrillProject) -> None:
    config = up.root / ".muster/kubeconfig"
    with connect(config, embedded=True) as cluster:
        cluster.patch("Namespace", "enhancer", None, {"metadata": {"labels": {"muster.dev/drills": None}}})
        before = {pod["metadata"]["uid"] for pod in cluster.list("Pod", "enhancer")}
        session = up.pytest("drills", "-k", "db_failure", "--kube-context", "embedded", KUBECONFIG=str(config))
        assert session.code == pytest.ExitCode.USAGE_ERROR, session.output
        assert "label namespace enhancer muster.dev/drills=allowed" in session.output
        assert {pod["metadata"]["uid"] for pod in cluster.list("Pod", "enhancer")} == before


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
def test_a_named_context_is_struck_twice_and_what_muster_did_not_make_stays(up: DrillProject) -> None:
    """The second drill strikes the instance that the first one promoted."""
    config = up.root / ".muster/kubeconfig"
    with connect(config, embedded=True) as cluster:
        created = cluster.get("Namespace", "enhancer")["metadata"]["uid"]
        definition = up.root / "systems/enhancer/system.yaml"
        address = cluster.get("Service", "api", "enhancer")["spec"]["clusterIP"]
        old = "service: {name: api, port: 8080}"
        assert old in definition.read_text()
        new = f"service: {{name: api, port: 8080, url: http://{address}:8080}}"
        definition.write_text(definition.read_text().replace(old, new))
        for promoted in ("db-b", "db-a"):
            session = up.pytest("drills", "-k", "db_failure", "--kube-context", "embedded", KUBECONFIG=str(config))
            assert session.code == 0, session.output
            summary = up.summary()
            assert (summary["evidence"], summary["cluster"]) == ("cluster", "embedded")
            assert summary["drills"][0]["rpo"]["lost_writes"] == 0
            selector = cluster.get("Service", "db", "enhancer")["spec"]["selector"]
            assert selector["instance"] == promoted
        assert cluster.get("Namespace", "enhancer")["metadata"]["uid"] == created
        assert open_records(cluster, "enhancer") == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("down",), 0, "no cluster is up"),
        (("verdict",), 2, "no summary at reports/latest"),
        (("analyse", "nothing.jsonl"), 2, "timeline nothing.jsonl cannot be read"),
        (("recover", "pray"), 64, "recovery procedure 'pray' not known (there are: "),
        (("recover", "promote-standby"), 64, "no cluster is up; start one with 'muster up'"),
        (("undo", "--kube-context", "nowhere"), 64, "kube context 'nowhere' not found"),
        (("undo", "--nowhere"), 64, "No such option"),
        (("history", "show"), 64, "Missing argument"),
        (("nothing",), 64, "No such command"),
    ],
)
def test_a_mistake_gets_one_sentence(
    drill_project: DrillProject, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = muster(drill_project, *arguments)
    assert message in done.stdout + done.stderr
    assert done.returncode == code
    assert "Traceback" not in done.stderr
