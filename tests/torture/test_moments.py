"""When a session is killed is drawn so that every step is met, and so that a seed draws the same again."""

from __future__ import annotations

from pathlib import Path

from torture.moments import LATER_S, WAYS, Boundaries, alone, course, draw, read_courses, write_courses

COURSES = {
    "one": ["phase steady", "fault.sent", "mend: look: done"],
    "two": ["phase steady", "fault.sent", "change 1", "change 2"],
}


def test_half_of_the_trials_are_at_boundaries_and_none_is_left_out() -> None:
    cases = draw(COURSES, 20, seed=1)
    at = [case for case in cases if not case.after_s]
    assert len(at) == 10
    assert {(case.drill, case.boundary) for case in at} == {(d, b) for d, c in COURSES.items() for b in c}
    assert [case.number for case in cases] == list(range(20))


def test_with_little_room_each_label_is_met_before_one_comes_twice() -> None:
    labels = {label for one in COURSES.values() for label in one}
    for seed in range(20):
        at = [case.boundary for case in draw(COURSES, 2 * len(labels), seed) if not case.after_s]
        assert set(at) == labels


def test_the_others_are_at_any_time_of_every_drill_and_each_way_comes_as_often() -> None:
    cases = draw(COURSES, 60, seed=3)
    later = [case for case in cases if case.after_s]
    assert len(later) == 30
    assert {case.drill for case in later} == set(COURSES)
    assert all(case.after_s <= max(LATER_S) and case.boundary in COURSES[case.drill] for case in later)
    assert [sum(case.way == way for case in cases) for way in WAYS] == [20, 20, 20]
    assert {case.way for case in alone(COURSES, 10, seed=3)} == {"alone"}


def test_a_seed_draws_the_same_again() -> None:
    assert draw(COURSES, 30, seed=5) == draw(COURSES, 30, seed=5)
    assert draw(COURSES, 30, seed=5) != draw(COURSES, 30, seed=6)


def test_boundaries_are_the_steps_of_a_timeline_each_once() -> None:
    events = [
        {"t": 1.0, "kind": "timeline"},
        {"t": 1.5, "kind": "phase", "phase": "steady"},
        {"t": 2.0, "kind": "fault.sent", "experiment": "x"},
        {"t": 2.1, "kind": "fault.effect", "observed": False},
        {"t": 2.2, "kind": "fault.effect", "observed": True},
        {"t": 2.3, "kind": "fault.effect", "observed": True},
        {"t": 3.0, "kind": "recovery.step", "procedure": "mend", "step": "look", "state": "done"},
        {"t": 3.1, "kind": "recovery.change", "verb": "patch", "object": "Deployment/api"},
        {"t": 3.2, "kind": "recovery.change", "verb": "patch", "object": "Deployment/api"},
        {"t": 3.3, "kind": "request"},
    ]
    found = course(events)
    assert found == ["phase steady", "fault.sent", "fault.effect", "mend: look: done", "change 1", "change 2"]
    seen = Boundaries()
    assert [seen.of(event) for event in events[:3]] == [None, "phase steady", "fault.sent"]


def test_what_was_rehearsed_is_kept_beside_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "boundaries.json"
    write_courses({"one": COURSES["one"]}, path)
    write_courses({"two": COURSES["two"]}, path)
    assert read_courses(path) == COURSES
