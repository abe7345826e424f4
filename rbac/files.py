"""The files of ci/rbac: a Role a document, found by its name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from muster.base.errors import UsageError
from muster.base.files import write_atomically
from muster.base.packaged import GUARD
from muster.safety.rights import Right
from rbac.roles import Role, of_guardian, of_readers, rights_in, role
from rbac.stage import ROOT

FOLDER = ROOT / "ci/rbac"
DRILLS, PROCEDURES = FOLDER / "drills.yaml", FOLDER / "procedures.yaml"
RELEASES = FOLDER / "releases.yaml"
RELEASER = "muster-release-httproute"  # of whoever brings out what drills do
GUARDIAN, READERS = FOLDER / "guardian.yaml", FOLDER / "readers.yaml"
EVERYWHERE = GUARD / "role.yaml"  # the guardian's again, for a pod that guards a whole cluster
_HEAD = """\
# Written by `python -m rbac` from what the server's audit log shows; edits are lost. Each Role belongs into the
# namespace of the system under drill (kubectl apply --namespace NAMESPACE -f FILE), with a RoleBinding to whoever is to
# have it.
"""
_HEAD_EVERYWHERE = "# The rules of ci/rbac/guardian.yaml, written by `python -m rbac` as well; edits are lost.\n"


def drill_role(drill: str) -> str:
    """What the Role of a drill is called."""
    return f"muster-drill-{drill.replace('_', '-')}"


def procedure_role(procedure: str) -> str:
    """What the Role of a recovery procedure is called."""
    return f"muster-procedure-{procedure}"


def read_roles(path: Path) -> dict[str, Role]:
    """The Roles of a file by name.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text()))
    except (OSError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {error}; 'python -m rbac' writes it") from error
    return {document["metadata"]["name"]: document for document in documents}


def derived() -> dict[Path, Role]:
    """The Roles that follow from those of drills and procedures, by the files that they belong into.

    Raises:
        UsageError: a file cannot be read.
    """
    drills, procedures = (_union(read_roles(path)) for path in (DRILLS, PROCEDURES))
    guardian = role("muster-guardian", of_guardian(drills), "undoing what drills have on record, whatever died")
    return {
        GUARDIAN: guardian,
        EVERYWHERE: {**guardian, "kind": "ClusterRole"},
        READERS: role("muster-reader", of_readers(drills | procedures), "looking at a system and its drills"),
    }


def _union(roles: dict[str, Role]) -> frozenset[Right]:
    return frozenset().union(*map(rights_in, roles.values()))


def write_roles(path: Path, roles: Iterable[Role]) -> None:
    """Write the Roles, beside those of other names that the file has already."""
    known = read_roles(path) if path.exists() else {}
    known |= {role["metadata"]["name"]: role for role in roles}
    documents = [yaml.safe_dump(known[name], sort_keys=False, width=120) for name in sorted(known)]
    path.parent.mkdir(exist_ok=True)
    head = _HEAD_EVERYWHERE if path == EVERYWHERE else _HEAD
    write_atomically(path, head + "---\n".join(documents))
