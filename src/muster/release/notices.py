"""What people are told of a release: at its start, at each phase, when it is held, taken back or frozen, at its end.

Pure. Who hears of it is for the channels to say, by severity: a phase is for whoever follows the release, a rollback
for those who must look at it today, and what nobody can mend but a person for those who are woken.
"""

from __future__ import annotations

from muster.notices import Notice
from muster.release.record import Release

SOURCE = "release"
# Of each step of a release: the severity, and the state that it gives its notices.
STEPS: dict[str, tuple[str, str]] = {
    "begun": ("P4", "trigger"),
    "phase": ("P4", "trigger"),
    "held": ("P3", "trigger"),
    "frozen": ("P1", "trigger"),
    "failed": ("P1", "trigger"),
    "rolled back": ("P2", "trigger"),
    "stopped": ("P4", "resolve"),
    "released": ("P4", "resolve"),
}


def notice_of(release: Release, cluster: str, step: str, *, why: str = "", drill: str | None = None) -> Notice:
    """What is told of a step (one of `STEPS`); `cluster` is what the store calls the cluster, `drill` the drill that
    the release is part of, None where it is in earnest."""
    severity, state = STEPS[step]
    return Notice(
        key=f"release/{release.system}/{cluster}/{release.id}"[:255],
        state=state,
        severity=severity,
        system=release.system,
        cluster=cluster,
        title=_title(release, step, why),
        source=SOURCE,
        fields={
            "release": release.release,
            "version": release.version,
            "phase": release.phase,
            "share": release.share.possible,
            "why": why or release.why,
            "by": release.by,
            "roles": release.roles,
        },
        drill=drill,
        step="" if step == "begun" else f"{step} {release.phase}"[:64],
    )


def _title(release: Release, step: str, why: str) -> str:
    share = f"{release.share.possible:.0%} of traffic"
    said = {
        "begun": f"{release.target} begins, by {release.by}",
        "phase": f"{release.target}: phase {release.phase} begins",
        "held": f"{release.target} is held at {share} ({release.phase}): {why}",
        "frozen": f"{release.target} is frozen at {share}, somebody must decide: {why}",
        "failed": f"{release.target} could not be taken back to its end: {why}",
        "rolled back": f"{release.target} was rolled back: {why}",
        "stopped": f"{release.target} stops after phase {release.phase}, with {share}",
        "released": f"{release.target} is released: the new version is everywhere",
    }
    return said[step][:400]
