"""A regression is told beyond the noise of earlier runs only, whatever that noise looks like, and never of too few."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import pytest

from muster.history.facts import DrillFacts
from muster.history.regression import LEVEL, RUNS_NEEDED, Regression, figures_by_run, regression, regression_line

from .history_support import fact


def runs(*rtos: float, repeated: int = 1) -> list[DrillFacts]:
    """Runs of a drill, oldest first; of `repeated` drills each, where that is more than one."""
    told = {"repetitions": repeated} if repeated > 1 else {}
    return [
        fact(number * repeated + turn, rto=rto, run=f"run-{number}", **told)
        for number, rto in enumerate(rtos)
        for turn in range(repeated)
    ]


CALM = [2.0 + n % 5 / 10 for n in range(RUNS_NEEDED)]


def test_slower_than_each_of_20_earlier_runs_is_a_regression() -> None:
    found = regression(runs(*CALM, 2.41))
    assert found == Regression(True, 20, 2.41, pytest.approx(2.2), 2.4, pytest.approx(1 / 21))
    assert found.chance is not None
    assert found.chance < LEVEL
    usual = "RTO 2.41 s after a median of 2.20 s and 2.40 s at most"
    assert regression_line(found) == f"slower than each of 20 earlier runs: {usual} (by chance once in 21 times)"


def test_as_slow_as_one_earlier_run_is_none() -> None:
    assert regression(runs(*CALM, 2.4)).found is False
    assert regression(runs(9.0, *CALM, 8.0)).found is False
    assert regression_line(regression(runs(*CALM, 2.4))) == "no regression beyond the noise of 20 earlier runs"


@pytest.mark.parametrize("count", [0, 1, 5, RUNS_NEEDED - 1])
def test_too_few_earlier_runs_say_so_however_slow_the_latest_is(count: int) -> None:
    found = regression(runs(*CALM[:count], 99.0))
    assert (found.found, found.runs) == (None, count)
    assert regression_line(found) == f"too few runs to tell a regression from noise ({count} earlier, 20 needed)"


def test_nothing_held_is_too_few() -> None:
    assert regression([]).found is None


def test_an_interval_that_reaches_into_earlier_ones_is_no_regression() -> None:
    latest = fact(99, rto=3.0, rto_low_s=2.3, rto_high_s=4.0)
    assert regression([*runs(*CALM), latest]).found is False


def test_a_long_past_does_not_outvote_the_present() -> None:
    assert regression(runs(*[9.0] * 50, *CALM, *CALM[:10], 5.0)).found is True


def test_a_service_that_never_came_back_is_slower_than_all_that_did() -> None:
    latest = fact(99, rto=None, rto_low_s=25.0, verdict="missed")
    found = regression([*runs(*CALM), latest])
    assert (found.found, found.latest_s) == (True, None)
    assert "service did not come back" in regression_line(found)
    assert regression([*runs(*CALM[1:]), latest, *runs(26.0)[-1:]]).found is not True


def test_a_latest_run_that_came_to_no_verdict_is_not_compared() -> None:
    assert regression([*runs(*CALM), fact(99, rto=99.0, verdict="unknown")]).found is None


def test_an_unknown_earlier_run_is_none() -> None:
    unknown = [fact(100 + n, rto=1.0, verdict="unknown") for n in range(5)]
    assert regression([*unknown, *runs(*CALM[:15], 9.0)]).runs == 15


def test_repetitions_are_no_further_runs() -> None:
    found = regression([*runs(2.0, 2.1, repeated=59), *(fact(999 + n, rto=9.0, run="last") for n in range(59))])
    assert (found.found, found.runs) == (None, 2)


def test_runs_are_compared_by_as_many_repetitions_as_the_shortest_has() -> None:
    busy = [fact(n, rto=rto, run="a") for n, rto in enumerate([5.0, 1.0, 1.0])]
    assert [figure.value for figure in figures_by_run([*busy, fact(9, rto=2.0, run="b")])] == [5.0, 2.0]
    assert [figure.value for figure in figures_by_run(busy)] == [1.0]


SHAPES: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda chance: 2 + chance.gauss(0, 0.1),
    "heavy": lambda chance: chance.paretovariate(1),
    "two humps": lambda chance: chance.choice([1.0, 6.0]) + chance.random(),
    "ties": lambda chance: float(chance.randint(1, 3)),
}


def _latest_of_noise(shape: str, repeated: int) -> Iterator[Regression]:
    """Runs of which nothing changed, though each has a mood of its own that its repetitions share."""
    chance, draw = random.Random(shape), SHAPES[shape]
    for _ in range(600):
        moods = [draw(chance) for _ in range(RUNS_NEEDED + 1)]
        yield regression(
            [
                fact(number, rto=mood + chance.random() / 100, run=f"run-{number}")
                for number, mood in enumerate(moods)
                for _ in range(repeated)
            ]
        )


@pytest.mark.parametrize("repeated", [1, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_noise_is_called_a_regression_less_than_once_in_twenty(shape: str, repeated: int) -> None:
    found = [one.found for one in _latest_of_noise(shape, repeated)]
    assert None not in found
    assert sum(map(bool, found)) / len(found) < LEVEL + 3 * math.sqrt(LEVEL / len(found))
