"""The way back: whether what runs now can be gone back to, and nothing is in the way of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from muster.base.quantities import amount
from muster.checks.seen import labels, moment
from muster.history.words import age
from muster.preflight.capacity import requests_of
from muster.readiness.result import Result, finding, fine, not_applicable, unknown
from muster.readiness.subject import Subject, unheard
from muster.snapshot import ref_of
from muster.wire.names import PROCEDURE_RECORD_LABEL

NO_DATABASE = "the system has no database"
TRIED_WITHIN = timedelta(days=31)
# What a quota may count, and how much of it a pod is.
_COUNTED = ("pods", "requests.cpu", "cpu", "requests.memory", "memory")


def revisions(subject: Subject) -> Result:
    """The revision that runs is on record as a ReplicaSet, and earlier ones are kept to go back to."""
    subject.needs("Deployment", "ReplicaSet")
    found = subject.workloads("Deployment")
    if not found:
        return not_applicable("the system has no Deployment")
    lost, forgetful, earlier = list[str](), list[str](), 0
    for item in found:
        name, revision = item["metadata"]["name"], _revision(item)
        sets = subject.seen.of("ReplicaSet", subject.namespace)
        own = [_revision(one) for one in sets if subject.seen.workload(one) == ref_of(item)]
        if revision not in own:
            lost.append(name)
        if item["spec"].get("revisionHistoryLimit") == 0:
            forgetful.append(name)
        earlier += any(one != revision for one in own)
    if lost:
        return finding(
            f"no ReplicaSet of the present revision of Deployment {', '.join(lost)} is there",
            mend="wait until the controller has made it, or look: muster diagnose",
        )
    if forgetful:
        return finding(
            f"Deployment {', '.join(forgetful)} keeps no earlier revision (revisionHistoryLimit 0)",
            mend="leave revisionHistoryLimit out, or set it to 2 or more",
        )
    return fine(f"{len(found)} Deployments keep their revisions; {earlier} of them have an earlier one, too")


def _revision(item: dict[str, Any]) -> str:
    return str((item["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision") or "")


def images(subject: Subject) -> Result:
    """What is gone back to is known by content: a tag may be another image by then."""
    version = subject.running
    if isinstance(version, str):
        return unheard(version)
    lacking = [f"{one.name}: {one.why}" for one in version.images if one.digest is None]
    if lacking or not version.images:
        first = lacking[0] if lacking else "no images are known"
        return unknown(f"{first}{f' (and {len(lacking) - 1} more)' if len(lacking) > 1 else ''}")
    distinct = len({one.digest for one in version.images})
    return fine(f"{len(version.images)} containers run {distinct} images that are known by digest")


def room(subject: Subject) -> Result:
    """There is room for a second version beside the first."""
    if subject.embedded:
        return not_applicable("the embedded cluster counts no requests: its nodes are this machine")
    said = subject.heard("room")
    if said["unplaced"]:
        which = f"{said['unplaced']} of {said['pods']} pods of a second version"
        mend = "add nodes, or lower requests"
        return finding(f"{which} find no room on {said['nodes']} nodes, by their requests", mend=mend)
    return fine(f"a second version ({said['pods']} pods) finds room on {said['nodes']} nodes, by its requests")


def quota(subject: Subject) -> Result:
    """Quotas of the namespace let a second version in."""
    subject.needs("ResourceQuota", "Deployment")
    found = subject.seen.of("ResourceQuota", subject.namespace)
    if not found:
        return not_applicable("the namespace has no ResourceQuota")
    pods = [
        requests_of(item["spec"]["template"]["spec"])
        for item in subject.workloads("Deployment")
        for _ in range(int(item["spec"].get("replicas", 1)))
    ]
    cpu, memory = sum(one.cpu for one in pods), sum(one.memory for one in pods)
    needed = dict(zip(_COUNTED, (float(len(pods)), cpu, cpu, memory, memory), strict=True))
    for item in found:
        status = item.get("status") or {}
        hard, used = status.get("hard") or (item.get("spec") or {}).get("hard") or {}, status.get("used") or {}
        for what, more in needed.items():
            if what in hard and amount(used.get(what, 0)) + more > amount(hard[what]) + 1e-9:
                left = amount(hard[what]) - amount(used.get(what, 0))
                return finding(
                    f"ResourceQuota {item['metadata']['name']} has {left:g} of {what} left, and a second version takes "
                    f"{more:g}",
                    mend=f"raise {what} of the quota for the time of the release",
                )
    return fine(f"{len(found)} quotas have room for {len(pods)} pods more")


def disruption(subject: Subject) -> Result:
    """Disruption budgets keep enough pods, and let a node be drained."""
    subject.needs("PodDisruptionBudget", "Pod")
    found = subject.seen.of("PodDisruptionBudget", subject.namespace)
    if not found:
        return not_applicable("there is no PodDisruptionBudget: who drains a node may take pods of both versions")
    for item in found:
        selector = ((item.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
        status = item.get("status") or {}
        held = len(subject.seen.selected(subject.namespace, selector)) if selector else 0
        if held and status and not status.get("disruptionsAllowed"):
            return finding(
                f"{ref_of(item)} lets none of {held} pods be evicted now",
                mend="wait until its pods are ready, or lower minAvailable",
            )
    return fine(f"{len(found)} budgets let pods be evicted one after the other")


def traffic(subject: Subject) -> Result:
    """Clients can be shared between two versions, and led back at once."""
    said = subject.heard("traffic")
    coarse = [
        f"{wanted:.0%} becomes {possible:.0%}" for wanted, possible in said["shares"] if abs(wanted - possible) > 0.01
    ]
    what = f"by {said['way']}, for Deployment {said['serving']} of {said['replicas']} replicas"
    return fine(f"{what}: {', '.join(coarse)}" if coarse else what)


def backup(subject: Subject) -> Result:
    """There is a backup of the database."""
    if subject.declared and not subject.declared.get("database"):
        return not_applicable(NO_DATABASE)
    newest, count = subject.heard("backups")["newest"], subject.heard("backups")["count"]
    if newest is None:
        return finding("there is no backup", mend="muster backup")
    return fine(f"{count} backups, the newest {age(subject.now - moment(newest['ended']))} old ({newest['id']})")


def tried_backup(subject: Subject) -> Result:
    """A backup was restored on trial of late: what a release does to the data can be gone back from."""
    if subject.declared and not subject.declared.get("database"):
        return not_applicable(NO_DATABASE)
    tried = subject.heard("backups")["tried"]
    if tried is None:
        return finding("no backup was ever restored on trial", mend="muster backup verify")
    since = subject.now - moment(tried["at"])
    if not tried["ok"]:
        return finding(f"backup {tried['id']} is not whole: {tried['why']}", mend="muster backup, muster backup verify")
    if since > TRIED_WITHIN:
        said = f"no backup was restored on trial for {age(since)} (the last was {tried['id']})"
        return finding(said, mend="muster backup verify")
    return fine(f"backup {tried['id']} was restored on trial {age(since)} ago")


def under_way(subject: Subject) -> Result:
    """Nobody else acts on the system: no release, no drill, no procedure."""
    subject.needs("ConfigMap")
    if release := subject.heard("release"):
        says = f"release {release['id']} is {release['state']}, in phase {release['phase']}"
        return finding(says, mend="let it end, go on with it (muster deploy), or take it back (muster rollback)")
    for item in subject.seen.of("ConfigMap", subject.namespace):
        if PROCEDURE_RECORD_LABEL in labels(item):
            says = f"a recovery procedure is on record as begun (ConfigMap {item['metadata']['name']})"
            return finding(says, mend="let it end, or go on with it: muster recover")
    holders = subject.heard("leases")
    if holders:
        one = holders[0]
        says = f"{one['what']} has the namespace: {one['holder']}, since {one['since']}"
        return finding(says, mend="wait for its end")
    return fine("no release, no drill and no procedure is under way")
