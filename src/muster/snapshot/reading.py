"""Reading snapshots: muster's own, a Kubernetes `List`, and collections of recorded scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from muster.base.errors import UsageError
from muster.snapshot.clean import clean, clean_line
from muster.snapshot.model import SCHEMA, LogTail, Object, Snapshot
from muster.snapshot.saving import from_json

RIGHT = "right would be a snapshot of muster, a Kubernetes List in JSON, or a file of scenarios"
_TIMES = ("lastTransitionTime", "lastUpdateTime", "lastTimestamp", "eventTime", "finishedAt", "startedAt", "renewTime")


def read_snapshot(path: Path, scenario: str | None = None) -> Snapshot:
    """Read a file that holds a snapshot; of a collection of scenarios the one of that name.

    Raises:
        UsageError: it cannot be read, is none, is of another schema, or has no such scenario.
    """
    content = _document(path)
    if "scenarios" in content:
        return _scenario(content, path, scenario)
    if scenario is not None:
        raise UsageError(f"{path} holds no scenarios, so that there is none to name; leave --scenario out")
    try:
        if content.get("kind") == "List" or str(content.get("kind", "")).endswith("List"):
            return of_objects(_items(content))
        schema = content.get("schema")
        if schema == SCHEMA:
            return _checked(from_json(content))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} is no whole snapshot ({type(error).__name__}: {error}); {RIGHT}") from None
    if isinstance(schema, str):
        raise UsageError(f"{path} is of schema '{schema}', and this muster reads '{SCHEMA}'")
    raise UsageError(f"{path} is no snapshot; {RIGHT}")


def scenarios_of(path: Path) -> list[str]:
    """The names of the scenarios that a file holds; none where it is no collection.

    Raises:
        UsageError: it cannot be read.
    """
    return [str(one["name"]) for one in _document(path).get("scenarios", [])]


def of_objects(items: Iterable[Object], logs: Mapping[str, Any] | None = None, namespace: str = "") -> Snapshot:
    """A snapshot of objects that somebody else listed, as late as the latest time that stands in one of them.

    `logs` are lines by `pod/container`, or `pod/container/previous`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: these are no objects.
    """
    objects = tuple(clean(item) for item in items)
    namespaces = {str(item["metadata"].get("namespace") or "") for item in objects} - {""}
    only = namespace or (next(iter(namespaces)) if len(namespaces) == 1 else "")
    return _checked(
        Snapshot(
            taken=_latest(objects),
            namespace=only,
            listed=_listed(objects),
            objects=objects,
            logs=tuple(_tail(key, lines, only) for key, lines in (logs or {}).items()),
        )
    )


def _listed(objects: Iterable[Object]) -> frozenset[str]:
    """Whoever listed pods and workloads listed configuration and Services with them, or at least one is there."""
    return frozenset(str(item["kind"]) for item in objects)


def _scenario(content: dict[str, Any], path: Path, name: str | None) -> Snapshot:
    try:
        scenarios = {str(one["name"]): one for one in content["scenarios"]}
        if name is None or name not in scenarios:
            which = "name one with --scenario" if name is None else f"there is no scenario '{name}' in it"
            raise UsageError(f"{path}: {which} (there are: {'; '.join(sorted(scenarios))})")
        one = scenarios[name]
        objects = [*one["objects"], *content.get("nodes", [])]
        return of_objects(objects, one.get("logs"), str(one.get("namespace", "")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} holds no scenarios that can be read ({type(error).__name__}: {error})") from None


def _document(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"snapshot {path} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path} is no JSON ({error}); {RIGHT}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} is no snapshot; {RIGHT}")
    return content


def _items(content: dict[str, Any]) -> list[Object]:
    items = content["items"]
    if not isinstance(items, list):
        raise TypeError("'items' is no list")
    kind = str(content["kind"]).removesuffix("List")
    return [{"kind": kind, **item} if kind and "kind" not in item else item for item in items]


def _checked(snapshot: Snapshot) -> Snapshot:
    """A snapshot all of whose objects have what every object has.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: one has not.
    """
    datetime.fromisoformat(snapshot.taken)
    for item in snapshot.objects:
        if not isinstance(item["kind"], str) or not isinstance(item["metadata"]["name"], str):
            raise TypeError("an object without kind and name")
        if item["kind"] == "Event":
            item["involvedObject"]["kind"]
        for part in ("spec", "status"):
            if not isinstance(item.get(part) or {}, dict):
                raise TypeError(f"{item['kind']} {item['metadata']['name']} has a {part} that is no mapping")
    return snapshot


def _tail(key: str, lines: Iterable[str], namespace: str) -> LogTail:
    pod, container, *rest = key.split("/")
    return LogTail(namespace, pod, container, rest == ["previous"], tuple(clean_line(line) for line in lines))


def _latest(objects: Iterable[Object]) -> str:
    """The latest time that controllers wrote into an object."""
    found = ["1970-01-01T00:00:00Z"]
    todo: list[Any] = [[item.get("status"), item.get("lastTimestamp"), item] for item in objects]
    for status, _, item in todo:
        found += [str(item[key]) for key in _TIMES if item.get(key)]
        found.append(str(item["metadata"].get("creationTimestamp") or ""))
        inner: list[Any] = [status]
        while inner:
            value = inner.pop()
            if isinstance(value, dict):
                found += [str(value[key]) for key in _TIMES if isinstance(value.get(key), str)]
                inner += value.values()
            elif isinstance(value, list):
                inner += value
    return max(text for text in found if text)
