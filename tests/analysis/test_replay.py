"""A recording played against a plan and triggers says where a release would have ended."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator

from muster.analysis import Action, Look, Phase, Plan
from muster.analysis.replay import Outcome, as_recorded, replay, replay_lines
from muster.base.errors import UsageError
from muster.schemas import DIRECTORY
from muster.system.release_analysis import ErrorRate, ReleaseAnalysis

from .analysis_support import ERRORS, look, side

TWO = Plan((Phase("canary", 0.2, 300.0), Phase("half", 0.5, 300.0)))


def looks(*, failing_in: str = "", until_s: int = 300) -> Iterator[Look]:
    for phase, share in (("canary", 0.2), ("half", 0.5)):
        for at in range(10, until_s + 1, 10):
            failed = 2.0 * at if phase == failing_in else 0.0
            yield look(at, side(50.0 * at, failed), phase=phase, share=share)


def test_a_good_one_would_have_been_promoted() -> None:
    found = replay(looks(), TWO, ERRORS)
    assert (found.outcome, found.phase, found.at_s, found.in_all_s, found.looks) == ("promoted", "half", 300, 600, 60)
    assert [(step.phase, step.action) for step in found.steps] == [
        ("canary", Action.GO_ON),
        ("canary", Action.PROMOTE),
        ("half", Action.GO_ON),
        ("half", Action.PROMOTE),
    ]


def test_it_says_where_it_would_have_been_aborted_and_why() -> None:
    found = replay(looks(failing_in="half"), TWO, ERRORS)
    assert (found.outcome, found.phase) == (Outcome.ROLLED_BACK, "half")
    assert found.at_s < 100
    assert found.in_all_s == 300 + found.at_s
    text = list(replay_lines(found))
    assert text[0] == f"rolled back in phase half after {found.at_s:.0f} s ({found.in_all_s / 60:.1f} min in all)"
    assert "requests failed on canary" in text[1]
    assert max(map(len, text)) <= 80
    content = json.loads(json.dumps(found.to_json()))
    assert content["decision"]["triggers"][0]["verdict"] == "worse"
    schema = json.loads((DIRECTORY / "release-replay-v1.json").read_text())
    assert list(Draft202012Validator(schema).iter_errors(content)) == []


def test_what_the_release_had_not_looked_at_is_left_out_and_named() -> None:
    seen = look(10, side(100)).model_copy(update={"triggers": ("error_rate",)})
    settings, said = as_recorded(ReleaseAnalysis(), seen)
    assert settings.names() == ("error_rate",)
    assert said[0] == "latency is not looked at: it was not when this was recorded"
    assert len(said) == 5


def test_what_a_recording_does_not_say_was_looked_at() -> None:
    settings, said = as_recorded(ReleaseAnalysis(), look(10, side(100)))
    assert (settings, said) == (ReleaseAnalysis(), [])


def test_a_recorded_rehearsal_is_asked_for_fewer_samples() -> None:
    settings, said = as_recorded(ERRORS, look(10, side(100)).model_copy(update={"time_scale": 60.0}))
    assert settings.error_rate is not None
    assert settings.error_rate.least == 30
    assert said == ["a rehearsal was recorded, 60 times shorter: of the least samples less is asked"]


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(UsageError, match=r"made by cpu, of which system\.yaml looks at nothing"):
        as_recorded(ERRORS, look(10, side(100)).model_copy(update={"triggers": ("cpu",)}))


def test_other_triggers_may_have_let_it_pass() -> None:
    lenient = ERRORS.model_copy(update={"error_rate": ErrorRate(limit=0.2, compare="limit")})
    assert replay(looks(failing_in="half"), TWO, lenient).outcome is Outcome.PROMOTED


def test_a_longer_bake_than_was_recorded_is_cut_short_and_a_shorter_one_is_not() -> None:
    longer = Plan((Phase("canary", 0.2, 900.0), Phase("half", 0.5, 300.0)))
    found = replay(looks(), longer, ERRORS)
    assert (found.outcome, found.why) == ("cut short", "the recording ends before the plan does: canary not baked")
    shorter = Plan((Phase("canary", 0.2, 100.0), Phase("half", 0.5, 100.0)))
    found = replay(looks(), shorter, ERRORS)
    assert (found.outcome, found.in_all_s) == (Outcome.PROMOTED, 400)


def test_a_recording_that_a_roll_back_ended_is_cut_short_where_nothing_is_shown() -> None:
    found = replay(list(looks())[:10], TWO, ERRORS)
    assert (found.outcome, found.why) == (
        "cut short",
        "the recording ends before the plan does: canary, half not baked",
    )


def test_a_phase_that_the_plan_has_not_is_told() -> None:
    with pytest.raises(UsageError, match="phase 'half' is not in the plan"):
        replay(looks(), Plan((Phase("canary", 0.2, 300.0), Phase("switch", 1.0, 300.0))), ERRORS)
