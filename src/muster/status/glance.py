"""From a snapshot and its diagnosis to what is shown of them: a pure function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from muster.checks.seen import Seen, is_ready, labels
from muster.checks.system.own import faults, procedure_of
from muster.checks.system.service import answer
from muster.diagnosis import Diagnosis
from muster.snapshot import Ref, Snapshot, ref_of
from muster.status.release import State, release_line
from muster.wire.names import PROCEDURE_RECORD_LABEL

SCHEMA = "muster/status/v1"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class Shown:
    """One part of a system: how it is, and what is to be said of it in one line."""

    name: str
    state: State
    says: str


@dataclass(frozen=True)
class Workload:
    """How many of its pods are ready, of how many that are wanted."""

    ref: Ref
    ready: int
    wanted: int


@dataclass(frozen=True)
class Glance:
    """A system at the time of its snapshot. `age_s` is how many seconds ago that was taken."""

    snapshot: Snapshot
    diagnosis: Diagnosis
    age_s: float
    parts: tuple[Shown, ...]
    workloads: tuple[Workload, ...]

    @property
    def exit_code(self) -> int:
        """As a diagnosis has it: 1 with findings, 2 where something could not be seen, else 0."""
        return self.diagnosis.exit_code

    def to_json(self) -> dict[str, Any]:
        snapshot, told = self.snapshot, self.diagnosis.to_json()
        return {
            "schema": SCHEMA,
            "taken": snapshot.taken,
            "age_s": round(self.age_s, 1),
            "system": snapshot.system.get("name"),
            "namespace": snapshot.namespace,
            "context": snapshot.context,
            "kubernetes": snapshot.kubernetes,
            "state": ("fine", "finding", "unknown")[self.exit_code],
            "parts": [vars(part) for part in self.parts],
            "workloads": [{**one.ref._asdict(), "ready": one.ready, "wanted": one.wanted} for one in self.workloads],
            "service": snapshot.answers.get("service"),
            "database": snapshot.answers.get("database"),
            "release": snapshot.answers.get("release") or None,
            "findings": len(self.diagnosis.causes),
            "first": next(iter(told["findings"]), None),
            "unknown": told["unknown"],
        }


def glance(snapshot: Snapshot, diagnosis: Diagnosis, age_s: float) -> Glance:
    """What is to be shown of a system, of whose optional parts only those that it has."""
    seen = Seen(snapshot)
    workloads = tuple(_workloads(seen))
    return Glance(snapshot, diagnosis, age_s, tuple(_Parts(seen, diagnosis).all(workloads)), workloads)


def _workloads(seen: Seen) -> Iterator[Workload]:
    for kind in WORKLOADS:
        for item in seen.of(kind):
            ref, spec, status = ref_of(item), item.get("spec") or {}, item.get("status") or {}
            wanted = status.get("desiredNumberScheduled") if kind == "DaemonSet" else spec.get("replicas", 1)
            yield Workload(ref, sum(map(is_ready, seen.pods_of(ref))), int(wanted or 0))


class _Parts:
    """What is said of each part."""

    def __init__(self, seen: Seen, diagnosis: Diagnosis) -> None:
        self._seen, self._diagnosis = seen, diagnosis
        self._missing = {one.what: one.why for one in seen.snapshot.missing}

    def all(self, workloads: Sequence[Workload]) -> Iterator[Shown]:
        system = self._seen.system
        if system:
            yield self._unseen("service", part="service") or self._service()
            if (release := self._release()) is not None:
                yield release
        yield self._unseen("pods", "Pod", *WORKLOADS) or self._pods(workloads)
        if system.get("database"):
            yield self._unseen("database", part="database") or self._database()
        if system.get("agents"):
            yield self._unseen("agents", part="status") or self._agents()
        if system.get("workflows"):
            yield self._unseen("workflows", part="workflows") or self._workflows()
        yield self._unseen("faults", "ConfigMap") or self._faults()
        yield self._unseen("procedures", "ConfigMap") or self._procedures()
        yield self._findings()

    def _unseen(self, name: str, *kinds: str, part: str = "") -> Shown | None:
        """That something could not be seen, where kinds of objects or an answer that it needs are missing."""
        why = next((self._missing[need] for need in (*kinds, part) if need in self._missing), None)
        if why is None and part and part not in self._seen.snapshot.answers:
            why = "nobody asked"
        return None if why is None else Shown(name, "unknown", f"not seen: {why}")

    def _service(self) -> Shown:
        said = answer(self._seen, "service")
        troubles, asked = said.get("troubles") or [], said.get("asked", 0)
        at = f"{asked - len(troubles)} of {asked} right, {said.get('slowest_s', 0) * 1000:.0f} ms at most"
        if troubles:
            return Shown("service", "finding", f"{at}: {troubles[0]}")
        return Shown("service", "fine", f"answers, {at}, at {said.get('url')}")

    def _release(self) -> Shown | None:
        """How the release is; None in a snapshot for which nobody asked."""
        if (why := self._missing.get("release")) is not None:
            return Shown("release", "unknown", f"not seen: {why}")
        told = self._seen.snapshot.answers.get("release")
        return None if told is None else Shown("release", *release_line(told, self._seen.now))

    def _pods(self, workloads: Sequence[Workload]) -> Shown:
        short = [one for one in workloads if one.ready < one.wanted]
        space = self._seen.snapshot.namespace

        def told(one: Workload) -> str:
            where = "" if one.ref.namespace == space else f"{one.ref.namespace}/"
            return f"{where}{one.ref.name} {one.ready} of {one.wanted}"

        texts = [told(one) for one in (*short, *(one for one in workloads if one not in short))]
        return Shown("pods", "finding" if short else "fine", ", ".join(texts) or "no workload is there")

    def _database(self) -> Shown:
        said = answer(self._seen, "database")
        instances, trouble = said.get("instances") or {}, str(said.get("trouble") or "")
        behind = {
            str(one["name"]): f"{float(one['lag_s']):.1f} s behind"
            for instance in instances.values()
            for one in instance.get("standbys") or []
        }
        texts = []
        for name, one in instances.items():
            if not one.get("answers"):
                texts.append(f"{name} {'could not be asked' if one.get('answers') is None else 'does not answer'}")
            elif one.get("primary"):
                texts.append(f"{name} primary")
            else:
                texts.append(f"{name} standby, {behind.get(name, 'follows nobody')}")
        return Shown("database", "finding" if trouble else "fine", "; ".join([*texts, *([trouble] if trouble else [])]))

    def _agents(self) -> Shown:
        said = answer(self._seen, "status")
        documents = said.get("documents") or []
        if not documents:
            return Shown("agents", "unknown", f"not seen: {said.get('why') or 'no instance tells'}")
        told = {key: value for key, value in sorted(documents[0].items()) if key.startswith("agents")}
        counts = [f"{key} {'unknown' if value is None else value}" for key, value in told.items()]
        lacking = str(said.get("incomplete") or "")
        text = f"missing: {lacking}" if lacking else "all there"
        text = f"{text} ({', '.join(counts)})" if counts else text
        return Shown("agents", "finding" if lacking else "fine", text)

    def _workflows(self) -> Shown:
        stuck = answer(self._seen, "workflows").get("stuck", 0)
        return Shown(
            "workflows", "finding" if stuck else "fine", f"{stuck or 'none'} stand{'' if stuck else 's'} still"
        )

    def _faults(self) -> Shown:
        found = [f"{one.ref.name}, since {one.since}" for one in faults(self._seen)]
        return Shown("faults", "finding" if found else "fine", "; ".join(found) or "none in force")

    def _procedures(self) -> Shown:
        found = [
            f"{procedure_of(item)[0]}, since {item['metadata'].get('creationTimestamp')}"
            for item in self._seen.of("ConfigMap")
            if PROCEDURE_RECORD_LABEL in labels(item)
        ]
        return Shown("procedures", "finding" if found else "fine", "; ".join(found) or "none under way")

    def _findings(self) -> Shown:
        causes, unseen = self._diagnosis.causes, self._diagnosis.unknown
        if not causes:
            text = f"none in what was seen; {len(unseen)} things were not" if unseen else "none"
            return Shown("findings", "unknown" if unseen else "fine", text)
        first, roots = causes[0], sum(not one.follows_from for one in causes)
        of = f"from {roots} cause{'' if roots == 1 else 's'}" if len(causes) > 1 else ""
        text = f"{first.severity} {first.ref}: {first.finding.reason}"
        return Shown("findings", "finding", " ".join(f"{len(causes)} {of}: {text}".split()).replace(" :", ":"))
