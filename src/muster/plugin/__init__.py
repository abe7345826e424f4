"""The pytest plugin: options, fixtures, the run's summary, outcomes, and what the terminal shows.

An entry point (`pytest11: muster`), so every pytest of an environment imports it: what is slow to import (the
Kubernetes client, Locust, Chaos Toolkit) is imported by the fixtures that need it, not here.
"""

from __future__ import annotations

from muster.plugin.fixtures import (
    backups,
    cluster,
    drill,
    guardian,
    inject,
    load,
    managed_system,
    objectives,
    recover,
    release,
    system,
)
from muster.plugin.options import pytest_addoption
from muster.plugin.outcome import (
    pytest_runtest_call,
    pytest_runtest_makereport,
    pytest_runtest_protocol,
    pytest_runtest_setup,
)
from muster.plugin.repeating import pytest_generate_tests, repetition
from muster.plugin.session import (
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_deselected,
    pytest_report_header,
    pytest_sessionfinish,
)
from muster.plugin.workers import (
    pytest_configure_node,
    pytest_testnodedown,
    pytest_xdist_node_collection_finished,
)

__all__ = [
    "backups",
    "cluster",
    "drill",
    "guardian",
    "inject",
    "load",
    "managed_system",
    "objectives",
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_deselected",
    "pytest_generate_tests",
    "pytest_report_header",
    "pytest_runtest_call",
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
    "pytest_testnodedown",
    "pytest_xdist_node_collection_finished",
    "recover",
    "release",
    "repetition",
    "system",
]
