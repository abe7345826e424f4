"""Beginning a release, or going on with one: what must be so before anything is changed."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator

from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.base.process import run_id
from muster.base.texts import one_line
from muster.kube import Cluster
from muster.probes.answers.reading import read_once
from muster.probes.http.outcomes import Outcome
from muster.release.canary import copies
from muster.release.clients import Clients
from muster.release.contents import Contents, contents_of
from muster.release.counting import Series
from muster.release.kept import find_kept, keep
from muster.release.locks import ReleaseLock
from muster.release.needs import needs, needs_to_compare
from muster.release.planning import planned_way
from muster.release.record import DatabaseAt, Release, ReleaseBook, find_release, new_release, take_over
from muster.release.wanted import Wanted, containers_of, read_wanted, tag_of
from muster.release.work import Releasing
from muster.safety import begun_procedures
from muster.safety.audit import who
from muster.safety.rights import check_rights
from muster.system import SystemDefinition
from muster.system.release_analysis import ReleaseAnalysis
from muster.wire.canary import beside

SAME = "everything of the release runs already"


def compared(said: str, cluster: Cluster, system: SystemDefinition) -> tuple[Wanted, Contents]:
    """A release as a person names it, and what it would change; nothing is changed.

    Raises:
        UsageError: the release is wrong.
        RefusedError: a right is missing that it takes to compare it with what runs.
        ClusterError: the cluster does not answer.
    """
    wanted = read_wanted(said, cluster, system)
    check_rights(cluster, system.namespace, needs_to_compare(wanted.objects), who="the release")
    return wanted, contents_of(wanted, cluster, system)


def settings_of(system: SystemDefinition, contents: Contents, cluster: Cluster) -> tuple[ReleaseAnalysis, list[str]]:
    """The triggers that can be looked at, and what is left out with the reason.

    Raises:
        UsageError: nothing that clients are answered can be looked at.
    """
    told, left = system.release.analysis, list[tuple[str, str]]()
    serving = contents.serving
    if serving is not None and (system.metrics is None or system.metrics.requests is None):
        raise UsageError(
            f"system.yaml of {system.name} names no 'metrics.requests' and 'metrics.errors': how the new version does "
            "could not be told; right would be the counters of requests that its pods expose"
        )
    _check_selectors(system)
    if system.metrics is None or system.metrics.seconds is None:
        left.append(("latency", "system.yaml names no 'metrics.seconds'"))
    if serving is None:
        left += [(name, "what clients come in by is left alone") for name in ("error_rate", "latency")]
    if system.release.failed_agents is None:
        left.append(("failed_agents", "system.yaml names no 'release.failed_agents'"))
    if system.release.workflow_errors is None:
        left.append(("workflow_errors", "system.yaml names no 'release.workflow_errors'"))
    left += [(kind, why) for kind in ("cpu", "memory") if (why := _unmeasured(kind, contents, cluster))]
    names = [name for name, _ in left if getattr(told, name) is not None]
    try:
        settings = told.without(*names)
    except ValueError:
        raise UsageError(f"nothing of the release can be judged: {'; '.join(f'{a}: {b}' for a, b in left)}") from None
    return settings, [f"{name} is not looked at: {why}" for name, why in left if name in names]


def _check_selectors(system: SystemDefinition) -> None:
    metrics = system.metrics
    told = [] if metrics is None else [metrics.requests, metrics.errors, metrics.seconds]
    for text in (*told, system.release.workflow_errors):
        try:
            Series(text or "up")
        except ValueError as error:
            raise UsageError(f"system.yaml of {system.name}: {text}: {error}") from None


def begin(
    said: str, cluster: Cluster, system: SystemDefinition, url: str, *, time_scale: float = 1.0, id_: str = ""
) -> Releasing | None:
    """Begin a release: compare it with what runs, keep what it changes, and put it on record, under an id of its own or
    `id_`. None: nothing differs.

    Raises:
        UsageError: the release is wrong.
        RefusedError: another one is under way, a recovery was cut, the system is not well, or a right is missing.
        ClusterError: the cluster does not answer.
    """
    before = find_release(cluster, system.namespace)
    if before is not None and not before.is_over:
        raise RefusedError(f"refused: {told_of(before)}")
    wanted, contents = compared(said, cluster, system)
    if not contents.changes:
        return None
    settings, _ = settings_of(system, contents, cluster)
    _check(cluster, system, contents, url, settings)
    release = _described(wanted, contents, system, cluster, time_scale)
    release = release.model_copy(update={"stable": _stable(system, url)} | ({"id": id_} if id_ else {}))
    if before is not None:
        release = release.model_copy(update={"resource_version": before.resource_version})
    book = ReleaseBook(cluster, release.with_event(f"began: {wanted.name}", release.by))
    keep(cluster, release, contents)  # first: whoever goes on needs it from the first moment on
    book.begin()
    return Releasing(cluster, system, book, contents)


def go_on(cluster: Cluster, system: SystemDefinition, found: Release) -> Releasing:
    """Go on with a release that is under way, whoever looked after it.

    Raises:
        ReleaseRecordError: what it changes is not kept any more.
        RefusedError: it has just ended.
        ClusterError: the cluster does not answer.
    """
    contents = find_kept(cluster, found)
    state = found.state if found.state == "rolling back" else "shifting"
    book = take_over(cluster, found, state=state)
    book.tell(f"gone on with at {book.release.phase}")
    return Releasing(cluster, system, book, contents)


def lock_of(cluster: Cluster, namespace: str, told: object) -> ReleaseLock:
    """The Lease of whoever looks after the release; `told` is called with what is waited for."""
    assert callable(told)
    holder = f"{who()} on {socket.gethostname()} ({secrets.token_hex(3)})"
    return ReleaseLock(cluster.unobserved(), namespace, holder, run=run_id(), told=told)


def version_of(wanted: Wanted, contents: Contents) -> str:
    """What the new version is called: as the release says, else by the image of what it changes, what clients come in
    by before all else."""
    if wanted.told.version:
        return wanted.told.version
    order = sorted(contents.rolled, key=lambda one: not one.serves)
    tags = [tag_of(str(one.get("image", ""))) for rolled in order for one in containers_of(rolled.wanted)]
    return next(filter(None, tags), wanted.version)


def told_of(release: Release) -> str:
    """What a person should know of a release that is under way, with the commands that end it."""
    return (
        f"{release.target} ({release.release}) is under way since {release.began}, {release.state} at phase "
        f"{release.phase} with {release.share.possible:.0%} of traffic, looked after by {release.by} on "
        f"{release.host}; go on with 'muster deploy --continue', or end it with 'muster rollback'"
    )


def _check(cluster: Cluster, system: SystemDefinition, contents: Contents, url: str, settings: ReleaseAnalysis) -> None:
    if begun := begun_procedures(cluster, system.namespace):
        raise RefusedError(f"refused: {begun[0].told(cluster)}")
    way = planned_way(cluster, system, contents)
    needed = needs(contents, system, "" if way is None else way.name, settings.names())
    check_rights(cluster, system.namespace, needed, who="the release")
    answer = read_once(url, system.read)
    if answer.outcome is not Outcome.OK:
        raise RefusedError(
            f"refused: the service is not well now ({one_line(answer.why)}), and what the release does could not be "
            "told from that; see 'muster diagnose'"
        )
    if there := list(_in_the_way(cluster, system, contents)):
        raise RefusedError(
            f"refused: {there[0]} is there already, and the new version is called so for a while; delete or rename it"
        )
    for rolled in contents.rolled:
        if rolled.serves and not rolled.replicas:
            raise RefusedError(f"refused: Deployment {rolled.name}, which clients come in by, is scaled to 0")


def _in_the_way(cluster: Cluster, system: SystemDefinition, contents: Contents) -> Iterator[str]:
    """What has the name already that something has while two versions run."""
    wanted = [("Deployment", beside(one.name)) for one in contents.rolled]
    wanted += [("ConfigMap", item["metadata"]["name"]) for item in copies(contents, "")]
    if contents.serving is not None:
        wanted.append(("Service", beside(system.service.name)))
    yield from (f"{kind} {name}" for kind, name in wanted if cluster.find(kind, name, system.namespace) is not None)


def _described(
    wanted: Wanted, contents: Contents, system: SystemDefinition, cluster: Cluster, time_scale: float
) -> Release:
    database = wanted.told.database
    images = dict(_images(contents))
    serving = contents.serving
    return new_release(
        release=wanted.name,
        version=version_of(wanted, contents),
        images=images,
        system=system.name,
        namespace=system.namespace,
        evidence=cluster.evidence if time_scale == 1 else "rehearsal",
        time_scale=time_scale,
        roles=system.release.roles.given(),
        workloads={one.name: one.replicas for one in contents.rolled},
        serving="" if serving is None else serving.name,
        database=None
        if database is None
        else DatabaseAt(migration=database.migration, backward_compatible=database.backward_compatible),
    )


def _images(contents: Contents) -> Iterator[tuple[str, str]]:
    for rolled in contents.rolled:
        for container in containers_of(rolled.wanted):
            yield f"{rolled.name}/{container['name']}", str(container.get("image", ""))


def _stable(system: SystemDefinition, url: str) -> str:
    """What the version that runs calls itself; empty where it does not say."""
    with Clients(url, system) as clients:
        versions = clients.look().versions
    told = [name for name, _ in versions.most_common() if name]
    return told[0] if told else ""


def _unmeasured(kind: str, contents: Contents, cluster: Cluster) -> str:
    """Why the use of memory or processors cannot be looked at; empty where it can."""
    limited = any(
        ((one.get("resources") or {}).get("limits") or {}).get(kind)
        for rolled in contents.rolled
        for one in containers_of(rolled.wanted)
    )
    if not limited:
        return f"no container of the new version has a limit of {kind}"
    try:
        cluster.request("GET", "/apis/metrics.k8s.io/v1beta1")
    except ClusterError as error:
        return f"metrics.k8s.io cannot be asked ({one_line(str(error))[:80]})"
    return ""
