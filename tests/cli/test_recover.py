"""Recovery by hand: a line for each step, and a menu where there is a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from muster.base.waiting import wait_for
from muster.cli.recovery.printing import StepPrinter
from muster.kube import Cluster
from muster.recovery import procedures
from muster.safety import ProcedureRecord, begun_procedures
from muster.safety.procedures import put_on_record
from muster.schemas import DIRECTORY
from muster.steps import Step, StepOutcome

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

MUSTER = str(Path(sys.executable).parent / "muster")
DONE = StepOutcome("fence", "done", "db-a scaled to 0", 1.0, 3.25)


class Terminal:
    """A muster command on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process, self._descriptor = process, descriptor
        self.said = ""

    def read_until(self, text: str) -> None:
        wait_for(lambda: self._more() and text in self.said, within=60, reason=f"'{text}'", latest=lambda: self.said)

    def type(self, line: str) -> None:
        self.press(f"{line}\n")

    def press(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def end(self) -> int:
        """Read to the end; returns the exit code."""
        wait_for(lambda: not self._more(), within=60, reason="its end", latest=lambda: self.said)
        return self.process.wait(timeout=60)

    def _more(self) -> bool:
        """Take in what it says; False when its side is closed."""
        if not select.select([self._descriptor], [], [], 0.2)[0]:
            return True
        try:
            self.said += os.read(self._descriptor, 4096).decode(errors="replace")
        except OSError:  # how Linux tells it
            return False
        return True


@contextmanager
def terminal(project: DrillProject, *arguments: str, **environment: str) -> Iterator[Terminal]:
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    process = subprocess.Popen(
        [MUSTER, *arguments],
        cwd=project.root,
        env=project.environment(**{"TERM": "xterm-256color", **environment}),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.fixture
def context(cluster: Cluster, drill_project: DrillProject) -> Iterator[dict[str, str]]:
    """A cluster with the system's Service and nothing else, as a person's context."""
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "enhancer"}})
    spec = {"ports": [{"port": 8080}], "selector": {"app": "api"}}
    cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}, "spec": spec}, "enhancer")
    definition = drill_project.root / "systems/enhancer/system.yaml"
    address = "{name: api, port: 8080, url: http://127.0.0.1:8080}"
    definition.write_text(definition.read_text().replace("{name: api, port: 8080}", address))
    yield {"KUBECONFIG": str(cluster.kubeconfig), "MUSTER_KUBE_CONTEXT": cluster.context}
    cluster.delete("Namespace", "enhancer")
    wait_for(lambda: cluster.find("Namespace", "enhancer") is None, within=60, reason="the namespace to be gone")


DOWN, LEAVE, KEYS = "\x1b[B", "q", "nothing is done yet"


def place_in(said: str, name: str) -> int:
    """The place of a procedure in the menu, which begins with those that fit."""
    return sorted((procedure.name for procedure in procedures()), key=said.index).index(name)


def check(schema: str, content: object) -> None:
    Draft202012Validator(json.loads((DIRECTORY / f"{schema}.json").read_text())).validate(content)


def test_the_menu_shows_the_target_and_what_is_wrong_and_is_left_by_a_key(
    drill_project: DrillProject, context: dict[str, str]
) -> None:
    with terminal(drill_project, "recover", **context) as shown:
        shown.read_until(KEYS)
        assert f"recover {context['MUSTER_KUBE_CONTEXT']}/enhancer" in shown.said
        assert re.search(r"P[1-4]  \w", shown.said), "nothing of the system is there, which is what is wrong"
        for procedure in procedures():
            assert procedure.name in shown.said
        shown.press(LEAVE)
        assert shown.end() == 64
        assert "nothing was done" in shown.said
    assert not (drill_project.root / "reports/audit.jsonl").exists()


def test_what_is_chosen_is_planned_confirmed_run_and_logged(
    drill_project: DrillProject, context: dict[str, str]
) -> None:
    with terminal(drill_project, "recover", **context) as shown:
        shown.read_until(KEYS)
        shown.press(DOWN * place_in(shown.said, "repair-crashed-pods"))
        shown.press("\r")
        shown.read_until(f"run repair-crashed-pods on {context['MUSTER_KUBE_CONTEXT']}/enhancer? [y/N]")
        assert "repair-crashed-pods would do nothing: nothing is wrong that it mends" in shown.said
        shown.type("y")
        assert shown.end() == 0
        lines = re.sub(r"[^\n]*\r\x1b\[K", "", shown.said).splitlines()
    assert [line for line in lines if re.fullmatch(r"skipped +\d+\.\d s  diagnose", line)], shown.said
    assert re.search(r"repair-crashed-pods: nothing was wrong, nothing was done \(\d+\.\d s\)", shown.said)
    log = [json.loads(line) for line in (drill_project.root / "reports/audit.jsonl").read_text().splitlines()]
    assert log[0]["act"] == "recovery repair-crashed-pods"
    assert log[0]["target"] == f"{context['MUSTER_KUBE_CONTEXT']}/enhancer"
    assert log[-1]["outcome"] == "done"


def test_a_choice_that_is_not_confirmed_does_nothing(drill_project: DrillProject, context: dict[str, str]) -> None:
    with terminal(drill_project, "recover", **context) as shown:
        shown.read_until(KEYS)
        shown.press(DOWN * place_in(shown.said, "repair-crashed-pods") + "\r")
        shown.read_until("enhancer? [y/N]")
        shown.type("n")
        assert shown.end() == 64
    assert not (drill_project.root / "reports/audit.jsonl").exists()


def muster(project: DrillProject, context: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MUSTER, *arguments],
        cwd=project.root,
        env=project.environment(**context),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_plan_and_an_outcome_are_told_to_programs(
    drill_project: DrillProject, cluster: Cluster, context: dict[str, str]
) -> None:
    planned = muster(drill_project, context, "recover", "repair-crashed-pods", "--plan", "--json")
    assert planned.returncode == 0, planned.stderr
    said = json.loads(planned.stdout)
    check("recovery-v1", said)
    assert (said["procedure"], said["plan"], said["ok"]) == ("repair-crashed-pods", True, True)
    assert said["steps"][0] == {"name": "diagnose", "state": "skipped", "detail": "nothing to do", "seconds": None}
    assert not (drill_project.root / "reports/audit.jsonl").exists(), "a plan is no act"
    ran = json.loads(muster(drill_project, context, "recover", "repair-crashed-pods", "--json").stdout)
    check("recovery-v1", ran)
    assert (ran["plan"], ran["ok"], ran["why"]) == (False, True, "")
    listed = json.loads(muster(drill_project, context, "procedures", "--json").stdout)
    check("procedures-v1", listed)
    assert cluster.find("Lease", "muster-procedure", "enhancer") is None


def test_a_plan_that_would_refuse_exits_64(drill_project: DrillProject, context: dict[str, str]) -> None:
    done = muster(drill_project, context, "recover", "restart-service", "--plan")
    assert done.returncode == 64
    assert "REFUSED" in done.stdout
    assert "Service api leads to 0 Deployments (none); say which to restart" in " ".join(done.stdout.split())


def test_only_what_is_on_record_is_taken_back(
    drill_project: DrillProject, cluster: Cluster, context: dict[str, str]
) -> None:
    done = muster(drill_project, context, "recover", "repair-crashed-pods", "--undo")
    assert done.returncode == 1
    assert "is not on record with these arguments, so nothing is taken back" in done.stdout
    put_on_record(cluster, ProcedureRecord("repair-crashed-pods", "enhancer", {}, step="re-create pods"))
    done = muster(drill_project, context, "recover", "repair-crashed-pods", "--undo")
    assert (done.returncode, begun_procedures(cluster, "enhancer")) == (0, []), done.stdout
    assert "nothing could be taken back" in done.stdout


def test_a_failing_step_is_told_and_exits_1(drill_project: DrillProject, context: dict[str, str]) -> None:
    done = subprocess.run(
        [MUSTER, "recover", "restart-service", "force=perhaps"],
        cwd=drill_project.root,
        env=drill_project.environment(**context),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "restart-service: Service api leads to 0 Deployments (none); say which to restart" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("restart-service",), ("repair-crashed-pods",)], ids=" ".join)
def test_one_that_was_cut_is_named_and_ended_by_its_name(
    drill_project: DrillProject, cluster: Cluster, context: dict[str, str], arguments: tuple[str, ...]
) -> None:
    put_on_record(cluster, ProcedureRecord("repair-crashed-pods", "enhancer", {}, step="revert the change"))
    done = subprocess.run(
        [MUSTER, "recover", *arguments],
        cwd=drill_project.root,
        env=drill_project.environment(**context),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said, command = done.stdout + done.stderr, f"muster recover repair-crashed-pods --kube-context {cluster.context}"
    if "repair-crashed-pods" in arguments:
        assert done.returncode == 0, said
        assert "was cut at step 'revert the change'" in done.stdout
        assert begun_procedures(cluster, "enhancer") == []
    else:
        assert done.returncode != 0
        assert f"it was at step 'revert the change'; unless it runs still, end it: {command}" in said
        assert "diagnose" not in said, "another procedure ran beside it"


def test_without_a_terminal_a_name_is_needed(drill_project: DrillProject) -> None:
    done = subprocess.run(
        [MUSTER, "recover"],
        cwd=drill_project.root,
        env=drill_project.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 64
    assert "name a procedure (add-capacity, " in done.stderr
    assert "a menu to choose from is shown on a terminal only" in done.stderr


@pytest.mark.parametrize("live", [True, False])
def test_a_step_is_shown_while_it_lasts_only_where_its_line_can_be_replaced(
    capsys: pytest.CaptureFixture[str], live: bool
) -> None:
    printer = StepPrinter(live=live)
    printer.began(Step("fence", lambda: True, str, lambda: True))
    assert capsys.readouterr().out == ("...       fence" if live else "")
    printer.ended(DONE)
    said = capsys.readouterr().out
    assert said.startswith("\r") is live
    assert said.removeprefix("\r") == f"done       2.2 s  {'fence':<32}  db-a scaled to 0\n"
