"""From a snapshot to its diagnosis: a pure function."""

from __future__ import annotations

from collections.abc import Sequence

from muster.checks.check import Check, Unknown
from muster.checks.registry import checks
from muster.checks.run import run_checks
from muster.checks.seen import Seen
from muster.checks.workloads.errors import errors_said
from muster.diagnosis.changes import recent_changes
from muster.diagnosis.diagnosis import Cause, Diagnosis
from muster.diagnosis.rank import Placed, rank
from muster.diagnosis.remedies import remedies
from muster.snapshot import Snapshot

MOST_EVIDENCE = 8


def diagnose(snapshot: Snapshot, chosen: Sequence[Check] | None = None) -> Diagnosis:
    """What is wrong in a snapshot, what explains others first.

    Raises:
        UsageError: an offered check cannot be loaded.
    """
    seen = Seen(snapshot)
    said = run_checks(seen, checks(snapshot.system) if chosen is None else chosen)
    placed = rank(seen, said.findings)
    mends = remedies(seen, placed)
    causes = tuple(
        Cause(one.finding, one.severity, one.follows_from, _evidence(seen, one), mends[number])
        for number, one in enumerate(placed)
    )
    unseen = [Unknown(missing.what, missing.why) for missing in snapshot.missing]
    return Diagnosis(snapshot.namespace, snapshot.taken, causes, (*unseen, *said.unknown))


def _evidence(seen: Seen, one: Placed) -> tuple[str, ...]:
    """What shows a finding; of a cause also what was changed before it, and what its programs log."""
    shown = list(one.finding.evidence)
    if not one.follows_from:
        said = errors_said(seen, one.finding.ref)
        known = " ".join([one.finding.reason, *shown])
        shown += [*recent_changes(seen, one.finding), *(text for text in said if text.partition(": ")[2] not in known)]
    return tuple(dict.fromkeys(shown))[:MOST_EVIDENCE]
