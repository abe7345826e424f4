"""No verdict contradicts what truly happened, whatever happened."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from muster.verdict import Verdict, judge
from muster.verdict.testing import Asking, DrillStory, Outage

HOWS = st.sampled_from(["refused", "timeout", "error", "reset", "wrong", "slow"])


@settings(deadline=None, max_examples=150)
@given(
    outages=st.lists(st.tuples(st.floats(5.1, 22.0), st.floats(0.5, 9.0), HOWS), min_size=1, max_size=3),
    procedure=st.floats(6.5, 15.0),
    budget=st.floats(0.5, 20.0),
    every=st.floats(0.03, 0.4),
    lost=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_met_and_missed_are_true(
    *, outages: list[tuple[float, float, str]], procedure: float, budget: float, every: float, lost: int, seed: int
) -> None:
    told = [Outage(begin, begin + long, how) for begin, long, how in sorted(outages)]
    probes = [Asking("read", every), Asking("write", 0.05, write=True)]
    names = {f"w-{60 + number}": "lost" for number in range(lost)}
    story = DrillStory(
        outages=told, probes=probes, recovery=(6.0, procedure), steps=[("promote", 6.0, procedure, "done")],
        declared={"rto_budget_s": budget}, readback=29.5, lost=names, seed=seed,
    )  # fmt: skip
    entry = judge(story.events())
    # Service must hold for 5 s after effect and procedure: an outage that begins in that time extends the disruption.
    begin, end = told[0].start, max(told[0].start, procedure, 5.2)
    for outage in told:
        if outage.start < end + 4.5:
            end = max(end, outage.end)
    if entry.verdict is Verdict.MET:
        assert end - begin <= budget + 0.01
        assert not lost
    if entry.rto.budget_verdict is Verdict.MISSED:
        # An outage that begins just at the end of the hold may count or not.
        later = max([end, *(outage.end for outage in told)])
        assert later - begin > budget - 0.01
    if lost:
        assert entry.verdict is Verdict.MISSED
        assert {write.id for write in entry.lost} == set(names)


@settings(deadline=None, max_examples=60)
@given(
    cuts=st.lists(st.tuples(st.floats(2.2, 15.0), st.floats(1.6, 6.0)), min_size=1, max_size=2), what=st.integers(0, 2)
)
def test_what_was_not_looked_at_is_never_green(cuts: list[tuple[float, float]], what: int) -> None:
    source = (("probe", "read"), ("probe", "write"), ("load", "load"))[what]
    events = [
        event
        for event in DrillStory().events()
        if not (
            event["kind"] == "request"
            and (event["source"], event["name"]) == source
            and any(begin <= event["sent"] - 1000 <= begin + long for begin, long in cuts)
        )
    ]
    assert judge(events).verdict is Verdict.UNKNOWN
