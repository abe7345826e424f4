"""Latencies as an HdrHistogram: right to three digits, exact at its ends, read by others."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from muster.base.histogram import QUANTILES, histogram

LATENCIES = st.lists(st.floats(0, 3599), min_size=1, max_size=300)


def exact(values: list[float], quantile: float) -> float:
    return sorted(values)[max(math.ceil(quantile * len(values) - 1e-9) - 1, 0)]


@given(LATENCIES)
def test_percentiles_are_those_of_the_values_to_three_digits(values: list[float]) -> None:
    found = histogram(values)
    for name, quantile in QUANTILES.items():
        # Half a microsecond is what counting in microseconds costs.
        assert getattr(found, name) == pytest.approx(exact(values, quantile), rel=1e-3, abs=0.6e-6), name


@given(LATENCIES)
def test_count_and_ends_are_exact_and_the_percentiles_lie_in_order_between_them(values: list[float]) -> None:
    found = histogram(values)
    assert (found.count, found.lowest, found.highest) == (len(values), min(values), max(values))
    inside = [found.lowest, *(getattr(found, name) for name in QUANTILES), found.highest]
    assert inside == sorted(inside)


@given(LATENCIES)
def test_another_tool_reads_the_same_as_if_it_had_counted_itself(values: list[float]) -> None:
    theirs = HdrHistogram(1, 3_600_000_000, 3)
    for value in values:
        theirs.record_value(round(value * 1e6))
    read = HdrHistogram.decode(histogram(values).encoded)
    assert read.get_total_count() == len(values)
    for percentile in (0.0, 50.0, 95.0, 99.9, 100.0):
        assert read.get_value_at_percentile(percentile) == theirs.get_value_at_percentile(percentile)


def test_more_values_than_are_counted_at_once_are_counted_all() -> None:
    values = np.random.default_rng(1).lognormal(-5, 1.5, 250_000)
    found = histogram(values)
    assert found.count == 250_000
    assert HdrHistogram.decode(found.encoded).get_total_count() == 250_000
    assert found.p99 == pytest.approx(exact(values.tolist(), 0.99), rel=1e-3)


def test_without_a_value_there_is_no_percentile() -> None:
    found = histogram([])
    assert (found.count, found.lowest, found.p95, found.highest) == (0, None, None, None)
    assert HdrHistogram.decode(found.encoded).get_total_count() == 0


def test_more_than_an_hour_counts_as_an_hour_and_is_told_as_what_it_was() -> None:
    found = histogram([0.001, 9000.0])
    assert found.p99 == pytest.approx(3600, rel=1e-3)
    assert found.highest == 9000.0


@pytest.mark.parametrize("wrong", [-0.001, math.nan, math.inf])
def test_what_is_no_latency_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="right would be 0 or more, and finite"):
        histogram([0.1, wrong, 0.2])


def test_it_is_told_under_the_names_that_other_tools_use() -> None:
    assert list(histogram([0.1]).to_json()) == ["count", "min", "p50", "p90", "p95", "p99", "p99.9", "max", "hdr"]
