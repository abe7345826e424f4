"""What relies on what: whose trouble would explain another's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from muster.checks.pods.absent import uses
from muster.checks.seen import Seen, containers_of
from muster.checks.traffic.services import services_behind, workloads_behind
from muster.snapshot import Object, Ref, ref_of

# What is raised by an object of no form that Kubernetes has; its check has said so, and it relies on nothing.
FORMLESS = (AttributeError, KeyError, TypeError, ValueError)
_WORD = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


class Graph:
    """The objects of a snapshot, and what each relies on."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._known: dict[Ref, tuple[Ref, ...]] = {}

    def relies_on(self, ref: Ref) -> tuple[Ref, ...]:
        """What an object relies on directly."""
        if ref not in self._known:
            try:
                found = [one for one in self._of(ref) if one != ref]
            except FORMLESS:
                found = []
            self._known[ref] = tuple(dict.fromkeys(found))
        return self._known[ref]

    def _of(self, ref: Ref) -> Iterator[Ref]:
        seen = self._seen
        match ref.kind:
            case "Service":
                yield from workloads_behind(seen, ref)
                if ref.name == (seen.system.get("database") or {}).get("service"):
                    yield Ref("Database", ref.namespace, ref.name)
            case "Ingress":
                if (found := seen.find(ref)) is not None:
                    yield from services_behind(found)
            case "HorizontalPodAutoscaler":
                target = ((seen.find(ref) or {}).get("spec") or {}).get("scaleTargetRef") or {}
                yield Ref(str(target.get("kind")), ref.namespace, str(target.get("name")))
            case _:
                yield from self._of_workload(ref)

    def _of_workload(self, ref: Ref) -> Iterator[Ref]:
        database = self._seen.system.get("database") or {}
        is_instance = ref.name in (database.get("instances") or [])
        if is_instance:
            yield Ref("Database", ref.namespace, str(database.get("service")))
        for pod in self._seen.pods_of(ref) or self._templated(ref):
            yield from uses(pod)
            if not is_instance:  # it is asked, and what it is configured by names those that ask
                yield from self._asked(pod)

    def _templated(self, ref: Ref) -> Iterable[Object]:
        """What a workload without pods would make."""
        found = self._seen.find(ref)
        for item, template in self._seen.templates(ref.namespace) if found else ():
            if ref_of(item) == ref:
                yield {
                    **template,
                    "kind": "Pod",
                    "metadata": {**(template.get("metadata") or {}), "name": ref.name, "namespace": ref.namespace},
                }

    def _asked(self, pod: Object) -> Iterator[Ref]:
        """The Services whose names stand in what a pod's programs are told."""
        space = str(pod["metadata"].get("namespace") or "")
        words = set[str]()
        for container in containers_of(pod.get("spec") or {}):
            told = [
                *(str(one.get("value") or "") for one in container.get("env") or []),
                *map(str, container.get("command") or []),
                *map(str, container.get("args") or []),
            ]
            words |= {found[0] for text in told for found in _WORD.finditer(text.lower())}
        for used in uses(pod):
            if used.kind == "ConfigMap":
                words |= self._words.get(used, frozenset())
        database = self._seen.system.get("database") or {}
        if database.get("service") and self._seen.workload(pod).name not in (database.get("instances") or []):
            words.add(str(database["service"]))
        for service in self._seen.of("Service", space):
            if service["metadata"]["name"] in words:
                yield ref_of(service)

    @cached_property
    def _words(self) -> dict[Ref, frozenset[str]]:
        return {
            ref_of(item): frozenset(
                found[0] for value in (item.get("data") or {}).values() for found in _WORD.finditer(str(value).lower())
            )
            for item in self._seen.of("ConfigMap")
        }
