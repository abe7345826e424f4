"""What is to be released is what it brings, and for the rest what runs now."""

from __future__ import annotations

from pathlib import Path

from muster.readiness.wanted import version_of
from muster.system import read_system
from muster.system.manifests import read_manifests
from muster.system.version import of_manifests

ROOT = Path(__file__).parents[2]
ENHANCER = ROOT / "systems/enhancer"
DIGESTS = {name: f"sha256:{number:064x}" for number, name in enumerate(["enhancer:5.1", "enhancer:5.2", "postgres:18"])}


def test_a_directory_that_brings_a_part_is_completed_by_what_runs() -> None:
    system = read_system(ENHANCER / "system.yaml")
    running = of_manifests(read_manifests(ENHANCER / "manifests"), system, DIGESTS)
    assert running.id is not None
    found = version_of(str(ENHANCER / "releases/5.2"), system, running, lambda _: DIGESTS)
    assert found.lacking == ()
    assert found.configuration == running.configuration
    assert {one.workload for one in found.images} == {one.workload for one in running.images}
    changed = {one.workload for one in found.images if one not in running.images}
    assert changed == {"Deployment/api", "Deployment/agents"}
    assert found.id not in (None, running.id)
