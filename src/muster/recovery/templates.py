"""What changed between two pod templates, one line for people each."""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]

# Written by controllers and tools with every rollout; they change nothing that runs.
BOOKKEEPING = {"pod-template-hash", "controller-revision-hash", "kubectl.kubernetes.io/restartedAt"}
CONTAINER_LISTS = {"initContainers": "init container", "containers": "container"}
NAMED_LISTS = {"env": "env", "volumeMounts": "volume mount", "ports": "port"}


def changes(old: Template, new: Template) -> list[str]:
    """What is different in `new`: `container api: env RATE was added: 'fast'`. Empty where nothing that matters is."""
    found = []
    for part in ("labels", "annotations"):
        before, after = (_settings((template.get("metadata") or {}).get(part)) for template in (old, new))
        found += _differences(before, after, f"{part[:-1]} ")
    before, after = old.get("spec") or {}, new.get("spec") or {}
    for key, what in CONTAINER_LISTS.items():
        found += _containers(before.get(key) or [], after.get(key) or [], what)
    volumes = [_by_name(spec.get("volumes")) for spec in (before, after)]
    found += _differences(volumes[0], volumes[1], "volume ")
    rest = [_without(spec, *CONTAINER_LISTS, "volumes") for spec in (before, after)]
    return found + _differences(rest[0], rest[1])


def without_bookkeeping(template: Template) -> Template:
    """The template as a Deployment holds it: without the label by which its ReplicaSet tells its pods apart."""
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {k: v for k, v in (metadata.get("labels") or {}).items() if k != "pod-template-hash"}
    return {**template, "metadata": metadata}


def _containers(old: list[Template], new: list[Template], what: str) -> list[str]:
    before, after = _by_name(old), _by_name(new)
    found = [f"{what} {name} was added" for name in after if name not in before]
    found += [f"{what} {name} was removed" for name in before if name not in after]
    for name in before:
        if name in after:
            found += [f"{what} {name}: {text}" for text in _container(before[name], after[name])]
    return found


def _container(old: Template, new: Template) -> list[str]:
    found = []
    for key, what in NAMED_LISTS.items():
        before, after = (_by_name(container.get(key), place=key == "volumeMounts") for container in (old, new))
        found += _differences(before, after, f"{what} ")
    return found + _differences(_without(old, *NAMED_LISTS), _without(new, *NAMED_LISTS))


def _differences(old: Template, new: Template, what: str = "") -> list[str]:
    found = []
    for key in sorted({*old, *new}, key=str):
        if key not in old:
            found.append(f"{what}{key} was added: {_show(new[key])}")
        elif key not in new:
            found.append(f"{what}{key} was removed (it was {_show(old[key])})")
        elif old[key] != new[key]:
            found.append(f"{what}{key} was changed from {_show(old[key])} to {_show(new[key])}")
    return found


def _without(content: Template, *keys: str) -> Template:
    return {key: value for key, value in content.items() if key not in keys}


def _settings(values: Template | None) -> Template:
    return {key: value for key, value in (values or {}).items() if key not in BOOKKEEPING}


def _by_name(items: list[Template] | None, *, place: bool = False) -> dict[str, Template]:
    """List elements by what they are known by: a name, for volume mounts and unnamed ports their place."""
    if place:
        return {item["mountPath"]: item for item in items or []}
    return {str(item.get("name") or item.get("containerPort")): item for item in items or []}


def _show(value: Any) -> str:
    """A value in short: an element by its value alone, a reference by what it refers to."""
    if isinstance(value, dict):
        inner = {key: part for key, part in value.items() if key != "name"}
        return _show(next(iter(inner.values()))) if len(inner) == 1 and "name" in value else str(inner or value)
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
