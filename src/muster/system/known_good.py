"""The last known good versions of a ConfigMap, kept in the cluster beside it.

They lie in a ConfigMap of muster's own, `muster-known-good-<name>`, with the label `muster.dev/known-good`, as JSON
that a person can read with kubectl: content, digest, when, by whom and why it was kept, and the version that the
instances reported by then. Only ConfigMaps are kept, never Secrets.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from muster.base.differing import differences
from muster.base.errors import ClusterError, MusterError, RefusedError
from muster.kube import ApiError, Cluster
from muster.wire.names import KNOWN_GOOD_LABEL, MANAGED_BY_LABEL, MANAGED_BY_VALUE

SCHEMA = "muster/known-good/v1"
KEY = "versions.json"
MOST_VERSIONS = 5
MOST_BYTES = 700_000  # of the versions together; a ConfigMap holds 1 MiB
TRIES = 5
Object = dict[str, Any]


class KnownGoodError(MusterError):
    """What is kept cannot be understood, or cannot be kept."""


@dataclass(frozen=True)
class Content:
    """What a ConfigMap holds; `binary` in base64, as the API has it."""

    data: dict[str, str] = field(default_factory=dict)
    binary: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config_map: Object) -> Content:
        return cls(dict(config_map.get("data") or {}), dict(config_map.get("binaryData") or {}))

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hex."""
        text = json.dumps([self.data, self.binary], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class KnownGood:
    """A content that was found good. `reported` is the version that the instances reported, None if they do not;
    `stored` is whether the service's read then held what it must once something was written."""

    content: Content
    kept: str  # ISO 8601
    by: str
    why: str
    reported: Any = None
    stored: bool = False

    def to_json(self) -> Object:
        return {
            "kept": self.kept,
            "by": self.by,
            "why": self.why,
            "reported": self.reported,
            "stored": self.stored,
            "digest": self.content.digest,
            "data": self.content.data,
            "binaryData": self.content.binary,
        }

    @classmethod
    def from_json(cls, found: Object) -> KnownGood:
        content = Content(_texts(found["data"]), _texts(found["binaryData"]))
        if content.digest != found["digest"]:
            raise ValueError(f"the digest of the version of {found['kept']} does not fit")
        stored = bool(found.get("stored"))  # which versions that were kept earlier do not say
        return cls(content, str(found["kept"]), str(found["by"]), str(found["why"]), found["reported"], stored)


def store_name(config_map: str) -> str:
    """The name of the ConfigMap that holds the known good versions of another."""
    return f"muster-known-good-{config_map}"


def known_good(cluster: Cluster, namespace: str, config_map: str) -> list[KnownGood]:
    """The kept versions of a ConfigMap, the newest first.

    Raises:
        KnownGoodError: what is kept cannot be understood.
        ClusterError: the cluster cannot be asked.
    """
    stored = cluster.find("ConfigMap", store_name(config_map), namespace)
    return [] if stored is None else _read(stored)


def keep(cluster: Cluster, namespace: str, config_map: str, good: KnownGood) -> bool:
    """Keep a version as the newest; False where it is that already, then nothing is written.

    Of several who keep at the same time none loses what another kept.

    Raises:
        RefusedError: it is too large to be kept, or its content was kept with another version.
        KnownGoodError: what was kept before cannot be understood.
        ClusterError: it could not be written.
    """
    for _ in range(TRIES):
        stored = cluster.find("ConfigMap", store_name(config_map), namespace)
        before = [] if stored is None else _read(stored)
        if before and before[0].content == good.content and good.reported in (None, before[0].reported):
            return False
        _refuse_other_name(config_map, before, good)
        if before and before[0].content == good.content:
            before = before[1:]  # which was kept without a version
        try:
            _write(cluster, namespace, stored, _store(config_map, [good, *before]))
        except ApiError as error:
            if error.code != 409:
                raise
            continue
        return True
    raise ClusterError(f"ConfigMap {store_name(config_map)} was changed by others {TRIES} times while it was written")


def changes(old: Content, new: Content) -> list[str]:
    """What `new` has changed, a phrase each: `settings.yaml line 3: rate: 150 -> fast`. Empty where nothing is."""
    found = [
        f"{key} was removed" for key in sorted({**old.data, **old.binary}.keys() - {**new.data, **new.binary}.keys())
    ]
    for key, text in sorted(new.data.items()):
        if key in old.data:
            found += [f"{key} {change}" for change in differences(old.data[key], text)]
        else:
            found.append(f"{key} is {'a text now' if key in old.binary else 'new'}")
    for key, value in sorted(new.binary.items()):
        if key not in old.binary:
            found.append(f"{key} is {'binary now' if key in old.data else 'new'}")
        elif old.binary[key] != value:
            found.append(f"{key} (binary) was changed")
    return found


def _refuse_other_name(config_map: str, before: list[KnownGood], good: KnownGood) -> None:
    """One of two versions of the same content is not its own, and to restore by that one could never be verified."""
    for older in before:
        if (
            older.content == good.content
            and older.reported != good.reported
            and None
            not in (
                older.reported,
                good.reported,
            )
        ):
            raise RefusedError(
                f"ConfigMap {config_map} is not kept with version {good.reported}: the same content was kept on "
                f"{older.kept} with version {older.reported}; where that is wrong, delete ConfigMap "
                f"{store_name(config_map)} and keep it again"
            )


def _store(config_map: str, versions: list[KnownGood]) -> Object:
    """The ConfigMap that holds the versions, as many of them as there is room for."""
    versions = versions[:MOST_VERSIONS]
    while len(text := _encode(config_map, versions)) > MOST_BYTES:
        if len(versions) == 1:
            raise RefusedError(
                f"ConfigMap {config_map} is too large to be kept: {len(text) >> 10} KiB, there is room for "
                f"{MOST_BYTES >> 10} KiB"
            )
        versions = versions[:-1]
    labels = {KNOWN_GOOD_LABEL: config_map, MANAGED_BY_LABEL: MANAGED_BY_VALUE}
    metadata = {"name": store_name(config_map), "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: text}}


def _encode(config_map: str, versions: list[KnownGood]) -> str:
    content = {"schema": SCHEMA, "config_map": config_map, "versions": [version.to_json() for version in versions]}
    return json.dumps(content, indent=1)  # ASCII only: as many bytes as characters


def _write(cluster: Cluster, namespace: str, stored: Object | None, wanted: Object) -> None:
    if stored is None:
        cluster.create(wanted, namespace)
        return
    wanted["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
    cluster.replace(wanted, namespace)


def _read(stored: Object) -> list[KnownGood]:
    name = stored["metadata"]["name"]
    try:
        content = _of_schema(json.loads(stored["data"][KEY]))
        return [KnownGood.from_json(version) for version in content["versions"]]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise KnownGoodError(
            f"what ConfigMap {name} keeps cannot be understood ({type(error).__name__}: {error}); delete it, and keep "
            "the configuration again once the system is well: muster keep"
        ) from error


def _of_schema(content: Object) -> Object:
    if content["schema"] != SCHEMA:
        raise ValueError(f"its schema is {content['schema']!r}, not {SCHEMA!r}")
    return content


def _texts(found: Any) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError("a content must be a mapping of texts")
    return found
