"""What muster itself did: faults in force, procedures that have not ended; and configuration against what was kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from muster.checks.check import Finding, Harm, Remedy
from muster.checks.seen import Seen, labels
from muster.checks.system.service import answer, own_service
from muster.snapshot import Object, Ref, ref_of
from muster.wire.names import FAULT_RECORD_LABEL, PROCEDURE_RECORD_LABEL

LONG_S = 600.0  # what takes longer was left


def faults(seen: Seen) -> Iterator[Finding]:
    """Faults of drills that are in force, by their records."""
    for item in seen.of("ConfigMap"):
        experiment = labels(item).get(FAULT_RECORD_LABEL)
        if experiment is None:
            continue
        content = _content(item)
        made = str(item["metadata"].get("creationTimestamp") or content.get("created") or "")
        by = f"record ConfigMap {item['metadata']['name']}"
        run, deadline = content.get("run"), str(content.get("deadline") or "")
        over = f"it was to last until {deadline} at most" if deadline and seen.age(deadline) > 0 else ""
        told = [
            f"{by}, of run {run}" if run else by,
            over,
            *(f"it changes {kind} {name}" for kind, name in _struck(item)),
        ]
        told += [f"it holds {one.get('what')}, by process {one.get('pid')} on {one.get('host')}" for one in _held(item)]
        yield Finding(
            Ref("Fault", ref_of(item).namespace, experiment),
            "a drill's fault is in force; take it back: muster undo",
            Harm.NONE,
            made,
            tuple(one for one in told if one),
        )


def struck_by(seen: Seen, fault: Ref) -> list[Ref]:
    """The objects that a fault changes, by its record."""
    for item in seen.of("ConfigMap", fault.namespace):
        if labels(item).get(FAULT_RECORD_LABEL) == fault.name:
            return [Ref(kind, fault.namespace, name) for kind, name in _struck(item)]
    return []


def procedures(seen: Seen) -> Iterator[Finding]:
    """Recovery procedures that were begun and have not ended."""
    for item in seen.of("ConfigMap"):
        made = str(item["metadata"].get("creationTimestamp") or "")
        if PROCEDURE_RECORD_LABEL in labels(item) and seen.age(made) > LONG_S:
            name, arguments = procedure_of(item)
            yield Finding(
                Ref("Procedure", ref_of(item).namespace, name),
                "was begun and has not ended",
                Harm.NONE,
                made,
                remedy=Remedy(name, arguments),
            )


def procedure_of(record: Object) -> tuple[str, dict[str, str]]:
    """The procedure that a record is of, with its arguments; by the record's own name where it cannot be read."""
    try:
        content = json.loads((record.get("data") or {})["record.json"])
        return str(content["procedure"]), {str(key): str(value) for key, value in content["arguments"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return str(record["metadata"]["name"]).removeprefix("muster-recovery-"), {}


def configuration(seen: Seen) -> Iterator[Finding]:
    """Configuration that instances refuse, or that differs from the last known good one while they answer wrongly."""
    told, space = seen.system.get("configuration") or {}, str(seen.system.get("namespace") or "")
    good, documents = answer(seen, "known good"), answer(seen, "status").get("documents") or []
    asked = answer(seen, "service")
    for name, one in sorted(told.items()):
        ref = Ref("ConfigMap", space, name)
        kept = good.get(name) or {}
        differs, hides = kept.get("changes") or [], bool(kept.get("stored") and asked.get("hides"))
        wrong = hides or bool(asked.get("troubles"))
        errors = [
            str(document[one["error"]]) for document in documents if one.get("error") and document.get(one["error"])
        ]
        remedy = Remedy("restore-configuration", {"config_map": name})
        shown = tuple(f"since it was known good: {text}" for text in differs[:3])
        if seen.knows("ConfigMap") and seen.find(ref) is None:
            yield Finding(ref, "is missing, the system is configured by it", Harm.PART, remedy=remedy)
        elif errors:
            yield Finding(
                ref, f"is refused by the service: {errors[0][:160]}", Harm.PART, evidence=shown, remedy=remedy
            )
        elif differs and (wrong or _crashes(seen, space, one["used_by"])):
            yield Finding(
                ref, f"was changed since it was known good: {differs[0]}", Harm.PART, evidence=shown, remedy=remedy
            )
            if hides:
                text = f"answers, and holds nothing of what it held when {ref} was known good ({kept['kept']})"
                yield Finding(own_service(seen), text, Harm.WHOLE, relies_on=(ref,))


def _crashes(seen: Seen, space: str, workloads: list[str]) -> bool:
    """Whether those that it configures fail, and were not rolled out anew since."""
    from muster.checks.workloads.running import trouble_of  # noqa: PLC0415 - one check asks another's question

    for name in workloads:
        ref = Ref("Deployment", space, name)
        for pod in seen.pods_of(ref):
            trouble = trouble_of(seen, ref, pod)
            if trouble is not None and trouble.open_cause:
                return True
    return False


def expiring(seen: Seen) -> Iterator[Finding]:
    """Certificates that expire within 14 days."""
    from muster.snapshot.certificates import NOT_AFTER  # noqa: PLC0415

    until = [
        (ref_of(item), str((item["metadata"].get("annotations") or {}).get(NOT_AFTER) or ""))
        for item in seen.of("Secret")
    ]
    until.append((own_service(seen), str(answer(seen, "service").get("not_after") or "")))
    for ref, at in until:
        if not at:
            continue
        days = -seen.age(at) / 86400
        if days < 0:
            yield Finding(ref, f"its certificate expired at {at}", Harm.PART, at)
        elif days < 14:
            yield Finding(ref, f"its certificate expires in {days:.0f} days, at {at}", Harm.NONE)


def _content(item: dict[str, Any]) -> dict[str, Any]:
    """What a record says; nothing where it cannot be read."""
    try:
        content = json.loads((item.get("data") or {}).get("record.json") or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _struck(item: dict[str, Any]) -> list[tuple[str, str]]:
    try:
        found = [(str(entry["kind"]), str(entry["name"])) for entry in _content(item).get("entries") or []]
        found += [("Pod", str(command["pod"])) for command in _content(item).get("commands") or []]
    except (KeyError, TypeError):
        return []
    return list(dict.fromkeys(found))


def _held(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in _content(item).get("held") or [] if isinstance(one, dict)]
