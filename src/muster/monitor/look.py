"""What one look shows: what is wrong, what could not be seen, and the figures that go with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from muster.checks.check import Check
from muster.checks.registry import checks
from muster.checks.run import run_checks
from muster.checks.seen import Seen
from muster.checks.system.own import faults
from muster.diagnosis import diagnose
from muster.diagnosis.diagnosis import Cause, Diagnosis
from muster.snapshot import Ref, Snapshot

BLIND = "cannot be seen"
# What is told of by whoever does it, or is what the monitor itself would tell of.
QUIET = ("Fault", "Procedure", "Alert")
STATES = ("fine", "finding", "unknown")


@dataclass(frozen=True)
class Sighting:
    """Something that is wrong. `explained`: it follows from something else, which is told in its place."""

    severity: str
    title: str
    detail: str
    explained: bool = False
    cause: str = ""  # the object, as incidents name their cause
    check: str = ""


@dataclass(frozen=True)
class Look:
    """One look at a system.

    `wrong` holds what is wrong by its key, an object's name. Of one that is not there `sees` tells whether that says it
    is well: not where a check that had found it wrong could not look. `states` is each check's: fine, finding, unknown.
    `asked` and `failed` count the requests that were made of the service as a client's, None where nobody could ask;
    `drill` is the experiment whose fault is in force.
    """

    at: str
    wrong: Mapping[str, Sighting]
    states: Mapping[str, str]
    unseen: Sequence[str] = ()
    asked: int | None = None
    failed: int | None = None
    drill: str | None = None
    diagnosis: Diagnosis | None = None
    _blind: frozenset[str] = field(default_factory=frozenset)

    def sees(self, found_by: Iterable[str]) -> bool:
        """Whether the absence of what these checks found says that it is well."""
        return self._blind.isdisjoint(found_by)


def look_at(snapshot: Snapshot, chosen: Sequence[Check] | None = None) -> Look:
    """What a snapshot shows.

    Raises:
        UsageError: a check that a package offers cannot be loaded.
    """
    seen = Seen(snapshot)
    looked = checks(snapshot.system) if chosen is None else list(chosen)
    diagnosis = diagnose(snapshot, looked)
    states = _states(seen, looked)
    wrong = {named(one.ref): _sighting(one, diagnosis) for one in diagnosis.causes if one.ref.kind not in QUIET}
    blind = frozenset(name for name, state in states.items() if state == "unknown")
    unseen = [f"{one.what}: {one.why}" for one in diagnosis.unknown]
    if any(missing.what == "cluster" for missing in snapshot.missing):
        wrong[f"{BLIND}: cluster"] = Sighting("P2", "the cluster does not answer", unseen[0] if unseen else "")
    elif blind:
        which = ", ".join(sorted(blind))
        wrong[f"{BLIND}: checks"] = Sighting("P4", f"checks that see nothing: {which}"[:200], "\n".join(unseen[:8]))
    said = snapshot.answers.get("service")
    return Look(
        at=snapshot.taken,
        wrong=wrong,
        states=states,
        unseen=unseen,
        asked=said.get("asked") if isinstance(said, dict) else None,
        failed=len(said.get("troubles") or []) if isinstance(said, dict) else None,
        drill=next((one.ref.name for one in faults(seen)), None),
        diagnosis=diagnosis,
        _blind=blind,
    )


def _states(seen: Seen, looked: Iterable[Check]) -> dict[str, str]:
    """Each check by itself: one that could not see all says so of its own findings alone."""
    found = {}
    for check in looked:
        said = run_checks(seen, [check])
        found[check.name] = "unknown" if said.unknown else "finding" if said.findings else "fine"
    return found


def _sighting(cause: Cause, diagnosis: Diagnosis) -> Sighting:
    """What follows from a drill's fault alone is told: somebody is to be told in a drill, too."""
    told = [one for one in cause.follows_from if diagnosis.causes[one].ref.kind not in QUIET]
    return Sighting(
        severity=cause.severity,
        title=f"{cause.ref}: {cause.finding.reason}",
        detail="\n".join(cause.evidence),
        explained=bool(told),
        cause=f"{cause.ref.kind}/{cause.ref.name}",
        check=cause.finding.check,
    )


def named(ref: Ref) -> str:
    """By what an object is known again in the store."""
    return "/".join(part for part in ref[1:2] + ref[:1] + ref[2:] if part)[:255]
