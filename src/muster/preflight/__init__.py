"""What a drill will need, looked at before anything is deployed, loaded or struck: `muster check`, and every session.

Belongs here: small checks, each of which looks at one thing, says in a line what it saw, and how to mend what is wrong.
Which drills are meant is found out by pytest: see `muster.plugin.checking`. What must hold at the very moment of a
strike is asked again by the drill itself: see `muster.safety`.

    finding    what a check says, and the whole report (`muster/check/v1`)
    subject    what is checked: the system, the drills that are meant, the cluster if there is one
    running    all checks side by side, each within its limit
    checks     which checks there are, what each asks, how long it may take
    programs   programs, packages and their versions
    allowed    the cluster, its limits and levers, rights, Lease, records, guardian
    service    address, certificate, probes, the ledger's round trip
    judging    what the objectives of a drill take of its load
    capacity   whether what drills restart and add finds room on the nodes
    watching   the alerts that drills wait for, and their stop conditions
"""

from muster.preflight.checks import CHECKS, COSTLESS, checks_for
from muster.preflight.finding import Finding, Report, outcome_of
from muster.preflight.running import run_checks
from muster.preflight.subject import PlannedDrill, Subject

__all__ = [
    "CHECKS",
    "COSTLESS",
    "Finding",
    "PlannedDrill",
    "Report",
    "Subject",
    "checks_for",
    "outcome_of",
    "run_checks",
]
