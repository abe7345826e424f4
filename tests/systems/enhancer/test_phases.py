"""The phases of a workflow."""

import hashlib

from enhancer.phases import PHASES, Work, chain, perform, state


def test_there_are_eight_phases_in_order() -> None:
    assert PHASES == ("explore", "plan", "skeleton", "implement", "test", "review", "release", "monitor")


def test_doing_a_phase_again_gives_the_same_artefact() -> None:
    work = Work("w", 3, "before", "content")
    assert perform(work) == perform(work)


def test_every_artefact_depends_on_the_content_and_on_the_phase_before() -> None:
    one, other = chain("w", "content"), chain("w", "other content")
    assert len(set(one + other)) == 16
    assert perform(Work("w", 3, one[2], "content")) == one[3]
    assert perform(Work("w", 3, one[1], "content")) != one[3]
    assert one[0] == hashlib.sha256(b"explore\n\ncontent").hexdigest()


def test_state_follows_from_the_phases_done() -> None:
    assert [state(done) for done in (0, 1, 7, 8)] == ["waiting", "running", "running", "done"]
