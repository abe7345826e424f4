"""A subject of checks, made of what a test has: a service, a cluster, drills that were never collected."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.probes.service import system_of

from muster.faults import find_experiment
from muster.kube import Cluster
from muster.objectives import Declaration
from muster.preflight import PlannedDrill, Subject
from muster.system import read_system

ROOT = Path(__file__).resolve().parents[2]
ENHANCER = read_system(ROOT / "systems/enhancer")
ELSEWHERE = cast("Cluster", SimpleNamespace(embedded=False, context="staging"))  # asked for nothing: there is a url


def declared(**said: Any) -> Declaration:
    story = {"name": "crash", "nodeid": "drills/test_it.py::test_crash", "severity": "P1", "fault": "pod-crash"}
    where = {"system": "items", "evidence": "cluster", "cluster": "staging"}
    return Declaration.from_event({**story, **where, "load": "clients", **said})


def planned(*rates: float, **said: Any) -> PlannedDrill:
    """A drill with loads at these rates, that its declaration says more of."""
    known = declared(**said)
    return PlannedDrill(
        known, rates, lambda: find_experiment(ROOT / "experiments", known.fault, ENHANCER), lambda: None
    )


def subject(
    directory: Path,
    *,
    url: str | None = None,
    ca: str | None = None,
    cluster: Cluster | None = None,
    drills: Iterable[PlannedDrill] = (),
    **said: Any,
) -> Subject:
    """A project in a directory whose service is at `url`; `said` is what its system.yaml says otherwise."""
    system = system_of().model_copy(update=said)
    if url is not None:
        address = system.service.model_copy(update={"url": url, "ca": ca})
        system = system.model_copy(update={"service": address})
    asked = cluster if cluster is not None or url is None else ELSEWHERE
    return Subject(directory, system, tuple(drills), asked, "no cluster was named", directory / "audit.jsonl")
