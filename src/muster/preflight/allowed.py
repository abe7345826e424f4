"""The cluster, and what somebody forbids, holds or has left in it."""

from __future__ import annotations

from collections.abc import Callable

from muster.base.clock import utc
from muster.base.errors import RefusedError
from muster.drill.needs import rights_of_drill
from muster.guardian import check_allowed
from muster.guardian.post import HOME as GUARD_HOME
from muster.guardian.post import NAME as GUARD
from muster.guardian.post import who_guards
from muster.preflight.finding import Result, failed, fine, unknown
from muster.preflight.subject import Subject
from muster.safety import check_nothing_open, check_target
from muster.safety.locks import find_tenure
from muster.safety.rights import Right, is_forbidden, missing_rights

GUARD_MEND = "have muster guard run there: --in-cluster as a pod, with the Role of ci/rbac/guardian.yaml"


def answers(subject: Subject) -> Result:
    """Whether the API server answers, and which it is."""
    cluster = subject.there
    return fine(f"{cluster.version()} at {cluster.server}, context '{cluster.context}'")


def target(subject: Subject) -> Result:
    """Whether the namespace may be struck, and now: opted in, not protected, an allowed hour."""
    cluster, namespace = subject.there, subject.namespace
    for refused in subject.limits.refusals(cluster.context, cluster.server, namespace, moment=utc()):
        return _refused(refused, "wait for an hour that safety.yaml allows")
    return _passing(
        lambda: check_target(cluster, namespace), f"namespace '{namespace}' is opted in, and no limit forbids it now"
    )


def levers(subject: Subject) -> Result:
    """Whether somebody forbids drills."""
    return _passing(
        lambda: check_allowed(subject.there, subject.namespace, subject.home), "nobody forbids drills (muster stop)"
    )


def records(subject: Subject) -> Result:
    """Whether a fault is in force, or a procedure was left in its middle."""
    return _passing(
        lambda: check_nothing_open(subject.there, subject.namespace), "no fault and no procedure is on record"
    )


def lease(subject: Subject) -> Result:
    """Whether another drill is at work."""
    tenure = find_tenure(subject.there, subject.namespace)
    if tenure is None:
        return fine("nobody holds the namespace")
    if tenure.has_run_out:
        return fine(f"the Lease of {tenure.holder} has run out, and will be taken over")
    return failed(
        f"another drill is at work in namespace '{subject.namespace}': {tenure.holder}, since {tenure.since}",
        f"wait for its end; should it be dead, the Lease runs out {tenure.duration_s:g} s after {tenure.renewed}",
    )


def rights(subject: Subject) -> Result:
    """Whether whoever asks may do all that the drills will have to."""
    cluster = subject.there
    context = subject.context(cluster)
    wanted = {one: rights_of_drill(context, one.experiment, one.procedure) for one in subject.drills}
    asked = frozenset[Right]().union(*wanted.values())
    if not asked:
        return unknown("no drill is meant, so nobody knows what would be needed", "name the drills")
    missing = set(missing_rights(cluster, subject.namespace, asked))
    if not missing:
        return fine(f"all {len(asked)} rights that the drills need in namespace '{subject.namespace}' are given")
    lacking = tuple(one.nodeid for one, needed in wanted.items() if needed & missing)
    return failed(
        f"rights are missing in namespace '{subject.namespace}': {', '.join(map(str, sorted(missing)))}",
        "have them granted by a Role (ci/rbac has those of the reference system's drills and procedures)",
        drills=() if len(lacking) == len(subject.drills) else lacking,
    )


def guard(subject: Subject) -> Result:
    """Whether a guardian watches over the cluster for the day when this machine is lost."""
    if holder := who_guards(subject.there, GUARD_HOME):
        return fine(f"muster guard on {holder} takes faults back should this machine be lost")
    try:
        subject.there.find("Lease", GUARD, GUARD_HOME)
    except Exception as error:
        if is_forbidden(error):
            return fine(f"whether muster guard runs here may not be seen (get Lease {GUARD} in '{GUARD_HOME}')")
        raise
    return fine("no muster guard runs here: should this machine be lost, a fault stays until muster undo", GUARD_MEND)


def absent(subject: Subject) -> Result:
    """Why no cluster is asked, and how one is named."""
    return unknown(
        f"{subject.absent}: what only a cluster can tell was not looked at",
        "name one with --kube-context, or start one with muster up",
    )


def _passing(check: Callable[[], None], well: str) -> Result:
    try:
        check()
    except RefusedError as error:
        return _refused(str(error), "see docs/safety.md")
    return fine(well)


def _refused(sentence: str, otherwise: str) -> Result:
    """A refusal, whose last part says what would be right."""
    seen, mark, mend = sentence.removeprefix("refused: ").rpartition("; ")
    return failed(seen if mark else mend, mend if mark else otherwise)
