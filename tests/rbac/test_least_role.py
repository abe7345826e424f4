"""Each drill, held as an account that has its Role and that of its procedure and nothing else, lacks no right and has
none to spare."""

from __future__ import annotations

import pytest
from rbac import declared
from rbac.files import DRILLS, PROCEDURES, RELEASER, RELEASES, drill_role, procedure_role, read_roles
from rbac.roles import by_drills, by_procedures, by_releases, refused, unused
from rbac.stage import ROOT, staged

from muster.history.plan import read_whole_plan

NAMES = sorted(path.removeprefix("muster-drill-").replace("-", "_") for path in read_roles(DRILLS))


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
@pytest.mark.parametrize("name", NAMES)
def test_a_drill_needs_all_of_its_role_and_no_more(name: str) -> None:
    drill = read_whole_plan(ROOT).drills[name]
    roles = [read_roles(DRILLS)[drill_role(name)]]
    if drill.recovery:
        roles.append(read_roles(PROCEDURES)[procedure_role(drill.recovery)])
    if declared.is_of_release(drill):
        roles.append(read_roles(RELEASES)[RELEASER])
    with staged() as stage:
        held = stage.hold(drill, roles)
        assert not refused(held.calls, stage.namespace), f"rights that are missing\n{held.output}"
        assert held.complete, held.output
        own = [*by_drills(held.calls), *by_releases(held.calls)]
        spare = unused(roles[0], own, stage.namespace, declared.of_release(drill, stage.system))
        assert not spare, "rights that were never used"
        if drill.recovery:
            # What it found here is not all that it may find.
            branches = declared.of_procedure(drill.recovery, stage.system)
            found = unused(roles[1], by_procedures(held.calls), stage.namespace, branches)
            assert not found, "rights that were never used"
