"""Calls become rights, rights become Roles; and the Roles on file let through whoever asks first whether they may."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from rbac import declared
from rbac.files import (
    DRILLS,
    GUARDIAN,
    PROCEDURES,
    READERS,
    RELEASER,
    RELEASES,
    derived,
    drill_role,
    procedure_role,
    read_roles,
    write_roles,
)
from rbac.roles import (
    RESERVED,
    by_drills,
    by_procedures,
    of_guardian,
    of_readers,
    refused,
    rights_in,
    role,
    unused,
    used,
)
from rbac.stage import ROOT

from muster.backup.taking import KINDS
from muster.base.errors import UsageError
from muster.drill.needs import RELATED
from muster.history.plan import Planned, read_whole_plan
from muster.kube import Call
from muster.safety.rights import Right, rights
from muster.system import read_system


def call(verb: str, resource: str, group: str = "", sub: str = "", **more: object) -> Call:
    found = Call("u", verb, group, resource, sub, "n", "", "", 200, "muster/1")
    return found._replace(**more)  # type: ignore[arg-type]


KEPT = ("configmaps", "leases.coordination.k8s.io")
POD, EXEC = call("list", "pods"), call("get", "pods", sub="exec")
SCALE = call("patch", "deployments", "apps", "scale")


def test_a_call_takes_a_right_and_a_websocket_two() -> None:
    assert used([POD, POD, EXEC], "n") == {
        Right("list", "pods"),
        Right("get", "pods", sub="exec"),
        Right("create", "pods", sub="exec"),
    }


def test_what_everybody_may_takes_no_right() -> None:
    asked = call("create", "selfsubjectaccessreviews", "authorization.k8s.io", namespace="")
    assert not used([asked, call("get", "", path="/version", namespace="")], "n")


def test_what_is_looked_at_before_a_drill_is_done_without_where_it_may_not_be_seen() -> None:
    looking = call("list", "nodes", namespace="", code=403, agent="muster/1 (check)")
    assert not used([looking], "n")
    assert not refused([looking], "n")


@pytest.mark.parametrize("where", ["", "other"])
def test_what_no_role_of_the_namespace_can_allow_is_told(where: str) -> None:
    with pytest.raises(UsageError, match=r"a call was about .*, which a Role of namespace 'n' cannot allow: list pods"):
        used([POD._replace(namespace=where)], "n")


def test_a_role_says_the_rights_and_they_are_read_back() -> None:
    rights = used([POD, EXEC, SCALE, call("list", "services")], "n")
    made = role("r", rights, "a test")
    assert made["rules"] == [
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]},
        {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["list"]},
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]},
    ]
    assert rights_in(made) == rights


def test_a_right_that_is_missing_and_one_that_was_never_used_are_found() -> None:
    made = role("r", used([POD, SCALE], "n") | RESERVED.keys(), "a test")
    calls = [POD, EXEC._replace(code=403)]
    assert refused(calls, "n") == used([EXEC], "n")
    assert unused(made, calls, "n") == {Right("patch", "deployments", "apps", "scale")}


def test_calls_of_procedures_are_told_from_others() -> None:
    recovering = POD._replace(agent="muster/1 (procedure)")
    assert by_procedures([POD, recovering]) == [recovering]
    assert by_drills([POD, recovering]) == [POD]


def test_a_file_keeps_the_roles_that_were_not_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "rbac" / "roles.yaml"
    write_roles(file, [role("b", used([POD], "n"), "one"), role("a", used([POD], "n"), "two")])
    write_roles(file, [role("b", used([SCALE], "n"), "three")])
    assert list(read_roles(file)) == ["a", "b"]
    assert read_roles(file)["b"]["metadata"]["annotations"] == {"muster.dev/for": "three"}
    with pytest.raises(UsageError, match=r"none\.yaml cannot be read: .*'python -m rbac' writes it"):
        read_roles(tmp_path / "none.yaml")


@pytest.fixture(scope="module")
def planned() -> dict[str, Planned]:
    return read_whole_plan(ROOT).drills


def test_every_drill_and_every_procedure_of_one_has_a_role(planned: dict[str, Planned]) -> None:
    assert read_roles(DRILLS).keys() == {drill_role(name) for name in planned}
    assert read_roles(PROCEDURES).keys() == {procedure_role(one.recovery) for one in planned.values() if one.recovery}


def test_roles_let_through_what_drills_ask_for_before_they_begin_and_drills_ask_for_what_they_use(
    planned: dict[str, Planned],
) -> None:
    drills, procedures = read_roles(DRILLS), read_roles(PROCEDURES)
    (file,) = (ROOT / "systems").glob("*/system.yaml")
    system = read_system(file)
    wrong: list[str] = []
    for name, drill in planned.items():
        given = rights_in(drills[drill_role(name)])
        if drill.recovery:
            given |= rights_in(procedures[procedure_role(drill.recovery)])
        asked = declared.of_drill(drill, system)
        if declared.is_of_release(drill):
            given |= rights_in(read_roles(RELEASES)[RELEASER])
            asked |= rights_in(read_roles(RELEASES)[RELEASER]) | declared.of_release(drill, system)
        wrong += [f"{name} asks for {right}, and its Role does not give it" for right in sorted(asked - given)]
        # Without a procedure nothing hangs on what relies on what: it is told where it may be seen.
        asked |= RESERVED.keys() | RELATED
        if name == "disaster":  # its backups take along what of the configuration may be seen
            asked |= rights("list", *KINDS)
        wrong += [f"{name} uses {right}, and does not ask for it" for right in sorted(given - asked)]
    assert not wrong, "\n".join(wrong)


def test_a_guardian_may_put_back_what_drills_patch_and_no_more() -> None:
    lease = call("patch", "leases", "coordination.k8s.io")
    found = of_guardian(used([POD, call("patch", "configmaps"), SCALE, lease, call("delete", "pods")], "n"))
    kept = {f"{verb} {kind}" for verb in ("get", "list", "watch", "update", "delete") for kind in KEPT}
    put_back = {"patch configmaps", "patch deployments/scale.apps", "get deployments/scale.apps"}
    says_it_is_there = {f"{verb} leases.coordination.k8s.io" for verb in ("create", "patch")}
    assert {str(right) for right in found} == kept | put_back | says_it_is_there
    in_pods = {str(right) for right in of_guardian(used([EXEC], "n"))} - kept - says_it_is_there
    assert in_pods == {"get pods", *(str(right) for right in used([EXEC], "n"))}


def test_readers_run_and_change_nothing() -> None:
    assert of_readers(used([POD, EXEC, SCALE], "n")) == {Right("list", "pods")}


def test_what_follows_from_drills_and_procedures_is_on_file() -> None:
    for path, one in derived().items():
        assert list(read_roles(path).values()) == [one], f"{path} is not what follows; 'python -m rbac' writes it"


def test_every_file_can_be_applied_as_it_is() -> None:
    for file in (DRILLS, PROCEDURES, RELEASES, GUARDIAN, READERS):
        for document in yaml.safe_load_all(file.read_text()):
            assert (document["kind"], "namespace" in document["metadata"]) == ("Role", False)
