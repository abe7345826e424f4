"""What a release asks to be allowed before it begins: neither less than it takes nor more."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.release import shop
from tests.release.made import deployment, rolled, service

from muster.backup.keys import KEY_VARIABLE
from muster.backup.store import STORE_VARIABLE
from muster.release.backing_up import TAKES, VERIFIES
from muster.release.contents import Altered, Contents
from muster.release.needs import OF_WAY, USE, needs, needs_to_compare
from muster.safety.rights import EXEC, Right, rights
from muster.system import SystemDefinition, read_system

ROOT = Path(__file__).resolve().parents[2]
SMALL = Contents((rolled(deployment()),), (), (), (), None)
SCALE = Right("patch", "deployments", "apps", "scale")


@pytest.fixture
def system(tmp_path: Path) -> SystemDefinition:
    return read_system(shop.write(tmp_path))


def test_each_way_of_sharing_takes_its_own(system: SystemDefinition) -> None:
    kinds = {way: {one.resource for one in needs(SMALL, system, way, ())} for way in OF_WAY}
    assert [way for way, found in kinds.items() if "httproutes" in found] == ["httproute"]
    assert [way for way, found in kinds.items() if "virtualservices" in found] == ["virtualservice"]
    assert SCALE not in needs(SMALL, system, "replicas", ()), "the share is the number of pods, in one write with it"
    assert SCALE in needs(SMALL, system, "httproute", ())


def test_workers_are_scaled_in_every_way(system: SystemDefinition) -> None:
    both = Contents((*SMALL.rolled, rolled(deployment("worker"), serves=False)), (), (), (), None)
    assert all(SCALE in needs(both, system, way, ()) for way in OF_WAY)


def test_what_the_directory_brings_is_asked_for(system: SystemDefinition) -> None:
    more = Altered(service("other"), service("other", app="new"))
    account = {"kind": "ServiceAccount", "metadata": {"name": "new"}}
    contents = Contents(SMALL.rolled, (), (account,), (more,), {"kind": "Job"})
    wanted = rights("get create delete", "ServiceAccount") | rights("get update", "Service") | rights("create", "Job")
    assert wanted <= needs(contents, system, "httproute", ())
    assert not wanted <= needs(SMALL, system, "httproute", ())


def test_use_is_asked_for_where_it_is_looked_at(system: SystemDefinition) -> None:
    assert USE in needs(SMALL, system, "replicas", ("error_rate", "memory"))
    assert USE not in needs(SMALL, system, "replicas", ("error_rate",))


def test_a_question_by_post_takes_another_right(system: SystemDefinition) -> None:
    asking = Right("create", "pods", "", "proxy")
    assert asking not in needs(SMALL, system, "replicas", ())
    probe = system.probes[0]
    posted = probe.model_copy(update={"request": probe.request.model_copy(update={"method": "POST", "body": {}})})
    assert asking in needs(SMALL, system.model_copy(update={"probes": [posted]}), "replicas", ())


def test_a_backup_is_asked_for_where_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system, has_database = read_system(shop.write(tmp_path)), read_system(ROOT / "systems" / "enhancer")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert not EXEC & needs(SMALL, system, "replicas", ())
    asked = needs(SMALL, has_database, "replicas", ())
    assert asked >= TAKES and not asked >= VERIFIES
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key"))
    assert needs(SMALL, has_database, "replicas", ()) >= VERIFIES
    monkeypatch.delenv(STORE_VARIABLE)
    assert not EXEC & needs(SMALL, has_database, "replicas", ()), "without a store there is none"


def test_to_compare_a_secret_is_read_and_never_written() -> None:
    asked = needs_to_compare([{"kind": "Secret"}, {"kind": "Service"}, {"kind": "Job"}, {"kind": "Namespace"}])
    assert asked == rights("get", "Secret", "Service", "Job") | rights("update", "Service") | rights(
        "list", "Deployment"
    )
