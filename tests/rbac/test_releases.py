"""Whoever has the Role of a releaser and nothing else brings a release out, goes on with it and takes it back, lacks no
right and has none to spare; and a release asks for just these before it begins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rbac.files import RELEASES, read_roles
from rbac.releases import (
    BACKUP,
    DATABASE,
    OPTIONAL,
    UNTAKEN,
    WAYS,
    Releaser,
    asked,
    of_backup,
    of_jobs,
    releasing,
    way_role,
)
from rbac.roles import refused, rights_in, role, used

from muster.safety.rights import Right, rights


def test_there_is_a_role_for_each_way_of_sharing_for_the_database_and_for_its_backup() -> None:
    roles = read_roles(RELEASES)
    assert roles.keys() == {DATABASE, BACKUP, *map(way_role, WAYS)}
    assert roles[BACKUP] == of_backup(), "it is not what a backup asks for; 'python -m rbac releases' writes it"


@pytest.mark.parametrize("way", WAYS)
def test_a_release_asks_for_what_its_role_gives(way: str) -> None:
    roles = read_roles(RELEASES)
    assert rights_in(roles[way_role(way)]) - OPTIONAL.keys() == asked(way) - of_jobs(asked(way))
    assert rights_in(roles[DATABASE]) - OPTIONAL.keys() == of_jobs(asked(way))


@pytest.fixture(scope="module")
def releaser() -> Iterator[Releaser]:
    with releasing() as found:
        yield found


@pytest.mark.parametrize("way", WAYS)
def test_a_releaser_needs_all_of_its_roles_and_no_more(releaser: Releaser, way: str) -> None:
    roles = [read_roles(RELEASES)[name] for name in (way_role(way), DATABASE)]
    made = releaser.make(way, roles)
    assert not refused(made.calls, releaser.namespace), f"rights that are missing\n{made.output}"
    assert made.complete, made.output
    given = rights_in(roles[0]) | rights_in(roles[1])
    assert not given - used(made.calls, releaser.namespace) - UNTAKEN, "rights that were never used"


def without(way: str, *missing: Right) -> list[dict[str, object]]:
    given = rights_in(read_roles(RELEASES)[way_role(way)])
    return [role(way_role(way), given - set(missing), "a test")]


@pytest.mark.parametrize(
    ("way", "missing"),
    [
        ("httproute", rights("create", "HTTPRoute")),
        ("replicas", rights("update", "Service")),
        ("replicas", rights("list delete", "NetworkPolicy")),
    ],
)
def test_who_lacks_a_right_is_told_which_before_anything_is_changed(
    releaser: Releaser, way: str, missing: frozenset[Right]
) -> None:
    stage = releaser.stage
    stage.put_back()
    before = stage.objects()
    with releaser.by(way, without(way, *missing)):
        release = stage.new()
        planned = stage.muster("deploy", release, "--plan")
        done = stage.muster("deploy", release)
    named = ", ".join(map(str, sorted(missing)))
    assert "refused" in planned.stdout and named in planned.stdout, planned.stdout
    assert done.returncode == 64, done.stdout
    assert f"do not have: {named}; nothing was done" in done.stdout
    assert stage.objects() == before
