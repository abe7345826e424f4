"""Whether a system is ready for a release: eight categories, each of several checks, and one answer.

Belongs here: what a release needs of a system beside what `muster.checks` finds wrong with it, whether that is there,
and how it is told. What is asked of the cluster is asked once, with the snapshot (`asking`); every check is a pure
function of what came of it. What holds a release back does not belong here: `muster ready` only says.

    asking      what is asked beside the snapshot: version, rights, room, traffic, leases, backups, error budget
    subject     all that checks look at
    result      what a check says, and the whole report (`muster/readiness/v1`)
    registered  the checks of `muster.checks`, as part of a category
    standing    cluster and permissions, workloads, configuration, monitoring
    rollback    the way back: revisions, room, traffic, backups, nothing under way
    evidence    what drills proved of this very version, and how old that is
    budget      what is left of error budgets
    assessing   all of them together
    text        the report for people
"""

from muster.readiness.assessing import assess
from muster.readiness.result import Readiness
from muster.readiness.subject import Held, Subject

__all__ = ["Held", "Readiness", "Subject", "assess"]
