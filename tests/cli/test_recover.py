"""Recovery by hand: a line for each step, and a menu where there is a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from muster.base.waiting import wait_for
from muster.cli.recover import StepPrinter
from muster.kube import Cluster
from muster.recovery import Step, StepOutcome, procedures
from muster.safety import ProcedureRecord, begun_procedures
from muster.safety.procedures import put_on_record

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
        os.write(self._descriptor, f"{line}\n".encode())

    def end(self) -> int:
        """Read to the end; returns the exit code."""
        wait_for(lambda: not self._more(), within=60, reason="its end", latest=lambda: self.said)
        return self.process.wait(timeout=60)

    def _more(self) -> bool:
        """Take in what it says; False when its side is closed."""
        if not select.select([self._descriptor], [], [], 0.2)[0]:
            return True
        try:
            self.said += os.read(self._descriptor, 4096).decode()
        except OSError:  # how Linux tells it
            return False
        return True


@contextmanager
def terminal(project: DrillProject, *arguments: str, **environment: str) -> Iterator[Terminal]:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [MUSTER, *arguments],
        cwd=project.root,
        env=project.environment(**environment),
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


def number_of(name: str) -> str:
    return str([procedure.name for procedure in procedures()].index(name) + 1)


def test_the_menu_shows_the_target_and_asks_before_anything_is_done(
    drill_project: DrillProject, context: dict[str, str]
) -> None:
    with terminal(drill_project, "recover", **context) as shown:
        shown.read_until("which")
        for procedure in procedures():
            assert re.search(rf"\d+  {procedure.name} +{re.escape(procedure.summary)}", shown.said)
        shown.type("0")
        shown.read_until("Error")
        shown.type(number_of("repair-crashed-pods"))
        shown.read_until(f"run repair-crashed-pods on {context['MUSTER_KUBE_CONTEXT']}/enhancer?")
        shown.type("n")
        assert shown.end() == 64
        assert "nothing was done" in shown.said
    assert not (drill_project.root / "reports/audit.jsonl").exists()


def test_what_is_chosen_and_confirmed_is_run_and_logged(drill_project: DrillProject, context: dict[str, str]) -> None:
    with terminal(drill_project, "recover", **context) as shown:
        shown.read_until("which")
        shown.type(number_of("repair-crashed-pods"))
        shown.read_until("enhancer?")
        shown.type("y")
        assert shown.end() == 0
        lines = re.sub(r"[^\n]*\r\x1b\[K", "", shown.said).splitlines()
    assert [line for line in lines if re.fullmatch(r"skipped +\d+\.\d s  diagnose", line)], shown.said
    assert re.search(r"repair-crashed-pods: nothing was wrong, nothing was done \(\d+\.\d s\)", shown.said)
    log = [json.loads(line) for line in (drill_project.root / "reports/audit.jsonl").read_text().splitlines()]
    assert log[0]["act"] == "recovery repair-crashed-pods"
    assert log[0]["target"] == f"{context['MUSTER_KUBE_CONTEXT']}/enhancer"
    assert log[-1]["outcome"] == "done"


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
        assert "and not ended, so it is run again" in done.stdout
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
