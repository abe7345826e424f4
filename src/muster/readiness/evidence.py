"""What drills proved of the version that is to be released, and how old that is.

A drill's evidence is of the version that it was held against, of one kind (rehearsal or cluster), and holds for as long
as its cadence says. Evidence of another version, older than that, or of an unknown version is never fine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from muster.checks.seen import moment
from muster.history.cadence import due
from muster.history.facts import DrillFacts
from muster.history.plan import Planned
from muster.history.words import age, figure
from muster.readiness.result import Checked, Result, finding, fine, unknown
from muster.readiness.subject import Subject
from muster.system.version import Comparison, SystemVersion, compare, version_from_json

MOST_DIFFERENCES = 6
HOLD = "muster run drills"


def drills(subject: Subject) -> Iterator[Checked]:
    """A check for each drill that is planned, by its name."""
    if not subject.held.plan:
        why = subject.held.why or "no drill is planned (drills/, or --plan)"
        yield Checked("drills", unknown(f"nobody knows which drills are to be held: {why}"))
        return
    versions = _versions(subject.held.versions)
    for planned in subject.held.plan.values():
        yield Checked(planned.name, _result(subject, planned, versions))


def _versions(kept: Mapping[str, Mapping[str, Any]]) -> dict[str, SystemVersion]:
    """The versions on record, without those that were changed since, or that nobody can read: they are unknown."""
    found = {}
    for key, content in kept.items():
        try:
            found[key] = version_from_json(content)
        except ValueError:
            continue
    return found


def _result(subject: Subject, planned: Planned, versions: Mapping[str, SystemVersion]) -> Result:
    hold = f"{HOLD} -k {planned.name}"
    system = str(subject.snapshot.system.get("name") or "")
    every = [one for one in subject.held.drills if one.name == planned.name and one.system == system]
    held = [one for one in every if one.evidence == subject.evidence]
    proved = [one for one in held if one.conclusive]
    if not proved:
        return finding(_never(subject, every, held), mend=hold)
    wanted = subject.version
    if isinstance(wanted, str):
        return unknown(f"{_figures(subject, proved[-1])}; of which version is not known here: {wanted}")
    compared = [(one, compare(versions.get(one.version or ""), wanted)) for one in proved]
    same = [one for one, found in compared if found.same]
    if not same:
        return _of_another(subject, *compared[-1], hold=hold)
    return _judged(subject, planned, _worst_of_latest_run(same), hold)


def _never(subject: Subject, every: Sequence[DrillFacts], held: Sequence[DrillFacts]) -> str:
    """Why there is no evidence of a drill."""
    where = "a cluster" if subject.evidence == "cluster" else "the embedded cluster"
    if held:
        latest = held[-1]
        return f"proved nothing yet on {where}: unknown {_ago(subject, latest)} ago ({latest.why})"
    if every and not subject.embedded:
        return f"was never held on {where}; a rehearsal stands for none ({_figures(subject, every[-1])})"
    return f"was never held on {where}"


def _of_another(subject: Subject, drill: DrillFacts, found: Comparison, *, hold: str) -> Result:
    """The newest evidence is of another version, or nobody knows of which."""
    said = _figures(subject, drill)
    if found.differs:
        return finding(f"{said}; of another version: {found.differs[0]}", *found.differs[1:MOST_DIFFERENCES], mend=hold)
    return unknown(f"{said}; {found.unknown[0] if found.unknown else 'of an unknown version'}", mend=hold)


def _worst_of_latest_run(same: Sequence[DrillFacts]) -> DrillFacts:
    """Of the latest run that proved anything of this version; where it repeated the drill, a missed repetition."""
    latest = [one for one in same if one.run == same[-1].run]
    return next((one for one in latest if one.verdict == "missed"), latest[-1])


def _judged(subject: Subject, planned: Planned, drill: DrillFacts, hold: str) -> Result:
    said = _figures(subject, drill)
    if drill.verdict == "missed":
        return finding(f"{said}: {drill.why}", mend=hold)
    allowed, measured = planned.budget_s, drill.rto_high_s or drill.rto_value_s
    if allowed is not None and measured is not None and measured > allowed:
        return finding(f"{said}; today's budget is {allowed:g} s", mend=hold)
    when = due(planned.cadence, moment(drill.at), subject.now)
    if when.overdue:
        return finding(f"{said}; older than its cadence ({planned.cadence})", mend=hold)
    return fine(said)


def _figures(subject: Subject, drill: DrillFacts) -> str:
    """`met 3 d ago, RTO 2.1 s of 30 s, RPO 0 s, 0 of 355 lost`."""
    parts = [f"{drill.verdict} {_ago(subject, drill)} ago"]
    limit = drill.rto_budget_s if drill.rto_budget_s is not None else drill.rto_target_s
    if drill.rto_value_s is not None:
        parts.append(f"RTO {figure(drill.rto_value_s)} s" + (f" of {limit:g} s" if limit is not None else ""))
    if drill.rpo_value_s is not None:
        parts.append(f"RPO {figure(drill.rpo_value_s)} s")
    if drill.lost_writes is not None:
        parts.append(f"{drill.lost_writes} of {drill.acknowledged_writes} lost")
    return ", ".join(parts)


def _ago(subject: Subject, drill: DrillFacts) -> str:
    return age(subject.now - moment(drill.at))
