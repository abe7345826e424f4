"""Server-side apply: who owns which field, what an apply changes, and where two managers are at odds.

Fields are owned as paths in the form of `fieldsV1`: `f:<field>` for a field, `k:{"name":"a"}` for an element of a keyed
list, `v:"x"` for a member of a set, `.` for the thing itself.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from muster.embedded.objects import Object, timestamp
from muster.embedded.patches.merge_keys import apply_keys, is_set
from muster.embedded.resources import Resource
from muster.embedded.status import StatusError

Path = tuple[str, ...]
_UNOWNED = {
    ("f:apiVersion",), ("f:kind",), ("f:metadata", "f:name"), ("f:metadata", "f:namespace"),
    ("f:metadata", "f:managedFields"), ("f:metadata", "f:uid"), ("f:metadata", "f:resourceVersion"),
    ("f:metadata", "f:creationTimestamp"), ("f:metadata", "f:generation"), ("f:metadata",),
}  # fmt: skip


def apply(
    resource: Resource, live: Object, wanted: Object, *, manager: str, force: bool, subresource: str = ""
) -> Object:
    """The live object after `manager` applied `wanted`: what it no longer mentions goes, unless another owns it.

    Raises `StatusError` 409 where another manager owns a field that would change, unless `force`.
    """
    entries: list[Object] = [dict(entry) for entry in live.get("metadata", {}).get("managedFields") or ()]
    mine = next((e for e in entries if e["manager"] == manager and e["operation"] == "Apply"), None)
    others = [entry for entry in entries if entry is not mine]
    owned = set(paths_of(wanted))
    _settle(resource, live, wanted, owned, others, force=force)
    result = copy.deepcopy(live)
    _merge(result, wanted)
    dropped = (set(_decode(mine["fieldsV1"])) if mine else set()) - owned
    kept = set().union(*(_decode(entry["fieldsV1"]) for entry in others)) if others else set()
    # Elements of lists first and whole: without its key fields one could not be found any more.
    for path in sorted(dropped - kept, key=lambda path: (path[-1] != ".", -len(path), path)):
        _remove(result, path)
    entry = _entry(resource, manager, "Apply", owned, subresource)
    if mine and mine["fieldsV1"] == entry["fieldsV1"]:
        entry["time"] = mine["time"]
    result.setdefault("metadata", {})["managedFields"] = [entry, *(e for e in others if e["fieldsV1"])]
    return result


def note_update(resource: Resource, old: Object | None, new: Object, manager: str, subresource: str = "") -> None:
    """Move ownership of the fields that an ordinary write changed to its writer, where fields are owned at all.

    Those of `managed` types always are: it is from there that clients know when a ConfigMap was last changed, and who
    put a route back.
    """
    entries = [dict(entry) for entry in (old or {}).get("metadata", {}).get("managedFields") or ()]
    if not entries and not resource.managed:
        new.get("metadata", {}).pop("managedFields", None)
        return
    before = dict(_leaves(old or {}))
    changed = {path for path, value in _leaves(new) if before.get(path, _leaves) != value}
    gone = set(before) - {path for path, _ in _leaves(new)}
    for entry in entries:
        if not (entry["manager"] == manager and entry["operation"] == "Update"):
            entry["fieldsV1"] = _encode(set(_decode(entry["fieldsV1"])) - changed - gone)
    mine = next((e for e in entries if e["manager"] == manager and e["operation"] == "Update"), None)
    if changed - _UNOWNED:
        owned = changed | (set(_decode(mine["fieldsV1"])) - gone if mine else set())
        entries = [e for e in entries if e is not mine]
        entries.append(_entry(resource, manager, "Update", owned, subresource))
    new["metadata"]["managedFields"] = [entry for entry in entries if entry["fieldsV1"]]


def paths_of(obj: Object) -> Iterator[Path]:
    """The paths that applying `obj` owns."""
    return (path for path, _ in _leaves(obj))


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every path of an object with its value; elements of keyed lists also as themselves."""
    if isinstance(value, dict) and value:
        for field, item in value.items():
            here = (*path, f"f:{field}")
            if here not in _UNOWNED:
                yield from _field_leaves(field, item, here)
            elif here == ("f:metadata",):
                yield from _leaves(item, here)
    else:
        yield path, value


def _field_leaves(field: str, item: Any, here: Path) -> Iterator[tuple[Path, Any]]:
    if not isinstance(item, list):
        yield from _leaves(item, here)
    elif is_set(field):
        for member in item:
            yield (*here, f"v:{json.dumps(member)}"), member
    elif keys := apply_keys(field, item):
        for element in item:
            place = (*here, _element_key(element, keys))
            yield (*place, "."), None
            yield from _leaves(element, place)
    else:
        yield here, item


def _element_key(element: Object, keys: tuple[str, ...]) -> str:
    found = {key: element.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return "k:" + json.dumps(found, separators=(",", ":"), sort_keys=True)


def _settle(
    resource: Resource, live: Object, wanted: Object, owned: set[Path], others: list[Object], *, force: bool
) -> None:
    """Take fields over from other managers, where they differ; refuse without `force`."""
    present, asked = dict(_leaves(live)), dict(_leaves(wanted))
    disputes: list[tuple[str, Path]] = []
    for entry in others:
        theirs = set(_decode(entry["fieldsV1"]))
        at_odds = {path for path in owned & theirs if path[-1] != "." and present.get(path) != asked[path]}
        disputes += [(entry["manager"], path) for path in sorted(at_odds)]
        if force:
            entry["fieldsV1"] = _encode(theirs - at_odds)
    if disputes and not force:
        raise _conflict(live.get("metadata", {}).get("name", ""), resource, disputes)


def _conflict(name: str, resource: Resource, disputes: list[tuple[str, Path]]) -> StatusError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}"', "field": _shown(path)}
        for manager, path in disputes
    ]
    count = f"{len(disputes)} conflict{'s' if len(disputes) > 1 else ''}"
    listed = ", ".join(f'conflict with "{manager}": {_shown(path)}' for manager, path in disputes)
    details = {"name": name, "kind": resource.plural, "causes": causes}
    return StatusError(409, "Conflict", f"Apply failed with {count}: {listed}", details)


def _shown(path: Path) -> str:
    return "".join(f".{step[2:]}" if step.startswith("f:") else f"[{step[2:]}]" for step in path)


def _merge(target: Object, wanted: Object) -> None:
    for field, value in wanted.items():
        if isinstance(value, dict) and isinstance(target.get(field), dict):
            _merge(target[field], value)
        elif isinstance(value, list):
            target[field] = _merged_list(field, target.get(field) or [], value)
        else:
            target[field] = copy.deepcopy(value)


def _merged_list(field: str, present: list[Any], wanted: list[Any]) -> list[Any]:
    if is_set(field):
        return [*present, *(item for item in wanted if item not in present)]
    keys = apply_keys(field, wanted)
    if not keys:
        return copy.deepcopy(wanted)
    result = copy.deepcopy(present)
    places = {_element_key(item, keys): item for item in result}
    for element in wanted:
        if found := places.get(_element_key(element, keys)):
            _merge(found, element)
        else:
            result.append(copy.deepcopy(element))
    return result


def _remove(obj: Any, path: Path) -> None:
    """Take the value at `path` out of the object, if it is there."""
    path = path[:-1] if path[-1] == "." else path
    parent, last = None, ""
    for step in path:
        parent, obj, last = obj, _step(obj, step), step
        if obj is None:
            return
    if isinstance(parent, dict) and last.startswith("f:"):
        parent.pop(last[2:], None)
    elif isinstance(parent, list):
        parent.remove(obj)


def _step(obj: Any, step: str) -> Any:
    if step.startswith("f:") and isinstance(obj, dict):
        return obj.get(step[2:])
    if step.startswith("k:") and isinstance(obj, list):
        wanted = json.loads(step[2:])
        return next((item for item in obj if wanted == {key: item.get(key, "TCP") for key in wanted}), None)
    if step.startswith("v:") and isinstance(obj, list):
        value = json.loads(step[2:])
        return value if value in obj else None
    return None


def _entry(resource: Resource, manager: str, operation: str, owned: set[Path], subresource: str) -> Object:
    entry: Object = {
        "manager": manager,
        "operation": operation,
        "apiVersion": resource.api_version,
        "time": timestamp(),
        "fieldsType": "FieldsV1",
        "fieldsV1": _encode(owned),
    }
    if subresource:
        entry["subresource"] = subresource
    return entry


def _encode(owned: set[Path]) -> Object:
    tree: Object = {}
    for path in sorted(owned):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
    return tree


def _decode(tree: Object, path: Path = ()) -> Iterator[Path]:
    for step, below in tree.items():
        if below:
            yield from _decode(below, (*path, step))
        else:
            yield (*path, step)
