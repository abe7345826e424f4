"""That it is this version, that it is well, that all agents are at work, and what people say of it."""

from __future__ import annotations

from typing import Any

import pytest

from muster.gate.answers import Answer
from muster.gate.standing import agents, health, manual, version
from muster.gate.subject import Proven
from muster.snapshot import Missing, Snapshot

from .held import OTHER, said, subject, system
from .held import version as made


def test_what_runs_is_what_is_to_be_let_in() -> None:
    assert said(version(subject()))[0] == "met"
    assert said(version(subject(running=made(OTHER))))[0] == "missed"
    assert said(version(subject(running=made(None), wanted=made(None))))[0] == "unknown"
    assert said(version(subject(running="it does not answer"))) == (
        "unknown",
        "what runs could not be seen: it does not answer",
    )


def test_what_could_not_be_seen_is_not_well() -> None:
    blind = Snapshot("2026-03-01T12:00:00Z", "shop", missing=(Missing("cluster", "it does not answer"),))
    assert said(health(subject(snapshot=blind)))[0] == "unknown"


def heard(**status: Any) -> Snapshot:
    return Snapshot("2026-03-01T12:00:00Z", "shop", answers={"status": status})


COUNTED = system(agents={"count": 61, "total": "all", "available": "at_work"})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"documents": [{"all": 61, "at_work": 61}] * 9}, ("met", "61 of 61 agents at work")),
        (
            {"documents": [{"all": 61, "at_work": 61}, {"all": 61, "at_work": 60}]},
            ("missed", "60 of 61 agents at work, and 61 are wanted"),
        ),
        ({"documents": [{"all": 60, "at_work": 60}]}, ("missed", "60 of 60 agents at work, and 61 are wanted")),
        ({"documents": [{"all": 61}]}, ("unknown", "an answer to status lacks at_work or all")),
        ({"documents": [], "why": "refused"}, ("unknown", "no instance says how many there are: refused")),
        (
            {"documents": [{"all": 61, "at_work": 61}], "incomplete": "'degraded' is true"},
            ("missed", "not all agents are at work: 'degraded' is true"),
        ),
    ],
)
def test_all_agents_are_at_work_as_every_instance_says(status: dict[str, Any], expected: tuple[str, str]) -> None:
    assert said(agents(subject(system=COUNTED, snapshot=heard(**status)))) == expected


def test_a_system_without_agents_is_not_asked_for_any() -> None:
    assert agents(subject()) is None


def test_what_nobody_has_answered_is_unknown_and_the_last_answer_counts() -> None:
    asked = system(manual={"user-access": "Do users get in?"})
    ((name, found),) = manual(subject(system=asked))
    assert (name, *said(found)) == ("user-access", "unknown", "nobody has answered: Do users get in?")
    given = [
        Answer("user-access", word, "support", "tried it", "2026-03-01T10:00:00Z", "sha256:x") for word in ("no", "yes")
    ]
    ((_, found),) = manual(subject(system=asked, proven=Proven(answers=given)))
    assert said(found) == ("met", "yes, says support: tried it")
    assert (found.evidence, found.at) == ("person", "2026-03-01T10:00:00Z")
    ((_, found),) = manual(subject(system=asked, proven=Proven(answers=given[::-1])))
    assert said(found)[0] == "missed"
