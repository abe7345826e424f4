"""Exec plugins of a kubeconfig: programs that print credentials (client.authentication.k8s.io)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from muster.base.clock import utc
from muster.base.errors import ClusterError, TimeoutExceededError, UsageError
from muster.base.process import Child
from muster.kube.entries import PluginEntry, header_value

WITHIN_S = 30.0  # a plugin that asks a person something cannot be answered here, and would wait for ever
LONGEST_WORDS = 300


@dataclass(frozen=True)
class Credential:
    """What a plugin printed: a bearer token, a client certificate with its key (PEM), or both; until when it holds."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    until: datetime | None = None

    @property
    def holds(self) -> bool:
        return self.until is None or utc() < self.until


def run_plugin(entry: PluginEntry, cluster: Mapping[str, Any], where: str, *, within: float = WITHIN_S) -> Credential:
    """Ask a plugin for credentials; `cluster` is what it is told of the cluster where it wants to know.

    What it printed on standard output is never quoted, and what it says on standard error is, without the values that
    the kubeconfig gave it in its environment.

    Raises:
        UsageError: it is not there, or wants a terminal.
        ClusterError: it failed, said what makes no sense, or did not end within so many seconds.
    """
    name = f"{where}: exec plugin '{Path(entry.command).name}'"
    if entry.interactive == "Always":
        raise UsageError(f"{name} wants a terminal (interactiveMode: Always), and there is none here")
    if shutil.which(entry.command) is None:
        hint = f": {' '.join(entry.install_hint.split())}" if entry.install_hint.strip() else ""
        raise UsageError(f"{name} is not found, or cannot be executed ({entry.command}){hint}")
    code, printed, said = _run(entry, cluster, name, within)
    words = _words(said, entry)
    if code != 0:
        raise ClusterError(f"{name} ended with {code}: {words or 'it did not say why'}")
    return _credential(entry, printed, name, words)


def _run(entry: PluginEntry, cluster: Mapping[str, Any], name: str, within: float) -> tuple[int, str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if entry.provide_cluster:
        spec["cluster"] = dict(cluster)
    told = json.dumps({"apiVersion": entry.version, "kind": "ExecCredential", "spec": spec})
    environment = {variable.name: variable.value for variable in entry.environment}
    # In memory: what is printed is a credential, and must not be found on a disk.
    with _memory() as printed, _memory() as said:
        try:
            child = Child(
                [entry.command, *entry.arguments],
                env={**environment, "KUBERNETES_EXEC_INFO": told},
                stdout=printed.fileno(),
                stderr=said.fileno(),
                grace=0.5,
            )
        except (OSError, ValueError) as error:  # a NUL or a '=' in the name of a variable, say
            raise UsageError(f"{name} cannot be started: {type(error).__name__}") from None
        with child:
            try:
                code = child.wait(within=within, reason=name)
            except TimeoutExceededError:
                code = None
        texts = []
        for file in (printed, said):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    if code is None:
        words = _words(texts[1], entry)
        raise ClusterError(f"{name} did not end within {within:g} s{f': {words}' if words else ''}")
    return code, texts[0], texts[1]


def _memory() -> Any:
    return os.fdopen(os.memfd_create("plugin"), "w+b")


def _words(said: str, entry: PluginEntry) -> str:
    """The end of what a plugin said, in one line."""
    for variable in entry.environment:
        if len(variable.value) >= 6:
            said = said.replace(variable.value, "...")
    line = " ".join(said.split())
    return line if len(line) <= LONGEST_WORDS else f"...{line[-LONGEST_WORDS:]}"


def _credential(entry: PluginEntry, printed: str, name: str, words: str) -> Credential:
    more = f" (it said: {words})" if words else ""
    try:
        answer = json.loads(printed)
    except (ValueError, RecursionError):
        raise ClusterError(f"{name} printed no JSON{more}") from None
    status = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(status, dict):
        raise ClusterError(f"{name} printed no ExecCredential with a 'status'{more}")
    if answer.get("apiVersion") != entry.version:
        raise ClusterError(f"{name} answered in another version than {entry.version}")
    token, certificate, key = (
        _text(status, field, name) for field in ("token", "clientCertificateData", "clientKeyData")
    )
    if bool(certificate) != bool(key):
        raise ClusterError(f"{name} printed one of clientCertificateData and clientKeyData without the other")
    if not token and not certificate:
        raise ClusterError(f"{name} printed neither a token nor a client certificate{more}")
    if token:
        header_value(token, f"the token of {name}")
    return Credential(token, certificate, key, _until(status.get("expirationTimestamp"), name))


def _text(status: Mapping[str, Any], field: str, name: str) -> str:
    value = status.get(field)
    if not isinstance(value, str | None):
        raise ClusterError(f"{name} printed a '{field}' that is no text")
    return (value or "").strip() if field == "token" else value or ""


def _until(stamp: Any, name: str) -> datetime | None:
    if stamp is None:
        return None
    try:
        until = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        raise ClusterError(f"{name} printed an 'expirationTimestamp' that is no time") from None
    if until.tzinfo is None:
        raise ClusterError(f"{name} printed an 'expirationTimestamp' without a time zone")
    return until
