"""What a pod needs and the cluster lacks: configuration and claims; said by the kubelet, or seen to be absent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from muster.checks.pods.trouble import EVERYWHERE, Trouble, namespace_of, one_line
from muster.checks.seen import Seen, containers_of
from muster.snapshot import Object, Ref

KINDS = {"configmap": "ConfigMap", "secret": "Secret", "persistentvolumeclaim": "PersistentVolumeClaim"}
_NOT_FOUND = re.compile(
    r'\b(configmap|secret|persistentvolumeclaim)s? "([^"]+)" (?:not found|is forbidden|does not exist)'
)
_REGISTERED = re.compile(r'object "[^"/]*"/"([^"]+)" not registered')
_NO_KEY = re.compile(r"couldn'?t find key (\S+) in (ConfigMap|Secret) \S*?/(\S+)", re.IGNORECASE)
_NO_FILE = re.compile(r"references non-existent (?:config|secret) key: (\S+)")
_VOLUME = re.compile(r'for volume "([^"]+)"')


class Need(NamedTuple):
    """An object that a pod cannot start without: `keys` of it, and whether it is mounted."""

    ref: Ref
    keys: tuple[str, ...]
    mounted: bool


def needs(pod: Object) -> Iterator[Need]:
    """The configuration and the claims that a pod names and cannot do without."""
    spec, space = pod.get("spec") or {}, namespace_of(pod)
    for volume in spec.get("volumes") or []:
        yield from _of_volume(volume, space, str(pod["metadata"]["name"]))
    for container in containers_of(spec):
        for source in container.get("envFrom") or []:
            for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if (named := source.get(key)) and not named.get("optional"):
                    yield Need(Ref(kind, space, named["name"]), (), mounted=False)
        for variable in container.get("env") or []:
            value = variable.get("valueFrom") or {}
            for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if (named := value.get(key)) and not named.get("optional"):
                    yield Need(Ref(kind, space, named["name"]), (named["key"],), mounted=False)


def uses(pod: Object) -> Iterator[Ref]:
    """The configuration and the claims that a pod names, those that it can do without among them."""
    spec, space = pod.get("spec") or {}, namespace_of(pod)
    yield from (need.ref for need in needs(pod))
    if node := spec.get("nodeName"):
        yield Ref("Node", "", node)
    yield Ref("ServiceAccount", space, spec.get("serviceAccountName") or "default")


def missing_object(seen: Seen, pod: Object, message: str, *, mounted: bool) -> Trouble | None:
    """The trouble that a message of the kubelet tells of: an object or a key of it that there is not."""
    text = one_line(message)
    space = namespace_of(pod)
    if found := _NO_KEY.search(message):
        key, kind, name = found.groups()
        kind = "Secret" if kind.lower() == "secret" else "ConfigMap"
        return _lacks(Ref(kind, space, name), f"has no key {key}", text, mounted)
    if found := _NO_FILE.search(message):
        volume = _VOLUME.search(message)
        holder = _holder(pod, volume[1] if volume else "", found[1])
        if holder is not None:
            return _lacks(holder, f"has no key {found[1]}", text, mounted)
    if found := _NOT_FOUND.search(message):
        return _lacks(Ref(KINDS[found[1]], space, found[2]), "is missing", text, mounted)
    if found := _REGISTERED.search(message):
        for need in needs(pod):
            if need.ref.name == found[1] and seen.knows(need.ref.kind) and seen.find(need.ref) is None:
                return _lacks(need.ref, "is missing", text, mounted)
    return None


def unnamed_absence(seen: Seen, pod: Object) -> Trouble | None:
    """Something that a pod which does not start needs and that is not there, though nobody has said so."""
    for need in needs(pod):
        if not seen.knows(need.ref.kind) or need.ref.name in EVERYWHERE:
            continue
        found = seen.find(need.ref)
        if found is None:
            return _lacks(need.ref, "is missing", f"{need.ref} is not there", need.mounted)
        if need.ref.kind == "PersistentVolumeClaim":
            continue
        held = {**(found.get("data") or {}), **(found.get("binaryData") or {})}
        lacking = [key for key in need.keys if key not in held]
        if lacking:
            return _lacks(need.ref, f"has no key {lacking[0]}", f"it has {', '.join(held) or 'none'}", need.mounted)
    return None


def _lacks(ref: Ref, what: str, text: str, mounted: bool) -> Trouble:
    how = "mounts it" if mounted else "needs it"
    return Trouble(
        reason=f"cannot start: {ref} {what}", evidence=(text,), cause=ref, cause_reason=f"{what}, {{workload}} {how}"
    )


def _holder(pod: Object, volume: str, key: str) -> Ref | None:
    """What a volume takes a key from."""
    for need in needs(pod):
        if need.mounted and key in need.keys:
            return need.ref
    for one in (pod.get("spec") or {}).get("volumes") or []:
        if one["name"] == volume:
            return next((need.ref for need in _of_volume(one, namespace_of(pod), "")), None)
    return None


def _of_volume(volume: Object, space: str, pod: str) -> Iterator[Need]:
    sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
    for source in sources:
        for key, kind, naming in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            named = source.get(key)
            name = named and (named.get(naming) or named.get("name"))
            if named and name and not named.get("optional"):
                keys = tuple(item["key"] for item in named.get("items") or [])
                yield Need(Ref(kind, space, name), keys, mounted=True)
    if claim := volume.get("persistentVolumeClaim"):
        yield Need(Ref("PersistentVolumeClaim", space, claim["claimName"]), (), mounted=True)
    if volume.get("ephemeral"):
        yield Need(Ref("PersistentVolumeClaim", space, f"{pod}-{volume['name']}"), (), mounted=True)
