"""What tests of several layers share: a project of its own in a temporary directory, and pytest run inside it."""

from __future__ import annotations

import fcntl
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from muster.kube import Cluster, EmbeddedCluster, connect

# A property holds or does not; how long an example takes says something of the machine only. `thorough` asks for ten
# times as many examples (`make torture`).
settings.register_profile("muster", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("muster"), max_examples=1000)
settings.load_profile("muster")

SABOTAGE_SEED = "sabotage_seed"
MARKERS = (
    "whole_machine: runs whole drills, whose figures are real: no other test runs meanwhile",
    "long(of): one of many cases, each of which takes seconds; `make test` draws among those of a test, or of one `of`",
)
ROOT = Path(__file__).resolve().parents[1]
# Sessions in other projects keep nothing, and do without what Hypothesis imports: a fifth of what a short one costs.
QUIETLY = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")


@dataclass(frozen=True)
class Session:
    """A pytest session that ran to its end."""

    code: int
    output: str


@dataclass
class DrillProject:
    """A copy of this project's drills, experiments, load and system, to be changed and run."""

    root: Path

    @classmethod
    def copy(cls, root: Path) -> DrillProject:
        """A project in a directory, which is made where there is none."""
        for name in ("drills", "experiments", "loadtests", "systems"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "pytest.ini").write_text("[pytest]\n")
        return cls(root)

    def write(self, name: str, content: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def command(self, *arguments: str) -> list[str]:
        """The command line of a pytest session; Allure's results stay inside the project."""
        return [sys.executable, "-m", "pytest", *QUIETLY, *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a session: nobody's kubeconfig, no outer run."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MUSTER_", "PYTEST_", "KUBECONFIG"))}
        return {**kept, "HOME": str(self.root), **more}

    def pytest(self, *arguments: str, timeout: float = 240.0, **environment: str) -> Session:
        """Run a session to its end."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Session(done.returncode, done.stdout + done.stderr)

    def summary(self) -> dict[str, Any]:
        """The summary of the last run."""
        content: dict[str, Any] = json.loads((self.root / "reports/latest/summary.json").read_text())
        return content


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("drawn", "tests of which some are drawn")
    group.addoption("--long", type=int, metavar="N", help="run N of the cases marked `long`, drawn (default: all)")
    group.addoption("--sabotages", type=int, metavar="N", help="hold N of the sabotaged drills, drawn (default: all)")
    group.addoption("--sabotage-seed", type=int, metavar="SEED", help="draws the same sabotages and cases again")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.sabotage_seed is None:
        given = getattr(config, "workerinput", {}).get(SABOTAGE_SEED)
        config.option.sabotage_seed = random.randrange(10**6) if given is None else given
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Have all workers collect the same tests."""
    node.workerinput[SABOTAGE_SEED] = node.config.option.sabotage_seed


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long cases that are not drawn, and have what needs the whole machine run first.

    That is what takes longest; with small tests at the end no worker waits for another.
    """
    if config.option.long is not None:
        cases = {item.nodeid: marker.kwargs.get("of") for item in items if (marker := item.get_closest_marker("long"))}
        left_out_ids = cases.keys() - draw_cases(cases, config.option.long, config.option.sabotage_seed)
        left_out = [item for item in items if item.nodeid in left_out_ids]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: not needs_whole_machine(item))


def draw_cases(cases: Mapping[str, str | None], wanted: int, seed: int) -> set[str]:
    """Of the cases (node ids, and what they are cases of: None is their own test) at most `wanted` of each kind, by
    chance; the same ones for the same seed."""
    kinds: dict[str, list[str]] = {}
    for nodeid in sorted(cases):
        kinds.setdefault(cases[nodeid] or nodeid.partition("[")[0], []).append(nodeid)
    chance = random.Random(seed)
    return {case for kind in kinds.values() for case in chance.sample(kind, min(wanted, len(kind)))}


def needs_whole_machine(item: pytest.Item) -> bool:
    return item.get_closest_marker("whole_machine") is not None


def pytest_report_header(config: pytest.Config) -> str | None:
    wanted = {"sabotages": config.option.sabotages, "long": config.option.long}
    told = [f"{count} {name}" for name, count in wanted.items() if count is not None]
    return f"drawn: {', '.join(told)}, with --sabotage-seed {config.option.sabotage_seed}" if told else None


def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary directory that all workers of a session have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(autouse=True)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Share the machine with the tests of other workers, or keep it to oneself for as long as a whole drill runs.

    A drill says "unknown", rightly, where the processors are so busy that its requests go out late.
    """
    alone = needs_whole_machine(request.node)
    with (shared_directory(tmp_path_factory) / "machine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """An embedded cluster of this worker's own."""
    with EmbeddedCluster.start() as embedded, connect(embedded.kubeconfig, embedded=True) as cluster:
        yield cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that is opted in to drills."""
    name = f"test-{secrets.token_hex(4)}"
    metadata = {"name": name, "labels": {"muster.dev/drills": "allowed"}}
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield name
    cluster.delete("Namespace", name)


@pytest.fixture
def drill_project(tmp_path: Path) -> DrillProject:
    """A project to run drills in."""
    return DrillProject.copy(tmp_path)
