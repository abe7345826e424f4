"""Whether the instances run by the content that a ConfigMap holds now.

A ConfigMap that was changed is shown to running pods late: by a kubelet after up to 90 s, and to a program that reads
it at its start only never. So that it holds something right says nothing of what runs, and what instances call their
version says something of it only where that can be told apart from an older one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from muster.system.known_good import Content

SHORTEST = 8  # characters of a version that is found in a content not by chance
Object = dict[str, Any]


def is_borne_by(version: Any, content: Content) -> bool:
    """Whether a version that instances report is told by the content itself: it is one of its texts, or the digest of
    one of its values (SHA-256, SHA-1 or MD5 in hex, or the beginning of one)."""
    if not isinstance(version, str) or len(version) < SHORTEST:
        return False
    said = version.strip().lower()
    return version in content.data.values() or any(digest.startswith(said) for digest in _digests(content))


def changed_at(config_map: Object) -> tuple[str, bool]:
    """When a ConfigMap was last changed (ISO 8601 to the second, empty where that is not told), and whether that was
    when it was made."""
    times = [str(entry.get("time") or "") for entry in config_map["metadata"].get("managedFields") or []]
    made = str(config_map["metadata"].get("creationTimestamp") or "")
    last = max(times, default="")
    return last, bool(last) and last == made


def not_made_since(config_map: Object, pods: Sequence[Object]) -> str:
    """Which pod may run by what the ConfigMap held before, a phrase; empty where each was made since its last change.

    A pod that is made is given what the ConfigMap holds, however late those that run are shown a change.
    """
    name = config_map["metadata"]["name"]
    last, at_birth = changed_at(config_map)
    if not last:
        return f"ConfigMap {name} does not tell when it was last changed"
    for pod in pods:
        made = str(pod["metadata"].get("creationTimestamp") or "")
        # Times have a resolution of 1 s; no pod starts with a ConfigMap that is not there yet.
        if made < last or (made == last and not at_birth):
            return f"pod {pod['metadata']['name']} was made {made}, before the last change of ConfigMap {name} ({last})"
    return "" if pods else f"there is no pod of which it is known that it uses ConfigMap {name}"


def _digests(content: Content) -> Iterator[str]:
    values = [text.encode(errors="replace") for text in content.data.values()]
    for text in content.binary.values():
        try:
            values.append(base64.b64decode(text, validate=True))
        except binascii.Error:
            continue
    for value in values:
        for algorithm in ("sha256", "sha1", "md5"):
            yield hashlib.new(algorithm, value, usedforsecurity=False).hexdigest()
