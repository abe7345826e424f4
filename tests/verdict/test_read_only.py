"""A service that is only read has no RPO, and its verdict says so; what a load cannot show is told with what can."""

from __future__ import annotations

import pytest

from muster.objectives import Declaration
from muster.verdict import Verdict, judge
from muster.verdict.doubts.steady import too_few
from muster.verdict.testing import Asking, DrillStory

READ = [{"name": "read", "every_s": 0.05, "limit_s": 1.0}]
READ_ONLY = {"probes": READ, "read_only": True}


def test_a_drill_of_a_service_that_is_only_read_is_met_and_says_what_it_does_not_prove() -> None:
    story = DrillStory(declared=READ_ONLY, probes=[Asking("read", 0.05)], judged=["rto", "slo"])
    entry = judge(story.events())
    assert entry.verdict is Verdict.MET, entry.reasons
    assert entry.rpo.verdict is None
    assert entry.why.endswith("RPO not judged: the system declares no ledger, so nothing was written")


def test_who_requires_its_rpo_all_the_same_proves_nothing() -> None:
    story = DrillStory(declared=READ_ONLY, probes=[Asking("read", 0.05)], judged=["rto", "rpo"])
    entry = judge(story.events())
    assert entry.verdict is Verdict.UNKNOWN
    assert "no write was attempted" in entry.why


def test_that_nothing_writes_is_no_word_that_nothing_can_be_written() -> None:
    story = DrillStory(declared={"probes": READ}, probes=[Asking("read", 0.05)], judged=["rto", "slo"])
    assert judge(story.events()).verdict is Verdict.UNKNOWN


def test_of_a_service_that_is_written_to_nothing_of_the_kind_is_said() -> None:
    probes = [*READ, {"name": "write", "every_s": 0.05, "limit_s": 1.0, "write": True}]
    entry = judge(DrillStory(declared={"probes": probes}).events())
    assert entry.verdict is Verdict.MET, entry.reasons
    assert "not judged" not in entry.why


@pytest.mark.parametrize(
    ("rate", "target", "said"),
    [
        (8, 0.01, "8 requests/s cannot give the 100 samples that 3 s of steady need for error_rate 0.01; at least 34"),
        (32, 0.01, "32 requests/s cannot give the 100 samples"),
        (34, 0.01, ""),
        (8, 0.05, ""),
        (0, 0.01, ""),  # it has not begun: another sentence says so
    ],
)
def test_a_load_that_is_too_slow_to_show_anything(rate: float, target: float, said: str) -> None:
    objectives = [{"name": "error_rate", "target": target}]
    story = {"name": "d", "nodeid": "d", "severity": "P1", "fault": "f", "system": "s", "evidence": "rehearsal"}
    declaration = Declaration.from_event({**story, "cluster": "c", "objectives": objectives})
    told = too_few(rate * 3, declaration)
    assert told.startswith(said) if said else told == ""
