"""Gathering what a gate is held on: the release, what runs, a snapshot, objects, and what is on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from muster.base.errors import ClusterError, MusterError, UsageError
from muster.gate.answers import Answers
from muster.gate.subject import Proven, Subject, is_embedded, objects_of
from muster.history import History
from muster.history.plan import Planned
from muster.history.query import Filters
from muster.kube import Cluster
from muster.release.record import Release, find_release
from muster.release.wanted import Wanted, read_wanted
from muster.snapshot.gather import gather as snapshot_of
from muster.store.errors import NoHistoryError
from muster.system import SystemDefinition
from muster.system.manifests import read_manifests
from muster.system.version import SystemVersion, of_cluster, of_manifests, version_from_json

Store = tuple[str, Path]


def release_of(
    said: str, cluster: Cluster, system: SystemDefinition
) -> tuple[Wanted, SystemVersion, SystemVersion | str]:
    """A release as a person names it, its version, and the version that runs, or why that is not known.

    An image that is named by a tag is what the cluster runs under that name.

    Raises:
        UsageError: there is no such release.
        ClusterError: the cluster cannot be asked what runs.
    """
    wanted = read_wanted(said, cluster, system)
    try:
        running: SystemVersion | str = of_cluster(cluster, system)
    except ClusterError as error:
        running = str(error)
    known = {} if isinstance(running, str) else {one.image: one.digest for one in running.images if one.digest}
    objects = list(wanted.objects)
    if not Path(said).is_dir():  # an image: the rest is as it is
        brought = {(one["kind"], one["metadata"]["name"]) for one in objects}
        own = read_manifests(system.manifest_directory, system.namespace)
        objects += [one for one in own if (one["kind"], one["metadata"]["name"]) not in brought]
    return wanted, of_manifests(objects, system, known), running


def gather(
    said: str,
    cluster: Cluster,
    system: SystemDefinition,
    *,
    store: Store,
    plan: Callable[[], Mapping[str, Planned]],
    cluster_name: str,
    within: float,
    now: datetime,
) -> Subject:
    """Everything that looks need. What cannot be had is told by them, each for itself.

    Raises:
        UsageError: there is no such release, or the store is none.
        ClusterError: the cluster cannot be asked what runs.
        HistoryError: the store cannot be used.
    """
    wanted, version, running = release_of(said, cluster, system)
    objects = objects_of(cluster, system.namespace)
    return Subject(
        system=system,
        release=wanted.told.version or _called(said),
        brought=wanted.version,
        wanted=version,
        running=running,
        snapshot=snapshot_of(lambda: cluster, system, namespace=system.namespace, within=within),
        objects=objects,
        proven=proven_of(system, version, store, plan, cluster_name),
        record=_record(cluster, system),
        cluster=cluster_name,
        evidence="rehearsal" if cluster.embedded or is_embedded(objects) else "cluster",
        now=now,
    )


def _called(said: str) -> str:
    """What a release is called that does not say it: its directory's name, or its image."""
    return Path(said).resolve().name or "release" if Path(said).is_dir() else said


def proven_of(
    system: SystemDefinition,
    version: SystemVersion,
    store: Store,
    plan: Callable[[], Mapping[str, Planned]],
    cluster_name: str,
) -> Proven:
    """What is on record; nothing where there is no store yet."""
    planned: Mapping[str, Planned] | str
    try:
        planned = plan()
    except MusterError as error:
        planned = str(error)
    try:
        with History.open(*store) as history, Answers.open(*store) as answers:
            drills = history.drills(Filters(system=system.name))
            return Proven(
                plan=planned,
                drills=drills,
                objectives=history.objectives(drills),
                versions=_versions(history.versions(drills)),
                answers=answers.answers(system.name, version.id) if version.id else (),
                baseline=answers.baseline(system.name, cluster_name, other_than=version.id or ""),
            )
    except NoHistoryError:
        return Proven(plan=planned)


def _versions(kept: Mapping[str, object]) -> dict[str, SystemVersion]:
    """The versions that can be understood: one that was changed is of nothing."""
    found = {}
    for key, content in kept.items():
        try:
            found[key] = version_from_json(content)
        except ValueError:
            continue
    return found


def _record(cluster: Cluster, system: SystemDefinition) -> Release | None:
    try:
        return find_release(cluster, system.namespace)
    except MusterError:
        return None


def asked_version(said: str | None, cluster: Cluster, system: SystemDefinition) -> SystemVersion:
    """The version that an answer is about: of the release that is named, else what the cluster runs.

    Raises:
        UsageError: there is no such release, or its content is not known.
        ClusterError: the cluster cannot be asked.
    """
    version = release_of(said, cluster, system)[1] if said else of_cluster(cluster, system)
    if version.id is None:
        raise UsageError(f"an answer is about images by content, and that is not known: {version.unknown[0]}")
    return version
