"""A sample of `make selfcheck` in virtual time, and the statistics."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from selfcheck import tables, virtual
from selfcheck.cases import HOLD_S, KINDS, NOT_RESOLVED_S, draw
from selfcheck.lag import DRILLS, Held, read
from selfcheck.results import Result, Truth, figures
from selfcheck.sabotage import Caught

from muster.verdict import Verdict

SEED = random.randrange(10**6)


def measured(truth: float = 1.0, value: float | None = 1.0, width: float = 0.04, **more: object) -> Result:
    half = width / 2
    low, high = (None, None) if value is None else (value - half, value + half)
    told = {
        "number": 1, "kind": "refused", "where": "virtual", "truth": Truth(0.0, (0.2, 0.2 + truth)), "why": "",
        "verdict": Verdict.MET, "value_s": value, "low_s": low, "high_s": high, "said": None, "edges": None,
    }  # fmt: skip
    return Result(**{**told, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("number", range(2 * len(KINDS)))
def test_the_truth_lies_inside_or_the_verdict_is_unknown(number: int) -> None:
    print(f"seed {SEED}")
    one, _ = virtual.measure(number, SEED, longest=3.0)
    # Unlikely, though possible: requests that are struck at random may all be missed.
    assert one.inside or one.verdict is Verdict.UNKNOWN or one.kind == "partial", f"seed {SEED}: {one}"


@pytest.mark.parametrize("number", range(3 * len(KINDS)))
def test_a_drawn_outage_is_one_outage(number: int) -> None:
    case = draw(number, SEED)
    ends = [outage.end for outage in case.outages]
    starts = [outage.start for outage in case.outages]
    assert all(begin < end for begin, end in zip(starts, ends, strict=True))
    assert all(0 < begin - end < HOLD_S for end, begin in zip(ends, starts[1:], strict=False))
    assert case == draw(number, SEED)


def test_what_is_measured_well_reaches_what_is_wanted() -> None:
    assert all(one.reached for one in tables.of_truth([measured() for _ in range(500)]))


@pytest.mark.parametrize(
    "strange",
    [
        measured(value=1.03, width=0.07),
        measured(width=0.09),
        measured(truth=1.03),
        measured(verdict=Verdict.UNKNOWN),
        measured(value=None),
        measured(truth=NOT_RESOLVED_S / 2, value=0.0, said=True),
    ],
    ids=["off", "wide", "outside", "unknown", "no value", "short, and called resolvable"],
)
def test_two_bad_ones_in_a_hundred_do_not(strange: Result) -> None:
    assert not all(one.reached for one in tables.of_truth([*[measured() for _ in range(98)], strange, strange]))


def test_an_outage_shorter_than_two_gaps_counts_for_coverage_only() -> None:
    short = measured(truth=0.03, value=0.0, low_s=0.0, high_s=0.04, said=False)
    of = figures([measured(), short])
    assert (of.runs, of.resolvable, of.inside) == (2, 1, 1.0)
    assert of.error_p99_s < 1e-9
    assert figures([measured(truth=0.05, value=0.0, low_s=0.0, high_s=0.04)]).inside == 0


def test_a_run_without_a_value_is_infinitely_wrong() -> None:
    assert math.isinf(figures([measured(value=None)]).error_p99_s)


def test_a_table_is_markdown() -> None:
    head, rule, *rows = tables.by_kind([measured()]).splitlines()
    assert head.startswith("| outage ")
    assert set(rule) == {"|", "-"}
    assert [row.split()[1] for row in rows] == ["refused", "all"]


@pytest.mark.parametrize(("held", "caught", "reached"), [(59, 59, True), (59, 58, False), (0, 0, False)])
def test_every_sabotage_must_be_caught_and_some_be_held(held: int, caught: int, reached: bool) -> None:
    [wanted] = tables.of_sabotages(Caught(held, caught))
    assert wanted.reached is reached


def test_a_drill_that_was_not_held_on_a_late_node_counts_as_unknown(tmp_path: Path) -> None:
    drills = [{"name": DRILLS[0], "verdict": "met"}, {"name": "another", "verdict": "met"}]
    (tmp_path / "summary.json").write_text(json.dumps({"drills": drills}))
    one = read(tmp_path / "summary.json")
    assert one.verdicts == {DRILLS[0]: "met", **dict.fromkeys(DRILLS[1:], "unknown")}
    for held, reached in (
        (one, False),
        (read(tmp_path / "none.json"), False),
        (Held(dict.fromkeys(DRILLS, "met")), True),
    ):
        [wanted] = tables.of_lag(held)
        assert wanted.reached is reached
