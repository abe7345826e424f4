"""What a pod's metrics say by the selectors of system.yaml, and that what says nothing is taken for nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.release.counting import Counted, Sample, Series, counted, read_text
from muster.system.metrics import Metrics, Target

TARGETS = {"web": Target(port=8080, serves=True)}
METRICS = Metrics(
    targets=TARGETS,
    requests='http_requests_total{route=~"/items.*"}',
    errors='http_requests_total{route=~"/items.*",status=~"5.."}',
    seconds="http_seconds",
)
TEXT = """
# TYPE http_requests_total counter
http_requests_total{route="/items",status="200"} 90
http_requests_total{route="/items",status="500"} 10
http_requests_total{route="/items/1",status="200"} 5
http_requests_total{route="/health",status="500"} 1000
# TYPE http_seconds histogram
http_seconds_bucket{le="0.1"} 60
http_seconds_bucket{le="1"} 100
http_seconds_bucket{le="+Inf"} 105
http_seconds_count 105
http_seconds_sum 12.5
"""


def of(text: str, metrics: Metrics = METRICS, errors: str | None = None) -> Counted:
    return counted(read_text(text), metrics, errors)


def test_requests_failures_kinds_and_times_are_read() -> None:
    found = of(TEXT)
    assert (found.requests, found.failed) == (105, 10)
    assert found.kinds == {"/items": (100, 10), "/items/1": (5, 0)}
    assert (found.timed, found.buckets) == (105, {0.1: 60, 1.0: 100})


@pytest.mark.parametrize(
    ("selector", "labels", "taken"),
    [
        ("m", {}, True),
        ("m{}", {"a": "b"}, True),
        ('m{a="b",}', {"a": "b"}, True),
        ('m{a="b"}', {"a": "bb"}, False),
        ('m{a=~"b.*"}', {"a": "bb"}, True),
        ('m{a=~"b"}', {"a": "bb"}, False),  # Prometheus' patterns are of the whole value
        ('m{a!="b"}', {}, True),
        ('m{a!~"b|c"}', {"a": "c"}, False),
        ('m{a=""}', {}, True),
        (r'm{a="say \"b\""}', {"a": 'say "b"'}, True),
        (r'm{a="c:\\temp"}', {"a": r"c:\temp"}, True),
        (r'm{a="\\\"", b = "1"}', {"a": '\\"', "b": "1"}, True),
        (r'm{a="two\nlines"}', {"a": "two\nlines"}, True),
        (r'm{a=~"5\\d\\d"}', {"a": "503"}, True),
        ('m{a="x,y", b="}"}', {"a": "x,y", "b": "}"}, True),
    ],
)
def test_a_selector_takes_what_prometheus_would(selector: str, labels: dict[str, str], taken: bool) -> None:
    assert Series(selector).takes(Sample("m", labels, 1.0)) is taken


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"])))
def test_any_value_that_is_escaped_takes_itself(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    assert Series(f'm{{a="{escaped}"}}').takes(Sample("m", {"a": value}, 1.0))


@pytest.mark.parametrize("selector", ["m{a='b'}", "m{a}", 'm{a="b}', 'm{a=~"("}', 'm{a="b" b="c"}'])
def test_a_selector_that_is_not_understood_is_said(selector: str) -> None:
    with pytest.raises(ValueError, match=r"not understood|no regular expression"):
        Series(selector)


@pytest.mark.parametrize("text", ["", "# TYPE http_requests_total counter\n", "up 1\n"])
def test_no_series_yet_is_nothing_said_and_not_zero(text: str) -> None:
    found = of(text)
    assert (found.requests, found.failed, found.timed) == (None, None, None)
    assert found.kinds == {} and found.buckets == {}


def test_series_of_other_labels_are_none_of_these() -> None:
    found = of('http_requests_total{route="/health",status="200"} 7\n')
    assert (found.requests, found.failed) == (0, 0)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_number_is_nothing_said(value: str) -> None:
    assert of(TEXT.replace("90", value, 1)).requests is None
    assert of(TEXT.replace("} 10\n", f"}} {value}\n", 1)).failed is None
    assert of(TEXT.replace('le="1"} 100', f'le="1"}} {value}', 1)).timed is None


def test_failures_that_are_no_number_beside_good_requests_are_nothing_said() -> None:
    metrics = Metrics(targets=TARGETS, requests="requests_total", errors="errors_total")
    found = of("requests_total 100\nerrors_total NaN\n", metrics)
    assert (found.requests, found.failed) == (100, None)
    both = of("requests_total 100\nerrors_total +Inf\nerrors_total{a='b'} -Inf\n".replace("'", '"'), metrics)
    assert both.failed is None


def test_errors_may_be_a_counter_of_their_own() -> None:
    metrics = Metrics(targets=TARGETS, requests="requests_total", errors="errors_total")
    found = of('requests_total{route="/a"} 100\nerrors_total{route="/a",why="db"} 3\n', metrics)
    assert (found.requests, found.failed) == (100, 3)


def test_a_summary_is_no_histogram() -> None:
    found = of('# TYPE http_seconds summary\nhttp_seconds{quantile="0.95"} 0.2\nhttp_seconds_count 5\n')
    assert (found.timed, found.buckets) == (None, {})


def test_a_histogram_of_several_series_is_added_up() -> None:
    text = "".join(
        f'http_seconds_bucket{{route="{route}",le="{le}"}} {count}\n'
        for route, counts in {"/a": (1, 2, 3), "/b": (10, 20, 30)}.items()
        for le, count in zip(("0.1", "1.0", "+Inf"), counts, strict=True)
    )
    found = of(text)
    assert (found.timed, found.buckets) == (33, {0.1: 11, 1.0: 22})


def test_a_histogram_without_infinity_counts_up_to_its_largest_bound() -> None:
    found = of('http_seconds_bucket{le="0.1"} 4\nhttp_seconds_bucket{le="1"} 9\n')
    assert (found.timed, found.buckets) == (9, {0.1: 4, 1.0: 9})


@pytest.mark.parametrize("kind", ["gauge", "untyped"])
def test_what_a_service_calls_its_counter_does_not_matter(kind: str) -> None:
    found = of(f'# TYPE http_requests_total {kind}\nhttp_requests_total{{route="/items",status="500"}} 7\n')
    assert (found.requests, found.failed) == (7, 7)


def test_how_an_answer_went_is_no_kind_of_request() -> None:
    metrics = Metrics(targets=TARGETS, requests="rpc_total", errors='rpc_total{verdict="bad"}')
    found = of(
        'rpc_total{op="put",verdict="good",code="0"} 8\nrpc_total{op="put",verdict="bad",code="2"} 2\n'
        'rpc_total{op="get",verdict="good",code="0"} 5\n',
        metrics,
    )
    assert found.kinds == {"put": (10, 2), "get": (5, 0)}


def test_errors_of_workflows_are_a_counter_beside() -> None:
    assert of('workflow_errors_total{workflow="a"} 4\n', errors="workflow_errors_total").errors == 4
    assert of("up 1\n", errors="workflow_errors_total").errors is None


@pytest.mark.parametrize("text", ["<html>no metrics</html>", "http_requests_total{ 1", "a b c d e"])
def test_what_is_no_exposition_is_an_error_and_not_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        of(text)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=6))
def test_no_values_make_a_count_that_is_no_number(values: list[float]) -> None:
    samples = [
        Sample("http_requests_total", {"route": "/items", "status": str(500 + number)}, value)
        for number, value in enumerate(values)
    ]
    found = counted(samples, METRICS)
    told = [found.requests, found.failed, *(value for both in found.kinds.values() for value in both)]
    assert all(value is None or math.isfinite(value) for value in told)
