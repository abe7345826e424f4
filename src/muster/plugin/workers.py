"""What the controller and the workers of pytest-xdist tell each other of a run."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from typing import Any

import orjson
import pytest

from muster.base.files import write_atomically
from muster.plugin.run import RUN, Run
from muster.plugin.signals import heed_sigterm

COLLECTED = ".collected"
PR_SET_PDEATHSIG = 1


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    run = node.config.stash[RUN]
    node.workerinput["muster"] = {
        "id": run.id,
        "directory": str(run.directory),
        "system": run.system,
        "worker": node.gateway.id,
        "dist": node.config.getoption("dist"),
        "controller": os.getpid(),
        "allure": getattr(node.config.option, "allure_report_dir", None),
    }


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """Begin the run before a worker holds its first drill: the controller collects nothing itself."""
    run = node.config.stash[RUN]
    with contextlib.suppress(FileNotFoundError):
        run.collected.update(orjson.loads((run.directory / COLLECTED).read_bytes()))
    if run.collected:
        run.begin()
        heed_sigterm(node.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    run = node.config.stash[RUN]
    run.not_run.update(getattr(node, "workeroutput", {}).get("muster", {}))
    if error:
        run.not_run[f"(worker {node.gateway.id})"] = "the worker crashed"


def tell_collected(run: Run) -> None:
    """Tell the controller which drills a worker has collected, by node id: all workers collect the same.

    A file, since what a worker returns is lost where it is killed. Where it cannot be written, the first drill says so.
    """
    with contextlib.suppress(OSError):
        run.directory.mkdir(parents=True, exist_ok=True)
        write_atomically(run.directory / COLLECTED, orjson.dumps(run.collected))


def forget_collected(run: Run) -> None:
    """Take the file out of the report of a run that is over."""
    (run.directory / COLLECTED).unlink(missing_ok=True)


def die_with_the_controller(controller: int) -> None:
    """Have the kernel kill this worker when its controller is gone: execnet's own notice can take seconds."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != controller:
        os._exit(1)
