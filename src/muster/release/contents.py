"""What a release changes of what runs: which Deployments run twice for a while, what is made first, what comes last.

Two versions side by side need what each was made for: a ConfigMap that differs is copied for the new version. What
concerns both at once, such as a Service or a policy, is changed when the old version is not needed any more.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from muster.base.errors import RefusedError, UsageError
from muster.kube import ApiError, Cluster
from muster.recovery.workloads import RESTARTED_AT
from muster.release.wanted import TOLD, Wanted
from muster.system import SystemDefinition
from muster.system.pods import controller_of
from muster.wire.names import CONFIGURATION_ANNOTATION, KINDS

Object = dict[str, Any]
# Made before the new version starts, where they are not there: it may need them, and nobody else does yet.
MADE_FIRST = ("ServiceAccount", "Role", "RoleBinding", "ConfigMap", "PersistentVolumeClaim", "Service", "Deployment")
# The parts of a template that refer to a ConfigMap by its name.
REFERENCES = {"configMap", "configMapKeyRef", "configMapRef"}
SERVED = ("status", "metadata")
DATA = ("data", "binaryData")
TRIES = 6
ROUTING = ("HTTPRoute", "VirtualService")


@dataclass(frozen=True)
class Rolled:
    """A Deployment whose pods a release changes: as it is, and as it is to be. `serves` is whether clients come in by
    it, `copied` are the ConfigMaps that the new version has a copy of."""

    live: Object
    wanted: Object
    serves: bool
    copied: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return str(self.live["metadata"]["name"])

    @property
    def replicas(self) -> int:
        """How many pods it has, and keeps."""
        return int(self.live["spec"].get("replicas", 1))


@dataclass(frozen=True)
class Altered:
    """An object that is there and is to be another: a ConfigMap, or what is changed last of all."""

    live: Object
    wanted: Object

    def __str__(self) -> str:
        return f"{self.live['kind']} {self.live['metadata']['name']}"


@dataclass(frozen=True)
class Contents:
    """What a release changes. `first` are objects that are not there, `last` those that are changed at its end;
    `migration` is the Job that changes the database."""

    rolled: tuple[Rolled, ...]
    configurations: tuple[Altered, ...]
    first: tuple[Object, ...]
    last: tuple[Altered, ...]
    migration: Object | None

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.rolled or self.configurations or self.first or self.last or self.migration)

    @property
    def serving(self) -> Rolled | None:
        """What clients come in by, where the release changes it."""
        return next((one for one in self.rolled if one.serves), None)


def contents_of(wanted: Wanted, cluster: Cluster, system: SystemDefinition) -> Contents:
    """Compare a release with what runs. The cluster is asked, and nothing on it is changed.

    Raises:
        UsageError: it holds what a release does not change, or does not say what must be known.
        ApiError: the API server refuses an object.
        ClusterError: the cluster does not answer.
    """
    looking = _Comparing(cluster, system)
    objects = [item for item in wanted.objects if item["kind"] != "Namespace"]
    migration = _migration(objects, wanted)
    altered, first = list[Altered](), list[Object]()
    for item in objects:
        if item is migration:
            continue
        found = looking.live(item)
        _check_kind(item, found)
        if found is None:
            first.append(looking.placed(item))
        elif item["kind"] == "Secret":
            _check_secret(item, found)
        else:
            altered.append(Altered(found, looking.merged(item, found)))
    configurations = tuple(one for one in altered if one.live["kind"] == "ConfigMap" and _data_differs(one))
    rolled = tuple(_rolled([*altered, *looking.untold(altered)], looking, configurations))
    last = tuple(_last(altered, looking))
    _check_shared(system, last)
    _check_both(wanted.name, first, last)
    return Contents(rolled, configurations, tuple(first), last, migration)


def serving_deployment(cluster: Cluster, system: SystemDefinition) -> str:
    """The Deployment that clients come in by, as system.yaml says or as the system's own Service leads.

    Raises:
        UsageError: the Service leads to none, or to several.
        ClusterError: there is no such Service, or the cluster does not answer.
    """
    if system.release.workload is not None:
        return system.release.workload
    selector = cluster.get("Service", system.service.name, system.namespace)["spec"].get("selector") or {}
    found = [
        str(one["metadata"]["name"])
        for one in cluster.list("Deployment", system.namespace)
        if selector and selector.items() <= labels_of(one).items()
    ]
    if len(found) != 1:
        said = ", ".join(found) or "none"
        raise UsageError(
            f"Service '{system.service.name}' leads to more or fewer than one Deployment ({said}); say in system.yaml, "
            "at release.workload, which one a release shares traffic with"
        )
    return found[0]


def labels_of(workload: Object) -> dict[str, str]:
    """The labels of the pods that a workload makes."""
    return dict((workload["spec"]["template"].get("metadata") or {}).get("labels") or {})


def references(template: Any) -> Iterator[Object]:
    """Each part of a pod template that names a ConfigMap, as the mapping whose `name` that is."""
    if isinstance(template, dict):
        for key, value in template.items():
            if key in REFERENCES and isinstance(value, dict) and "name" in value:
                yield value
            yield from references(value)
    elif isinstance(template, list):
        for value in template:
            yield from references(value)


class _Comparing:
    """What runs, looked at once for each object; what the server would make of a change is asked of it."""

    def __init__(self, cluster: Cluster, system: SystemDefinition) -> None:
        self._cluster, self._system = cluster, system
        self._serving: str | None = None

    def live(self, item: Object) -> Object | None:
        return self._cluster.find(item["kind"], item["metadata"]["name"], self._space(item))

    def serves(self, deployment: Object) -> bool:
        if self._serving is None:
            self._serving = serving_deployment(self._cluster, self._system)
        return bool(deployment["metadata"]["name"] == self._serving)

    def placed(self, item: Object) -> Object:
        if (space := self._space(item)) is None:
            return item
        return {**item, "metadata": {**item["metadata"], "namespace": space}}

    def merged(self, item: Object, live: Object) -> Object:
        """What the server would make of the object's change, with its defaults; how many replicas there are is no part
        of a release."""
        metadata = dict(live["metadata"])
        for key in ("labels", "annotations"):
            if said := (item["metadata"].get(key) or {}):
                metadata[key] = {**(metadata.get(key) or {}), **said}
        wanted = {**{key: value for key, value in item.items() if key not in SERVED}, "metadata": metadata}
        if item["kind"] == "Deployment":
            wanted["spec"] = {**item["spec"], "replicas": live["spec"].get("replicas", 1)}
            wanted["spec"]["template"] = _as_restarted(item["spec"]["template"], live["spec"]["template"])
        if item["kind"] == "PersistentVolumeClaim":  # it keeps the volume and the class that it was given
            wanted["spec"] = {**live["spec"], **item["spec"]}
        for key in ("clusterIP", "clusterIPs", "healthCheckNodePort"):  # a Service keeps what it was given
            if item["kind"] == "Service" and key in live["spec"]:
                wanted["spec"] = {key: live["spec"][key], **wanted["spec"]}
        tried = self._tried(wanted)
        return {**tried, "kind": item["kind"], "apiVersion": KINDS[item["kind"]].api}

    def _tried(self, wanted: Object) -> Object:
        for _ in range(TRIES):
            try:
                return self._cluster.replace(wanted, self._space(wanted), trying=True)
            except ApiError as error:  # a controller notes something in its status now and then
                if error.code != 409 or (live := self.live(wanted)) is None:
                    raise
                metadata = {**wanted["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
                wanted = {**wanted, "metadata": metadata}
        return self._cluster.replace(wanted, self._space(wanted), trying=True)

    def untold(self, altered: list[Altered]) -> list[Altered]:
        """The Deployments that the release does not bring: it may change what they are configured by."""
        brought = {one.live["metadata"]["name"] for one in altered if one.live["kind"] == "Deployment"}
        live = self._cluster.list("Deployment", self._system.namespace)
        return [Altered(one, one) for one in live if one["metadata"]["name"] not in brought]

    def differs(self, one: Altered) -> bool:
        return _compared(one.live) != _compared(one.wanted)

    def _space(self, item: Object) -> str | None:
        return self._system.namespace if KINDS[item["kind"]].namespaced else None


def _rolled(altered: list[Altered], looking: _Comparing, configurations: Sequence[Altered]) -> Iterator[Rolled]:
    changed = frozenset(one.live["metadata"]["name"] for one in configurations)
    for one in altered:
        if one.live["kind"] != "Deployment":
            continue
        template = one.wanted["spec"]["template"]
        copied = frozenset(str(each["name"]) for each in references(template)) & changed
        if template != one.live["spec"]["template"] or copied:
            yield Rolled(one.live, _restarted(one, configurations, copied), looking.serves(one.live), copied)


def _restarted(one: Altered, configurations: Sequence[Altered], copied: frozenset[str]) -> Object:
    """The Deployment as it is to be, with what makes it start new pods where its configuration alone is another."""
    if not copied:
        return one.wanted
    data = [
        [each.wanted.get(key) for key in DATA] for each in configurations if each.live["metadata"]["name"] in copied
    ]
    wanted = copy.deepcopy(one.wanted)
    metadata = wanted["spec"]["template"].setdefault("metadata", {})
    told = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), CONFIGURATION_ANNOTATION: told}
    return wanted


def _last(altered: list[Altered], looking: _Comparing) -> Iterator[Altered]:
    """What is changed when the old version is not needed any more; of a Deployment all but its pods."""
    for one in altered:
        if one.live["kind"] == "ConfigMap":
            continue
        if one.live["kind"] == "Deployment":
            same = copy.deepcopy(one.wanted)
            same["spec"]["template"] = one.live["spec"]["template"]
            if not looking.differs(Altered(one.live, same)):
                continue
        elif not looking.differs(one):
            continue
        yield one


def _as_restarted(template: Object, live: Object) -> Object:
    """A template with what only had the live one's pods start anew: that is no other version."""
    told = (live.get("metadata") or {}).get("annotations") or {}
    kept = {key: told[key] for key in (RESTARTED_AT, CONFIGURATION_ANNOTATION) if key in told}
    if not kept:
        return template
    metadata = template.get("metadata") or {}
    return {**template, "metadata": {**metadata, "annotations": {**kept, **(metadata.get("annotations") or {})}}}


def _compared(item: Object) -> Object:
    metadata = item["metadata"]
    told = {key: metadata.get(key) or {} for key in ("labels", "annotations")}
    return {**{key: value for key, value in item.items() if key not in SERVED}, **told}


def _data_differs(one: Altered) -> bool:
    return any((one.live.get(key) or {}) != (one.wanted.get(key) or {}) for key in DATA)


def _check_kind(item: Object, live: Object | None) -> None:
    """Let pass what a release may hold."""
    what = f"{item['kind']} {item['metadata']['name']}"
    if live is None and item["kind"] == "Secret":
        raise UsageError(f"{what} is not in the cluster: what is secret is put there apart, before the release")
    if live is None and item["kind"] == "Job":
        raise UsageError(f"{what} is in the release, and {TOLD} does not say at 'database.migration' that it is to run")
    if live is not None and (owner := controller_of(live)) is not None:
        raise RefusedError(
            f"refused: {what} belongs to {owner['kind']} {owner['name']}, and is not a release's to change"
        )


def _check_secret(item: Object, live: Object) -> None:
    """Let pass a Secret as it is; whoever releases need not be allowed to change one, not even as a trial."""
    told = {key: text.encode() for key, text in (item.get("stringData") or {}).items()}
    if _decoded(item) | told != _decoded(live):
        raise UsageError(
            f"the release changes Secret {live['metadata']['name']}: what is secret is changed apart; leave it out of "
            "the release"
        )


def _decoded(secret: Object) -> dict[str, bytes]:
    try:
        return {key: base64.b64decode(text or "") for key, text in (secret.get("data") or {}).items()}
    except (ValueError, TypeError):
        name = secret["metadata"]["name"]
        raise UsageError(f"Secret {name}: its 'data' is not base64; what is text belongs into 'stringData'") from None


def _check_shared(system: SystemDefinition, last: tuple[Altered, ...]) -> None:
    """Refuse a change of what traffic may be shared by: it would undo the sharing, and that would undo it."""
    for one in last:
        of_service = (one.live["kind"], one.live["metadata"]["name"]) == ("Service", system.service.name)
        selects = [each["spec"].get("selector") for each in (one.live, one.wanted)] if of_service else []
        if one.live["kind"] in ROUTING or (selects and selects[0] != selects[1]):
            what = f"what {one} selects by" if of_service else str(one)
            raise UsageError(
                f"the release changes {what}, and by that traffic is shared; change it apart, and leave it out"
            )


def _check_both(release: str, first: list[Object], last: tuple[Altered, ...]) -> None:
    """Refuse what cannot be there for the new version alone, and what keeps data, which does not run twice."""
    if late := [f"{item['kind']} {item['metadata']['name']}" for item in first if item["kind"] not in MADE_FIRST]:
        raise UsageError(
            f"release {release} brings {', '.join(late)}, which concerns the old version, too; apply it apart, first"
        )
    if keeping := [str(one) for one in last if one.live["kind"] == "StatefulSet"]:
        raise UsageError(
            f"release {release} changes {', '.join(keeping)}, which keeps data and does not run twice; change it "
            "apart, and leave it out"
        )


def _migration(objects: list[Object], wanted: Wanted) -> Object | None:
    database = wanted.told.database
    if database is None:
        return None
    found = next(
        (one for one in objects if (one["kind"], one["metadata"]["name"]) == ("Job", database.migration)), None
    )
    if found is None:
        raise UsageError(f"{TOLD} of release {wanted.name}: Job '{database.migration}' is not among its manifests")
    return found
