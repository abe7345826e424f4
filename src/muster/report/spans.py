"""A drill as OpenTelemetry spans: the drill, its phases in it, the steps of its procedures in those. Pure.

What was seen at a moment (steady, landed, good again, a pod) is an event of the span that it fell into.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from allure_commons.model2 import Status, TestStepResult

from muster.report.allure.steps import steps_of
from muster.report.allure.tale import Tale
from muster.verdict import Verdict

FINE = (Status.PASSED, Status.SKIPPED)


@dataclass(frozen=True)
class Span:
    """Something that took time; `start_ms` and `end_ms` are milliseconds since 1970. `events` are (ms, what)."""

    name: str
    start_ms: int
    end_ms: int
    fine: bool
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[tuple[int, str], ...] = ()
    children: tuple[Span, ...] = ()


def span_of(tale: Tale, about: Mapping[str, Any]) -> Span | None:
    """The spans of a drill; `about` are attributes of its run. None where its timeline cannot be read."""
    if not tale.events or not tale.epoch_ms(tale.began):
        return None
    *phases, _ = steps_of(tale)  # the last are the verdict's parts, which are attributes here
    entry = tale.entry
    told = {
        "muster.drill": entry.name,
        "muster.severity": entry.severity,
        "muster.fault": entry.fault.experiment if entry.fault else None,
        "muster.procedure": entry.procedure,
        "muster.verdict": str(entry.verdict),
        "muster.why": entry.why,
        "muster.recovered_by": entry.recovered_by,
        "muster.rto_s": entry.rto.value_s,
        "muster.rto_budget_s": entry.rto.budget_s,
        "muster.rpo_s": entry.rpo.value_s,
        "muster.lost_writes": entry.rpo.lost_writes,
        **about,
    }
    return Span(
        name=f"drill {entry.name}",
        start_ms=tale.epoch_ms(tale.began),
        end_ms=tale.epoch_ms(tale.ended),
        fine=entry.verdict is Verdict.MET,
        attributes={key: value for key, value in told.items() if value is not None},
        children=tuple(_span(step) for step in phases),
    )


def _span(step: TestStepResult) -> Span:
    inside = list(step.steps)
    return Span(
        name=_short(str(step.name)),
        start_ms=int(step.start),
        end_ms=int(step.stop),
        fine=step.status in FINE,
        attributes={"muster.step": str(step.name)},
        events=tuple((int(one.start), str(one.name)) for one in inside if one.start == one.stop),
        children=tuple(_span(one) for one in inside if one.start != one.stop),
    )


def _short(name: str) -> str:
    """A span's name says what kind of thing it is, so that those of many drills can be compared."""
    return name.partition(":")[0]


def walk(span: Span) -> Iterator[Span]:
    """A span and all in it."""
    yield span
    for child in span.children:
        yield from walk(child)
