"""What the instances say of their configuration, and keeping what was found good for the day when it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from muster.base.clock import utc_iso
from muster.base.errors import RefusedError, UsageError
from muster.kube import Cluster
from muster.probes.answers.content import values_at
from muster.probes.answers.instances import Told, ask_instances
from muster.probes.answers.reading import read_once
from muster.probes.http.outcomes import Outcome
from muster.recovery.confirmation import is_borne_by, not_made_since
from muster.recovery.workloads import find_workload
from muster.safety.audit import AuditLog, who
from muster.safety.guards import check_nothing_open
from muster.system import SystemDefinition, SystemState
from muster.system.known_good import Content, KnownGood, keep, known_good, store_name
from muster.system.operations import Configuration
from muster.system.pods import troubles

Object = dict[str, Any]


@dataclass(frozen=True)
class Reports:
    """What the answers of serving instances say of one configuration; `tells` is False where system.yaml names nothing
    by which they would. `failed` answers were none."""

    tells: bool
    versions: Sequence[Any] = ()
    errors: Sequence[str] = ()
    failed: int = 0
    first_failure: str = ""

    def all_have(self, version: Any) -> bool:
        """Whether every instance that was asked answered that it has this version, and nothing against it."""
        return not self.failed and not self.errors and set(map(_key, self.versions)) == {_key(version)}

    @property
    def strange(self) -> str | None:
        """Why what they say is no sound configuration of all of them, a phrase; None where it is."""
        if self.failed:
            return f"{self.failed} questions for the status came to nothing ({self.first_failure})"
        if self.errors:
            return f"an instance reports: {self.errors[0]}"
        different = sorted({str(version) for version in self.versions})
        if len(different) > 1:
            return f"the instances have different versions ({', '.join(different)})"
        return None if different else "no instance tells its version"


class Kept(NamedTuple):
    """A configuration that is kept: whether that is `new`, and the version."""

    config_map: str
    new: bool
    version: KnownGood

    def __str__(self) -> str:
        version = f"version {self.version.reported}, " if self.version.reported is not None else ""
        how = "kept" if self.new else "is the newest kept already"
        return f"ConfigMap {self.config_map} {how} ({version}digest {self.version.content.digest[:12]})"


def ask_reports(system: SystemDefinition, url: str, configurations: Iterable[Configuration]) -> list[Reports]:
    """What the serving instances behind `url` say of each configuration; asked once for all.

    Raises:
        UsageError: the URL cannot be asked.
    """
    configurations = list(configurations)
    request = system.operations.status
    if request is None or not any(one.version for one in configurations):
        return [Reports(tells=False) for _ in configurations]
    told = ask_instances(url, request)
    return [_reports(told, one) for one in configurations]


def configurations_of(system: SystemDefinition, config_map: str | None = None) -> list[Configuration]:
    """The configurations that system.yaml names, or the one of that name.

    Raises:
        UsageError: it names none, or not that one.
    """
    named = system.operations.configuration
    if not named:
        raise UsageError(f"system '{system.name}' declares no 'operations.configuration' in its system.yaml")
    chosen = [one for one in named if config_map in {None, one.config_map}]
    if not chosen:
        there = ", ".join(one.config_map for one in named)
        raise UsageError(f"ConfigMap '{config_map}' is no configuration of system '{system.name}' (there are: {there})")
    return chosen


def check_healthy(cluster: Cluster, system: SystemDefinition) -> None:
    """Let pass a system with which its configuration may be called good.

    Raises:
        RefusedError: a fault is in force, a workload is not ready, or a pod crashes.
        ClusterError: the cluster cannot be asked.
    """
    check_nothing_open(cluster, system.namespace)
    crashing = [str(trouble) for pod in cluster.list("Pod", system.namespace) for trouble in troubles(pod)]
    if ill := crashing or SystemState(cluster, system).unready():
        raise RefusedError(f"nothing is kept, as system '{system.name}' is not healthy: {ill[0]}")


def keep_configuration(
    cluster: Cluster, system: SystemDefinition, configuration: Configuration, url: str, *, why: str, audit: AuditLog
) -> Kept:
    """Keep a configuration of a system that was found healthy, as its last known good one.

    Raises:
        RefusedError: not all instances show that they have it, or one has something against it, or it is too large.
        KnownGoodError: what was kept before cannot be understood.
        ClusterError: it could not be written.
    """
    name, namespace = configuration.config_map, system.namespace
    found = _found(cluster, namespace, name)
    content = Content.of(found)
    (reports,) = ask_reports(system, url, [configuration])
    if reports.tells and reports.strange:
        raise RefusedError(f"ConfigMap {name} is not kept: {reports.strange}")
    version = reports.versions[0] if reports.tells else None
    kept = known_good(cluster, namespace, name)
    if trouble := _contradicted(kept, content, version, store_name(name)):
        raise RefusedError(f"ConfigMap {name} is not kept: {trouble}")
    is_known = any(older.content == content and version in (None, older.reported) for older in kept)
    if not is_known and (trouble := _unconfirmed(cluster, namespace, configuration, found, version)):
        raise RefusedError(f"ConfigMap {name} is not kept: {trouble}")
    if Content.of(_found(cluster, namespace, name)) != content:
        raise RefusedError(f"ConfigMap {name} is not kept: it was changed at this moment")
    good = KnownGood(content, utc_iso(timespec="seconds"), who(), why, version, _is_stored(system, url))
    new = keep(cluster, namespace, name, good)
    if new:
        target = f"{cluster.context}/{namespace}"
        said = {"objects": [f"ConfigMap/{name}"], "config_map": name, "digest": content.digest}
        audit.record("keep configuration", target=target, outcome="done", **said)
    return Kept(name, new, good)


def _is_stored(system: SystemDefinition, url: str) -> bool:
    """Whether the service shows that something was written: by that it is told later that it hides it."""
    return bool(system.read.once_written) and read_once(url, system.read, written=True).outcome is Outcome.OK


def _contradicted(kept: Iterable[KnownGood], content: Content, version: Any, store: str) -> str:
    """What was kept before that speaks against content and version belonging together; empty where nothing does."""
    for older in kept:
        if None in (version, older.reported):
            continue
        if older.reported == version and older.content != content:
            return f"the instances still have version {version}, that of {older.kept}"
        if older.content == content and older.reported != version:
            return (
                f"what it holds was kept on {older.kept} with version {older.reported}, and the instances report "
                f"{version}: they have not taken it over (a kubelet shows a change up to 90 s late, and a program that "
                f"does not follow wants a restart); where what was kept is wrong, delete ConfigMap {store} first"
            )
    return ""


def _unconfirmed(cluster: Cluster, namespace: str, configuration: Configuration, found: Object, version: Any) -> str:
    """Why it does not show that the instances run by a content that was never kept before; empty where it does."""
    if is_borne_by(version, Content.of(found)):
        return ""
    workloads = [find_workload(cluster, namespace, name) for name in configuration.used_by]
    if older := not_made_since(found, [pod for workload in workloads for pod in workload.pods()]):
        names = ", ".join(map(str, workloads)) or "those that use it, name them in system.yaml ('used_by')"
        return f"it does not show that the instances run by it, as {older}; restart {names}, and keep it then"
    return ""


def _found(cluster: Cluster, namespace: str, config_map: str) -> Object:
    found = cluster.find("ConfigMap", config_map, namespace)
    if found is None:
        raise RefusedError(f"ConfigMap {config_map} is not kept: there is none in namespace '{namespace}'")
    return found


def _reports(told: Told, configuration: Configuration) -> Reports:
    if configuration.version is None:
        return Reports(tells=False)
    versions = [value for document in told.documents for value in values_at(document, configuration.version)]
    where = configuration.error
    errors = [str(value) for document in told.documents if where for value in values_at(document, where) if value]
    return Reports(
        tells=True, versions=versions, errors=errors, failed=told.failed, first_failure=told.first_failure or "no JSON"
    )


def _key(version: Any) -> str:
    return f"{type(version).__name__} {version}"
