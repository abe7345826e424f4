"""Ranking by cause: which finding explains which, and how severe each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from muster.checks.check import Finding, Harm
from muster.checks.seen import Seen, moment
from muster.checks.system.own import struck_by
from muster.checks.traffic.services import services_behind
from muster.diagnosis.graph import Graph
from muster.snapshot import Ref

SEVERITIES = ("P1", "P2", "P3", "P4")
# What holds many things up stands before what holds one up.
_PASSED_THROUGH = ("Service", "Deployment", "StatefulSet", "DaemonSet")  # what works can still lead to what does not
_FIRST = ("Fault", "Node", "Namespace")


class Placed(NamedTuple):
    """A finding, how severe it is, and the places of those that it follows from."""

    finding: Finding
    severity: str
    follows_from: tuple[int, ...]


def rank(seen: Seen, findings: Sequence[Finding]) -> list[Placed]:
    """Findings in their order: causes first, the most severe first, then by what they explain; then what follows."""
    merged = _one_each(findings)
    graph = Graph(seen)
    above = _explained(seen, graph, merged)
    below = _all_below(above)
    severity = {}
    for place, finding in enumerate(merged):
        own = [_severity(seen, finding), *(_severity(seen, merged[other]) for other in below[place])]
        severity[place] = min(own)
    depth = _depths(above)

    def key(place: int) -> tuple[object, ...]:
        finding = merged[place]
        return (
            depth[place],
            severity[place],
            finding.ref.kind not in _FIRST,
            -len(below[place]),
            finding.since or "9",
            finding.ref,
        )

    order = sorted(range(len(merged)), key=key)
    position = {place: number for number, place in enumerate(order)}
    return [
        Placed(merged[place], severity[place], tuple(sorted(position[other] for other in above[place])))
        for place in order
    ]


def _one_each(findings: Sequence[Finding]) -> list[Finding]:
    """One finding an object: what another check says of it too becomes evidence."""
    found: dict[Ref, Finding] = {}
    for finding in findings:
        first = found.get(finding.ref)
        if first is None:
            found[finding.ref] = finding
            continue
        more = tuple(
            one for one in (finding.reason, *finding.evidence) if one not in first.evidence and one != first.reason
        )
        found[finding.ref] = replace(
            first,
            evidence=(*first.evidence, *more),
            relies_on=tuple(dict.fromkeys((*first.relies_on, *finding.relies_on))),
            harm=max(first.harm, finding.harm),
            severity=min((one for one in (first.severity, finding.severity) if one), default=""),
            since=min((one for one in (first.since, finding.since) if one), default=""),
        )
    return list(found.values())


def _explained(seen: Seen, graph: Graph, findings: Sequence[Finding]) -> list[set[int]]:
    """For each finding those that it follows from directly."""
    place = {finding.ref: number for number, finding in enumerate(findings)}
    above = [set[int]() for _ in findings]
    for number, finding in enumerate(findings):
        relied = [*finding.relies_on, *(graph.relies_on(finding.ref) if finding.open_cause else ())]
        for ref in _through(graph, relied, place):
            if place[ref] != number:
                above[number].add(place[ref])
    _break_circles(above)
    _below_faults(seen, findings, above)
    return above


def _below_faults(seen: Seen, findings: Sequence[Finding], above: list[set[int]]) -> None:
    """What a drill's fault in force explains: whatever is wrong with what it changes, or began with it or later in its
    namespace, and is explained by nothing else."""
    for place, fault in enumerate(findings):
        if fault.ref.kind != "Fault":
            continue
        struck = set(struck_by(seen, fault.ref))
        for number, finding in enumerate(findings):
            if finding.ref.kind == "Fault" or above[number]:
                continue
            same = finding.ref.namespace == fault.ref.namespace
            later = same and moment(finding.since or fault.since) >= moment(fault.since)
            if later or finding.ref in struck or _owner(seen, finding.ref) in struck:
                above[number].add(place)


def _owner(seen: Seen, ref: Ref) -> Ref:
    found = seen.find(ref)
    return seen.workload(found) if found else ref


def _through(graph: Graph, relied: Sequence[Ref], place: dict[Ref, int]) -> set[Ref]:
    """The nearest objects with a finding, through those that have none."""
    found, todo, been = set[Ref](), list(relied), set[Ref]()
    while todo:
        ref = todo.pop()
        if ref in been:
            continue
        been.add(ref)
        if ref in place:
            found.add(ref)
        elif ref.kind in _PASSED_THROUGH:
            todo += graph.relies_on(ref)
    return found


def _break_circles(above: list[set[int]]) -> None:
    """Where two explain each other neither does; the first that was found stands above."""
    for number in range(len(above)):
        for other in sorted(above[number]):
            if number in _reach(above, other):
                above[number].discard(other)


def _reach(above: Sequence[set[int]], start: int) -> set[int]:
    found, todo = set[int](), [start]
    while todo:
        for other in above[todo.pop()]:
            if other not in found:
                found.add(other)
                todo.append(other)
    return found


def _all_below(above: Sequence[set[int]]) -> list[set[int]]:
    below = [set[int]() for _ in above]
    for number in range(len(above)):
        for other in _reach(above, number):
            below[other].add(number)
    return below


def _depths(above: Sequence[set[int]]) -> dict[int, int]:
    known: dict[int, int] = {}

    def depth(number: int) -> int:
        if number not in known:
            known[number] = 1 + max((depth(other) for other in above[number]), default=-1)
        return known[number]

    return {number: depth(number) for number in range(len(above))}


def _severity(seen: Seen, finding: Finding) -> str:
    """How severe a finding is for itself: docs/diagnosis.md has the rule."""
    if finding.severity:
        return finding.severity
    if finding.harm is Harm.NONE:
        return "P3" if finding.ref.kind == "HorizontalPodAutoscaler" else "P4"
    if finding.harm is Harm.PART:
        return "P3"
    if finding.ref.kind in ("Ingress", "Database"):
        return "P1"
    if finding.ref.kind == "Service" and _is_front(seen, finding.ref):
        return "P1"
    return "P2"


def _is_front(seen: Seen, ref: Ref) -> bool:
    """Whether clients come in by a Service."""
    own = seen.system
    if own:
        return (ref.namespace, ref.name) == (own.get("namespace"), (own.get("service") or {}).get("name"))
    spec = (seen.find(ref) or {}).get("spec") or {}
    behind = (ref in services_behind(item) for item in seen.of("Ingress", ref.namespace))
    return spec.get("type") in ("LoadBalancer", "NodePort") or any(behind)
