"""How the system stands: the cluster and what may be done there, workloads, configuration, who is told."""

from __future__ import annotations

from muster.readiness.result import Result, finding, fine, not_applicable, unknown
from muster.readiness.subject import VERSION, Subject, unheard
from muster.snapshot.cluster import KINDS
from muster.system.state import shortfall
from muster.system.version import SystemVersion, compare

MOST_SHOWN = 6
# Parts of a snapshot that a check of its own tells of.
TOLD_APART = {VERSION, "rights", "channels", "alerting", "room", "traffic", "leases", "backups"}
TOLD_APART |= {"release", "error budgets", "service levels", "monitoring", "cluster"}


def answers(subject: Subject) -> Result:
    """The API server answers."""
    missing = {one.what: one.why for one in subject.snapshot.missing}
    if "cluster" in missing:
        return unknown(missing["cluster"], mend="see that the API server can be reached, and the context is right")
    where = f", context '{subject.snapshot.context}'" if subject.snapshot.context else ""
    if not subject.snapshot.kubernetes:
        return unknown(f"nothing says which version of Kubernetes it is{where}")
    return fine(f"Kubernetes {subject.snapshot.kubernetes}{where}")


def whole(subject: Subject) -> Result:
    """Everything that was asked for was seen."""
    unseen = [f"{one.what} ({one.why})" for one in subject.snapshot.missing if one.what not in TOLD_APART]
    if unseen:
        more = f" (and {len(unseen) - 1} more)" if len(unseen) > 1 else ""
        return unknown(f"was not seen: {unseen[0]}{more}")
    if not subject.snapshot.listed:
        return unknown("the snapshot holds nothing of the cluster")
    return fine(f"all of {len(subject.snapshot.listed)} of {len(KINDS)} kinds of objects were seen")


def rights(subject: Subject) -> Result:
    """Whoever asks may do what recovery procedures have to."""
    return of_look(subject, "rights")


def rolled_out(subject: Subject) -> Result:
    """Every replica of the system is ready and of the present revision: what is under way is not released over."""
    subject.needs("Deployment", "StatefulSet")
    found = [item for kind in ("Deployment", "StatefulSet") for item in subject.workloads(kind)]
    if not found:
        return unknown("no Deployment and no StatefulSet of the system is there")
    lacking = [text for item in found if (text := shortfall(item))]
    if lacking:
        return finding(lacking[0], *lacking[1:MOST_SHOWN], mend="wait for the rollout, or look: muster diagnose")
    return fine(f"{len(found)} workloads, every replica ready and of the present revision")


def kept_good(subject: Subject) -> Result:
    """Of each configuration a version is kept that was good, to go back to."""
    told = subject.snapshot.system.get("configuration") or {}
    if not told:
        return not_applicable("system.yaml names no configuration (operations.configuration)")
    kept = subject.heard("known good")
    lacking = [name for name in sorted(told) if name not in kept]
    if lacking:
        return finding(f"no good version of ConfigMap {', '.join(lacking)} is kept", mend="muster keep")
    oldest = min(kept.values(), key=lambda one: str(one["kept"]))
    return fine(f"a good version of {', '.join(sorted(told))} is kept, since {oldest['kept'][:16].replace('T', ' ')}")


def known(subject: Subject) -> Result:
    """What runs is known by content, images and configuration."""
    found = subject.running
    if isinstance(found, str):
        return unheard(found)
    return _known(found, f"{len(found.images)} containers, version {found.short}")


def brought(subject: Subject) -> Result:
    """What is to be released is known by content, and is another version than what runs."""
    if subject.wanted is None:
        return not_applicable("no release is named (--release)")
    found = _known(subject.wanted, f"version {subject.wanted.short}")
    if found.state != "fine" or isinstance(subject.running, str):
        return found
    differs = compare(subject.running, subject.wanted).differs
    if not differs:
        return fine(f"version {subject.wanted.short}, which runs already")
    return fine(f"version {subject.wanted.short}: {differs[0]}", *differs[1:MOST_SHOWN])


def _known(version: SystemVersion, says: str) -> Result:
    if not version.unknown:
        return fine(says)
    first, more = version.unknown[0], len(version.unknown) - 1
    by_digest = any(image.digest is None for image in version.images)
    mend = "name images by digest (NAME@sha256:...)" if by_digest else ""
    return unknown(f"{first}{f' (and {more} more)' if more else ''}", mend=mend)


def alerting(subject: Subject) -> Result:
    """The monitoring answers, and its rules are those of today's system.yaml."""
    if subject.declared and not subject.declared.get("monitoring"):
        return not_applicable("system.yaml names no monitoring")
    if why := subject.declared.get("monitoring_unset"):
        return unknown(str(why), mend="set it to what stands before its '/api'")
    return of_look(subject, "alerting")


def channels(subject: Subject) -> Result:
    """Somebody is told of P1 and P2."""
    return of_look(subject, "channels")


def of_look(subject: Subject, part: str) -> Result:
    """What a look of `muster setup` says, kept as a part of the snapshot."""
    said = subject.heard(part)
    match said["state"]:
        case "fine":
            return fine(said["seen"])
        case "failed":
            return finding(said["seen"], mend=said["mend"])
    return unknown(said["seen"], mend=said["mend"])
