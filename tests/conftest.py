"""What tests of several layers share: which of them run, a cluster, a project of their own."""

from __future__ import annotations

import fcntl
import json
import os
import random
import secrets
from collections.abc import Iterator, Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.drill_project import DrillProject

from muster.kube import Cluster, EmbeddedCluster, connect

# A property holds or does not; how long an example takes says something of the machine only. `thorough` asks for ten
# times as many examples (`make torture`).
settings.register_profile("muster", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("muster"), max_examples=1000)
settings.load_profile("muster")

DEAR = Path(__file__).parent / "dear.json"
DEAR_S = 2.0
weighed: dict[str, float] = {}
SABOTAGE_SEED = "sabotage_seed"
MARKERS = (
    "whole_machine: runs whole drills, whose figures are real: no other test runs meanwhile",
    "long(of): one of many cases, each of which takes seconds; `make test` draws among those of a test, or of one `of`",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("drawn", "tests of which some are drawn")
    group.addoption(
        "--dear", type=float, metavar="S", help="of the tests that take long, draw S seconds (default: all)"
    )
    group.addoption("--weigh", action="store_true", help="write down which tests take long: tests/dear.json")
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
    if config.option.dear is not None:
        left_out_ids = costs().keys() - draw_dear(
            {item.nodeid: costs()[item.nodeid] for item in items if item.nodeid in costs()},
            config.option.dear,
            config.option.sabotage_seed,
        )
        leave_out(config, items, left_out_ids)
    if config.option.long is not None:
        cases = {item.nodeid: marker.kwargs.get("of") for item in items if (marker := item.get_closest_marker("long"))}
        left_out_ids = cases.keys() - draw_cases(cases, config.option.long, config.option.sabotage_seed)
        leave_out(config, items, left_out_ids)
    items.sort(key=lambda item: not needs_whole_machine(item))


def leave_out(config: pytest.Config, items: list[pytest.Item], node_ids: Set[str]) -> None:
    left_out = [item for item in items if item.nodeid in node_ids]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item.nodeid not in node_ids]


@cache
def costs() -> dict[str, float]:
    """What the tests that take long took when they were last weighed, in seconds, by node id."""
    found: dict[str, float] = json.loads(DEAR.read_text())
    return found


def draw_dear(costs: Mapping[str, float], budget_s: float, seed: int) -> set[str]:
    """Tests by chance (node ids), as many as fit into a budget of seconds; the same ones for the same seed."""
    shuffled = random.Random(seed).sample(sorted(costs), len(costs))
    drawn = set()
    for nodeid in shuffled:
        if costs[nodeid] <= budget_s:
            drawn.add(nodeid)
            budget_s -= costs[nodeid]
    return drawn


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
    wanted = {
        "{} sabotages": config.option.sabotages,
        "{} of each kind that is long": config.option.long,
        "{:g} s of what is dear": config.option.dear,
    }
    told = [text.format(given) for text, given in wanted.items() if given is not None]
    return f"drawn: {', '.join(told)}, with --sabotage-seed {config.option.sabotage_seed}" if told else None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    weighed[report.nodeid] = weighed.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what takes long. Of a test that needs the machine to itself nothing: it has waited for it."""
    if session.config.option.weigh and not os.environ.get("PYTEST_XDIST_WORKER"):
        dear = {nodeid: round(took, 1) for nodeid, took in sorted(weighed.items()) if took >= DEAR_S}
        DEAR.write_text(json.dumps({**costs(), **dear}, indent=0, sort_keys=True) + "\n")


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
