"""Kubeconfig files: found and merged as kubectl does it, and cut down to one context."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from muster.base.documents import Document, read_document
from muster.base.errors import UsageError
from muster.base.files import write_atomically

# What stands under each name in a section.
SECTIONS = {"contexts": "context", "clusters": "cluster", "users": "user"}
FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")

Entry = dict[str, Any]


def kubeconfig_paths() -> list[Path]:
    """The user's kubeconfig files, as kubectl finds them."""
    named = os.environ.get("KUBECONFIG", "")
    paths = [Path(part) for part in named.split(os.pathsep) if part]
    return paths or [Path.home() / ".kube" / "config"]


def contexts(paths: list[Path] | None = None) -> list[str]:
    """The names of the contexts that there are, sorted.

    Raises:
        UsageError: a file is no kubeconfig.
    """
    merged = _merged(kubeconfig_paths() if paths is None else paths)
    return sorted(merged["contexts"])


def single_context(context: str, paths: list[Path] | None = None) -> dict[str, Any]:
    """The content of a kubeconfig that holds `context` and nothing else; its file names are absolute.

    Raises:
        UsageError: there is no such context (the message lists those that there are), or it leads nowhere.
    """
    merged = _merged(kubeconfig_paths() if paths is None else paths)
    if context not in merged["contexts"]:
        there = ", ".join(sorted(merged["contexts"])) or "none"
        raise UsageError(f"kube context '{context}' not found in the kubeconfig (there are: {there})")
    chosen = merged["contexts"][context]
    cluster, user = (_name_in(chosen, key, context) for key in ("cluster", "user"))
    if not cluster:
        raise UsageError(f"kube context '{context}' names no cluster in the kubeconfig")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": context,
        "contexts": [{"name": context, "context": chosen}],
        "clusters": [{"name": cluster, "cluster": _named(merged, "clusters", cluster, context)}],
        "users": [{"name": user, "user": _named(merged, "users", user, context)}] if user else [],
    }


def isolated_kubeconfig(context: str, target: Path, *, paths: list[Path] | None = None) -> Path:
    """Write a kubeconfig that holds `context` and nothing else, so that no program can reach another cluster by it.

    It holds credentials: `target` belongs into a directory that goes with the run (`muster.base.private`).

    Raises:
        UsageError: there is no such context; the message lists those that there are.
    """
    return write_content(single_context(context, paths), target)


def write_content(content: Mapping[str, Any], target: Path) -> Path:
    """Write the content of a kubeconfig to a file that only this user can read."""
    write_atomically(target, yaml.safe_dump(dict(content), sort_keys=False), mode=0o600)
    return target


def only_context(path: Path) -> dict[str, Any]:
    """The content of a kubeconfig that was written with a single context.

    Raises:
        UsageError: the file is no kubeconfig, or names more than one context.
    """
    names = list(_sections(path)["contexts"])
    if len(names) != 1:
        raise UsageError(f"{path} must hold exactly one context; write one with muster.kube.isolated_kubeconfig")
    return single_context(names[0], [path])


def _merged(paths: list[Path]) -> dict[str, dict[str, Entry]]:
    """The files' entries by section and name, the first of a name winning; a file that is not there is left out."""
    merged: dict[str, dict[str, Entry]] = {section: {} for section in SECTIONS}
    for path in paths:
        if path.exists():
            for section, entries in _sections(path).items():
                merged[section] = {**entries, **merged[section]}
    return merged


def _sections(path: Path) -> dict[str, dict[str, Entry]]:
    document = read_document(path, "kubeconfig")
    # To kubectl an empty file is one that adds nothing.
    content = {} if document.content is None else document.content
    if not isinstance(content, dict) or content.get("kind", "Config") != "Config":
        raise UsageError(f"{document.where()}: not a kubeconfig, which is a mapping of kind Config")
    return {section: _entries(document, section, content.get(section)) for section in SECTIONS}


def _entries(document: Document, section: str, listed: Any) -> dict[str, Entry]:
    """The entries of a section by name.

    Raises:
        UsageError: it is no list of named mappings, or has a name twice.
    """
    if not isinstance(listed, list | None):
        raise UsageError(f"{document.where([section])}: '{section}' must be a list")
    inner, found = SECTIONS[section], dict[str, Entry]()
    for number, one in enumerate(listed or []):
        where = document.where([section, number])
        if not isinstance(one, dict):
            raise UsageError(f"{where}: an item of '{section}' must be a mapping with 'name' and '{inner}'")
        name, content = one.get("name"), one.get(inner)
        if not isinstance(name, str) or not name:
            raise UsageError(f"{where}: an item of '{section}' must have a 'name' that is a text")
        if name in found:
            raise UsageError(f"{where}: '{section}' names '{name}' for the second time")
        if not isinstance(content, dict | None):
            raise UsageError(f"{where}: '{inner}' of '{name}' must be a mapping")
        found[name] = _absolute(content or {}, document.path.absolute().parent)
    return found


def _absolute(entry: Entry, directory: Path) -> Entry:
    """The entry with what is relative to its file made absolute; a command without a slash is looked for in PATH."""
    found = dict(entry)
    for key in FILES:
        if isinstance(entry.get(key), str) and entry[key]:
            found[key] = str(directory / entry[key])
    plugin = entry.get("exec")
    if isinstance(plugin, dict) and isinstance(command := plugin.get("command"), str) and os.sep in command:
        found["exec"] = {**plugin, "command": str(directory / command)}
    return found


def _name_in(chosen: Entry, key: str, context: str) -> str:
    name = chosen.get(key) or ""
    if not isinstance(name, str):
        raise UsageError(f"kube context '{context}': its '{key}' must be a text (a number stands in quotes)")
    return name


def _named(merged: dict[str, dict[str, Entry]], section: str, name: str, context: str) -> Entry:
    if name not in merged[section]:
        raise UsageError(f"kube context '{context}' names {section[:-1]} '{name}', which is not in the kubeconfig")
    return merged[section][name]
