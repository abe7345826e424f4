"""What the record of a release says for those who count afterwards: by what it fell, where, and who had which part."""

from __future__ import annotations

import pytest
from tests.released.made import release

from muster.analysis import Action, Decision, Judgement, TriggerVerdict
from muster.release.baking import WorseError, _cause
from muster.release.notices import notice_of
from muster.system.release import ReleasePlan


def decided(verdict: TriggerVerdict) -> Decision:
    judged = Judgement("error_rate", verdict, "as made", 100, 300)
    return Decision(Action.ROLL_BACK, "as made", (judged,), 60.0, 1740.0, 300.0)


@pytest.mark.parametrize(
    ("verdict", "cause"),
    [
        (TriggerVerdict.WORSE, "trigger"),
        (TriggerVerdict.NO_DATA, "blind"),
        (TriggerVerdict.UNDECIDED, "blind"),
    ],
)
def test_a_release_falls_by_a_trigger_only_where_one_is_passed(verdict: TriggerVerdict, cause: str) -> None:
    assert _cause(decided(verdict)) == cause


def test_what_is_seen_directly_is_a_check() -> None:
    assert WorseError("the new version does not run").cause == "check"


def test_what_happens_is_noted_with_the_phase_and_the_share_of_traffic() -> None:
    happened = release().with_event("held").events[-1]
    assert (happened.what, happened.phase, happened.share) == ("held", "canary", 0.05)


def test_roles_are_those_that_somebody_has_and_notices_have_them() -> None:
    roles = ReleasePlan.model_validate({"roles": {"commander": "Ada", "sre": "#sre"}}).roles.given()
    assert roles == {"commander": "Ada", "sre": "#sre"}
    assert notice_of(release(roles=roles), "staging", "begun").fields["roles"] == roles
