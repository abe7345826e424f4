"""Volumes whose files come from the API: configMap, secret, downwardAPI, projected (tokens among these).

The files are replaced all at once, as a kubelet does it: they are links into `..data`, itself a link that is switched
to a new directory in one step.
"""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from muster.embedded.node.sources import MissingSourceError, Sources, read_field
from muster.embedded.node.volumes.tokens import PodTokens
from muster.embedded.objects import Object

DATA = "..data"
KINDS = ("configMap", "secret", "downwardAPI", "projected")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a volume."""

    content: bytes
    mode: int


Payload = dict[str, File]  # by path within the volume


def payload_of(volume: Object, pod: Object, sources: Sources, tokens: PodTokens) -> Payload:
    """The files that the volume is to hold now.

    Raises:
        MissingSourceError: what they come from is not there and not optional.
    """
    if "projected" in volume:
        projected = volume["projected"]
        mode = projected.get("defaultMode") or 0o644
        files: Payload = {}
        for source in projected.get("sources") or ():
            if wish := source.get("serviceAccountToken"):
                files[wish["path"]] = File(tokens.token(wish).encode(), mode)
            else:
                files |= _files_of(source, pod, sources, mode)
        return files
    return _files_of(volume, pod, sources, 0o644)


def _files_of(volume: Object, pod: Object, sources: Sources, mode: int) -> Payload:
    if source := volume.get("configMap"):
        content = sources.config_map(source["name"], optional=bool(source.get("optional")))
        return _select(source, content, mode)
    if source := volume.get("secret"):
        name = source.get("secretName") or source["name"]  # `name` in a projected volume
        return _select(source, sources.secret(name, optional=bool(source.get("optional"))), mode)
    if source := volume.get("downwardAPI"):
        mode = source.get("defaultMode") or mode
        return {
            item["path"]: File(
                read_field(pod, (item.get("fieldRef") or {}).get("fieldPath", "")).encode(), item.get("mode") or mode
            )
            for item in source.get("items") or ()
        }
    return {}


def _select(source: Object, content: dict[str, bytes] | None, mode: int) -> Payload:
    mode = source.get("defaultMode") or mode
    if content is None:
        return {}
    if not source.get("items"):
        return {key: File(value, mode) for key, value in content.items()}
    files: Payload = {}
    for item in source["items"]:
        if item["key"] in content:
            files[item["path"]] = File(content[item["key"]], item.get("mode") or mode)
        elif not source.get("optional"):
            raise MissingSourceError(f"references non-existent config key: {item['key']}")
    return files


def write(directory: Path, payload: Payload) -> None:
    """Make `directory` hold the payload; readers see the old files or the new ones."""
    fresh = directory / f"..{uuid.uuid4().hex[:12]}"
    fresh.mkdir(parents=True)
    for path, file in payload.items():
        target = fresh / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(file.mode)
    before = directory / DATA
    old = before.readlink() if before.is_symlink() else None
    switch = directory / f"{DATA}_tmp"
    switch.symlink_to(fresh.name)
    switch.replace(before)
    wanted = {path.partition("/")[0] for path in payload}
    for name in wanted:
        link = directory / name
        if not link.is_symlink():
            link.symlink_to(f"{DATA}/{name}")
    for entry in directory.iterdir():
        if not entry.name.startswith("..") and entry.name not in wanted:
            entry.unlink()
    if old is not None:
        shutil.rmtree(directory / old, ignore_errors=True)
