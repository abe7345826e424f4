"""What a drill declares of the system that it is held on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.probes.service import system_of

from muster.plugin.declare import declare


def declared(ledger: bool) -> Any:
    marker = SimpleNamespace(args=(), kwargs={"severity": "P2", "fault": "pod-crash"})
    item: Any = SimpleNamespace(
        name="test_it", nodeid="drills/test_it.py::test_it", get_closest_marker=lambda _: marker
    )
    run: Any = SimpleNamespace(evidence="rehearsal", cluster_name="embedded", options=SimpleNamespace(repeat=None))
    system = system_of()
    return declare(item, run, system if ledger else system.model_copy(update={"ledger": None}))


@pytest.mark.parametrize(("ledger", "probes"), [(True, ["read", "write"]), (False, ["read"])])
def test_a_system_without_a_ledger_is_declared_to_be_only_read(ledger: bool, probes: list[str]) -> None:
    found = declared(ledger)
    assert [probe.name for probe in found.probes] == probes
    assert found.read_only is not ledger
