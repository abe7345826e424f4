"""Databases: whether there is one primary, whether standbys follow, whether connections and disk are left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from muster.checks.check import Finding, Harm, Remedy
from muster.checks.seen import Seen
from muster.checks.system.service import answer
from muster.snapshot import Ref

FULL = 0.9
DISK_FULL = 0.9


def replication(seen: Seen) -> Iterator[Finding]:
    """One primary, and every standby streams within its limit."""
    told, said = seen.system.get("database") or {}, answer(seen, "database")
    instances = said.get("instances") or {}
    if not told or not said:
        return
    space = str(seen.system["namespace"])
    ref = Ref("Database", space, str(told.get("service") or seen.system["name"]))
    if not instances:
        if said.get("trouble"):
            yield Finding(ref, str(said["trouble"]), Harm.PART)
        return
    primaries = [name for name, one in instances.items() if one.get("primary")]
    answering = [name for name, one in instances.items() if one.get("answers")]
    sets = tuple(Ref("StatefulSet", space, name) for name in instances)
    evidence = tuple(f"{name}: {_shown(one)}" for name, one in instances.items())
    if not primaries:
        if answering:
            what, remedy = f"has no primary; {', '.join(answering)} could be promoted", Remedy("promote-standby")
        elif lost := _volumes_lost(seen, sets):
            what, remedy = f"is lost with its volumes: {', '.join(lost)}", Remedy("restore-backup")
        else:
            what, remedy = "none of its instances answers", Remedy("full-restart")
        yield Finding(ref, what, Harm.WHOLE, evidence=evidence, relies_on=() if answering else sets, remedy=remedy)
    elif len(primaries) > 1:
        yield Finding(ref, f"has {len(primaries)} primaries: {', '.join(primaries)}", Harm.WHOLE, evidence=evidence)
    elif said.get("trouble"):
        yield Finding(
            ref,
            f"replication: {said['trouble']}",
            Harm.PART,
            evidence=evidence,
            relies_on=tuple(one for one in sets if one.name not in primaries),
        )


def _volumes_lost(seen: Seen, sets: Iterable[Ref]) -> list[str]:
    """The claims of these StatefulSets, where none of them is there any more."""
    if not seen.knows("PersistentVolumeClaim"):
        return []
    claims = [
        Ref("PersistentVolumeClaim", ref.namespace, f"{one['metadata']['name']}-{ref.name}-0")
        for ref in sets
        for one in ((seen.find(ref) or {}).get("spec") or {}).get("volumeClaimTemplates") or []
    ]
    return [] if any(seen.find(claim) for claim in claims) else [claim.name for claim in claims]


def leads(seen: Seen) -> Iterator[Finding]:
    """The database's Service leads to its primary."""
    told, instances = seen.system.get("database") or {}, answer(seen, "database").get("instances") or {}
    primaries = [name for name, one in instances.items() if one.get("primary")]
    if not told.get("service") or len(primaries) != 1:
        return
    ref = Ref("Service", str(seen.system["namespace"]), str(told["service"]))
    service = seen.find(ref)
    if service is None and seen.knows("Service"):
        yield Finding(
            ref, "is missing, it leads clients to the database", Harm.WHOLE, remedy=Remedy("repair-database-connection")
        )
        return
    aim = ((service or {}).get("spec") or {}).get("selector", {}).get(told.get("selector_key"))
    if aim is not None and aim != primaries[0]:
        yield Finding(
            ref,
            f"leads to {aim}, and {primaries[0]} is the primary",
            Harm.WHOLE,
            remedy=Remedy("repair-database-connection"),
        )


def room(seen: Seen) -> Iterator[Finding]:
    """Connections and disk of each instance."""
    for name, one in sorted((answer(seen, "database").get("instances") or {}).items()):
        ref = Ref("StatefulSet", str(seen.system["namespace"]), name)
        used, most = one.get("connections") or 0, one.get("max_connections") or 0
        if most and used / most >= FULL:
            yield Finding(ref, f"{used} of its {most} connections are taken", Harm.PART)
        if one.get("disk_used", 0) >= DISK_FULL:
            yield Finding(ref, f"its disk is {one['disk_used']:.0%} full", Harm.PART)


def _shown(one: dict[str, object]) -> str:
    if not one.get("answers"):
        return "does not answer"
    return f"{'primary' if one.get('primary') else 'standby'}, {one.get('connections')} connections"
