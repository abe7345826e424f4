"""How the release stands where it runs: that it is this version, its health, its agents, what people say of it."""

from __future__ import annotations

from collections.abc import Iterator

from muster.checks.registry import find_checks
from muster.diagnosis import diagnose
from muster.gate.statement import Evidence
from muster.gate.subject import Found, Subject
from muster.probes.answers.content import values_at
from muster.release.record import ENDED
from muster.system.acceptance import AllAgents
from muster.system.version import compare

MOST = 6


def version(subject: Subject) -> Found:
    """What the cluster runs is this release, by content: else all else is evidence of another one."""
    if isinstance(subject.running, str):
        return Found("unknown", f"what runs could not be seen: {subject.running}")
    found = compare(subject.running, subject.wanted)
    if found.differs:
        return Found("missed", f"the cluster runs another version: {found.differs[0]}", found.differs[1:MOST])
    if found.unknown or subject.wanted.id is None:
        unknown = (*found.unknown, *subject.wanted.unknown)
        return Found("unknown", f"whether the cluster runs it is not known: {unknown[0]}", tuple(unknown[1:MOST]))
    count = len(subject.wanted.images)
    return Found("met", f"the cluster runs version {subject.wanted.short}", (f"{count} containers by digest",))


def health(subject: Subject) -> Found:
    """`muster diagnose` finds nothing, and sees everything."""
    diagnosis = diagnose(subject.snapshot, find_checks((), subject.snapshot.system))
    causes = [f"{one.severity} {one.ref}: {one.finding.reason}" for one in diagnosis.causes]
    unseen = [f"{one.what}: {one.why}" for one in diagnosis.unknown]
    if causes:
        return Found("missed", causes[0], (*causes[1:MOST], *unseen[:MOST]))
    if unseen:
        return Found("unknown", f"nothing found, but not all was seen: {unseen[0]}", tuple(unseen[1:MOST]))
    return Found("met", "muster diagnose finds nothing", (f"{len(subject.snapshot.objects)} objects looked at",))


def agents(subject: Subject) -> Found | None:
    """Every agent is at work, as each instance of the service says."""
    told, wanted = subject.system.operations.agents, subject.system.release.acceptance.agents
    if told is None and wanted is None:
        return None
    said = subject.snapshot.answers.get("status") or {}
    documents = said.get("documents") or []
    if not documents:
        unseen = next((one.why for one in subject.snapshot.missing if one.what == "status"), "")
        return Found("unknown", f"no instance says how many there are: {unseen or said.get('why') or 'none was asked'}")
    if said.get("incomplete"):
        return Found("missed", f"not all agents are at work: {said['incomplete']}")
    if wanted is None:
        return Found("met", f"{len(documents)} answers say that all agents are there")
    return _counted(documents, wanted)


def _counted(documents: list[object], wanted: AllAgents) -> Found:
    counts = [(_number(one, wanted.available), _number(one, wanted.total)) for one in documents]
    if any(None in pair for pair in counts):
        return Found("unknown", f"an answer to status lacks {wanted.available} or {wanted.total}")
    lines = tuple(dict.fromkeys(f"{available} of {total} agents at work" for available, total in counts))
    all_there = f"{wanted.count} of {wanted.count} agents at work"
    if short := [line for line in lines if line != all_there]:
        return Found("missed", f"{short[0]}, and {wanted.count} are wanted", lines)
    return Found("met", all_there, (f"so say {len(documents)} answers",))


def _number(document: object, path: str) -> int | None:
    found = values_at(document, path)
    return int(found[0]) if len(found) == 1 and isinstance(found[0], int | float) else None


def rollout(subject: Subject) -> Found | None:
    """How it was brought out here, where `muster deploy` did."""
    record = subject.record
    if record is None or record.version != subject.brought:
        return None
    shares = f"state {record.state}, phase {record.phase}, time scale {record.time_scale:g}"
    source, at = f"ConfigMap muster-release, {record.id}", record.ended or record.began
    scaled = record.time_scale != 1 or record.evidence == "rehearsal"
    evidence: Evidence = "rehearsal" if scaled else "cluster"
    if record.state == "released":
        return Found("met", "brought out through all phases", (shares,), at, source, evidence)
    if record.state in ENDED:
        why = record.events[-1].what if record.events else record.state
        return Found("missed", f"it was {record.state} here: {why}", (shares,), at, source, evidence)
    return Found("unknown", f"it is being brought out: {record.state}", (shares,), at, source, evidence)


def manual(subject: Subject) -> Iterator[tuple[str, Found]]:
    """What only people can say: the last answer to each question, of this very version."""
    for name, question in subject.system.release.acceptance.manual.items():
        given = [one for one in subject.proven.answers if one.question == name]
        if not given:
            yield name, Found("unknown", f"nobody has answered: {question}", evidence="person")
            continue
        last = given[-1]
        why, lines = f"{last.said}, says {last.by}: {last.why}", (question,)
        yield name, Found("met" if last.said == "yes" else "missed", why, lines, last.at, "the store", "person")
