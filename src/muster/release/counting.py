"""What pods have counted: their own metrics, or what a Prometheus knows of them, by the selectors of system.yaml.

Pure but for `read_text`: what a selector takes of what a pod exposes (Prometheus' text format 0.0.4).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from muster.system.metrics import Metrics, Selector, selector

_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"n": "\n", "t": "\t", "r": "\r"}

# Labels that tell how a request was answered, and so are no part of what kind of request it was.
OF_ANSWERS = frozenset({"status", "code", "status_code", "http_status", "result", "outcome", "grpc_code"})


class Sample(NamedTuple):
    """One series at one time."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Counted:
    """What a pod has counted since it started: requests, those answered badly, both by kind, and answers by how long
    they took at most (`buckets`, seconds to count, without +Inf). None: it does not expose that."""

    requests: float | None = None
    failed: float | None = None
    kinds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    timed: float | None = None
    buckets: Mapping[float, float] = field(default_factory=dict)
    errors: float | None = None  # of workflows


class Series:
    """The series of a selector such as `http_requests_total{code=~"5.."}`."""

    def __init__(self, text: str) -> None:
        """Raises ValueError: it is no selector that can be looked at here."""
        self.selector: Selector = selector(text)
        self._matchers = list(_matchers(self.selector.matchers))
        for _, how, wanted in self._matchers:
            if how in ("=~", "!~"):
                _check_pattern(wanted)

    @property
    def labels(self) -> frozenset[str]:
        """The labels that it looks at."""
        return frozenset(label for label, _, _ in self._matchers)

    def takes(self, sample: Sample, suffix: str = "") -> bool:
        """Whether a sample is of it; `suffix` is what stands after the name in a histogram's series."""
        return sample.name == self.selector.name + suffix and all(
            _fits(sample.labels.get(label, ""), how, wanted) for label, how, wanted in self._matchers
        )


def read_text(text: str) -> list[Sample]:
    """The samples of an exposition.

    Raises:
        ValueError: it is none.
    """
    return [
        Sample(each.name, each.labels, float(each.value))
        for family in text_string_to_metric_families(text)
        for each in family.samples
    ]


def counted(samples: Iterable[Sample], metrics: Metrics, workflow_errors: str | None = None) -> Counted:
    """What the samples of one pod say. A sum that is no number is taken for nothing said."""
    held = list(samples)
    requests = _sum(held, metrics.requests)
    kinds = dict[str, tuple[float, float]]()
    failed = None
    if metrics.requests is not None and metrics.errors is not None and requests is not None:
        every, bad = Series(metrics.requests), Series(metrics.errors)
        apart = (bad.labels - every.labels) | OF_ANSWERS
        failed = _fsum(one.value for one in held if bad.takes(one))
        for one in held:
            if every.takes(one) and math.isfinite(one.value):
                kind = " ".join(value for label, value in sorted(one.labels.items()) if label not in apart)
                of_kind, of_bad = kinds.get(kind, (0.0, 0.0))
                kinds[kind] = (of_kind + one.value, of_bad + (one.value if bad.takes(one) else 0.0))
    timed, buckets = _timed(held, metrics.seconds)
    return Counted(requests, failed, kinds, timed, buckets, _sum(held, workflow_errors))


def _sum(samples: Iterable[Sample], text: str | None) -> float | None:
    if text is None:
        return None
    series = Series(text)
    named = any(one.name == series.selector.name for one in samples)
    return _fsum(one.value for one in samples if series.takes(one)) if named else None


def _fsum(values: Iterable[float]) -> float | None:
    """A sum; None where it is no number."""
    try:
        total = math.fsum(values)
    except (ValueError, OverflowError):
        return None
    return total if math.isfinite(total) else None


def _timed(samples: list[Sample], text: str | None) -> tuple[float | None, dict[float, float]]:
    if text is None:
        return None, {}
    series = Series(text)
    found = dict[float, float]()
    for one in samples:
        if series.takes(one, "_bucket") and "le" in one.labels:
            bound = float(one.labels["le"])
            found[bound] = found.get(bound, 0.0) + one.value
    if not found or any(not math.isfinite(value) for value in found.values()):
        return None, {}
    total = found.pop(math.inf, max(found.values()))
    return total, found


def _matchers(text: str) -> Iterator[tuple[str, str, str]]:
    at = 0
    while at < len(text):
        found = _MATCHER.match(text, at)
        if found is None:
            raise ValueError(f"'{text}' is not understood from '{text[at:]}' on")
        yield found[1], found[2], _ESCAPED.sub(lambda each: _MEANT.get(each[1], each[1]), found[3])
        at = found.end()


def _check_pattern(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"'{text}' is no regular expression: {error}") from None


def _fits(value: str, how: str, wanted: str) -> bool:
    if how in ("=", "!="):
        return (value == wanted) is (how == "=")
    return (re.fullmatch(wanted, value) is not None) is (how == "=~")
