"""From a kubeconfig to a cluster, always through a context that was named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from muster.base.errors import ClusterError, UsageError
from muster.base.files import write_atomically
from muster.kube.client import Cluster


def kubeconfig_paths() -> list[Path]:
    """The user's kubeconfig files, as kubectl finds them."""
    named = os.environ.get("KUBECONFIG", "")
    paths = [Path(part) for part in named.split(os.pathsep) if part]
    return paths or [Path.home() / ".kube" / "config"]


def contexts(paths: list[Path] | None = None) -> list[str]:
    """The names of the contexts that there are, sorted."""
    merged = _merged(kubeconfig_paths() if paths is None else paths)
    return sorted(entry["name"] for entry in merged["contexts"])


def isolated_kubeconfig(context: str, target: Path, *, paths: list[Path] | None = None) -> Path:
    """Write a kubeconfig that holds `context` and nothing else, so that no program can reach another cluster by it.

    Raises:
        UsageError: there is no such context; the message lists those that there are.
    """
    merged = _merged(kubeconfig_paths() if paths is None else paths)
    chosen = next((entry for entry in merged["contexts"] if entry["name"] == context), None)
    if chosen is None:
        there = ", ".join(sorted(entry["name"] for entry in merged["contexts"])) or "none"
        raise UsageError(f"kube context '{context}' not found in the kubeconfig (there are: {there})")
    if not isinstance(chosen.get("context"), dict) or not chosen["context"].get("cluster"):
        raise UsageError(f"kube context '{context}' names no cluster in the kubeconfig")
    user = chosen["context"].get("user")
    single = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": context,
        "contexts": [chosen],
        "clusters": [_named(merged, "clusters", chosen["context"]["cluster"])],
        "users": [_named(merged, "users", user)] if user else [],
    }
    write_atomically(target, yaml.safe_dump(single, sort_keys=False), mode=0o600)
    return target


def connect(kubeconfig: Path, *, embedded: bool = False, timeout: float = 10.0) -> Cluster:
    """Connect to the context of a kubeconfig with a single context; `embedded` says whose cluster that is.

    Raises:
        UsageError: the file is no kubeconfig, or names more than one context.
        ClusterError: the cluster does not answer.
    """
    from kubernetes.client import Configuration  # noqa: PLC0415 - slow, and a prober needs none of it
    from kubernetes.config import ConfigException  # noqa: PLC0415
    from kubernetes.config.kube_config import load_kube_config_from_dict  # noqa: PLC0415

    content = _read(kubeconfig)
    if len(content.get("contexts") or []) != 1:
        raise UsageError(f"{kubeconfig} must hold exactly one context; write one with muster.kube.isolated_kubeconfig")
    context = content["contexts"][0]["name"]
    configuration = Configuration()
    try:
        load_kube_config_from_dict(  # type: ignore[no-untyped-call]
            content, context=context, client_configuration=configuration
        )
    except ConfigException as error:
        raise UsageError(f"kube context '{context}' cannot be used: {error}") from error
    cluster = Cluster(configuration, kubeconfig=kubeconfig, context=context, embedded=embedded, timeout=timeout)
    try:
        cluster.version()
    except ClusterError:
        cluster.close()
        raise
    return cluster


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UsageError(f"kubeconfig {path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"kubeconfig {path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} is not a kubeconfig")
    return content


def _merged(paths: list[Path]) -> dict[str, list[dict[str, Any]]]:
    """The files' entries, the first of a name winning, with relative file names made absolute (as kubectl does)."""
    merged: dict[str, list[dict[str, Any]]] = {"contexts": [], "clusters": [], "users": []}
    for path in paths:
        if not path.exists():
            continue
        content = _read(path)
        for section, entries in merged.items():
            known = {entry["name"] for entry in entries}
            for entry in content.get(section) or []:
                if entry.get("name") not in known:
                    entries.append(_absolute(entry, path.parent.absolute()))
    return merged


def _absolute(entry: dict[str, Any], directory: Path) -> dict[str, Any]:
    for inner in entry.values():
        if isinstance(inner, dict):
            for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
                if inner.get(key):
                    inner[key] = str(directory / inner[key])
    return entry


def _named(merged: dict[str, list[dict[str, Any]]], section: str, name: str) -> dict[str, Any]:
    for entry in merged[section]:
        if entry["name"] == name:
            return entry
    raise ClusterError(f"the kubeconfig's context names {section[:-1]} '{name}', which is not in it")
