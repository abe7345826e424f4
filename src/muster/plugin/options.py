"""What a person may say on the command line, and what was said."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

KUBE_CONTEXT_VARIABLE = "MUSTER_KUBE_CONTEXT"


@dataclass(frozen=True)
class Options:
    """The options of a session."""

    kube_context: str | None
    system: Path | None
    reports: Path
    seed: int


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("muster", "emergency drills")
    group.addoption(
        "--kube-context",
        metavar="NAME",
        help="strike the system in this context of your kubeconfig (its namespace must carry the label "
        f"muster.dev/drills=allowed); without it, or {KUBE_CONTEXT_VARIABLE}, drills run on the embedded cluster",
    )
    group.addoption("--system", metavar="PATH", help="the system.yaml of the system under drill (default: systems/*/)")
    group.addoption("--reports", metavar="DIR", help="where runs are reported (default: reports/)")
    group.addoption("--muster-seed", metavar="N", type=int, default=1, help="seed of the load's random choices")


def read_options(config: pytest.Config) -> Options:
    """The session's options, environment included."""
    system = config.getoption("system")
    reports = config.getoption("reports")
    return Options(
        kube_context=config.getoption("kube_context") or os.environ.get(KUBE_CONTEXT_VARIABLE) or None,
        system=(config.invocation_params.dir / system) if system else None,
        reports=(config.invocation_params.dir / reports) if reports else config.rootpath / "reports",
        seed=config.getoption("muster_seed"),
    )
