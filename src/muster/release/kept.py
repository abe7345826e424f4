"""What a release changes, kept in the cluster beside its record: whoever goes on with it needs no file of anybody's."""

from __future__ import annotations

import json
from typing import Any

from muster.base.errors import MusterError
from muster.kube import ApiError, Cluster
from muster.release.canary import marked
from muster.release.contents import Altered, Contents, Rolled
from muster.release.record import Release, ReleaseRecordError

NAME = "muster-release-objects"
LIMIT = 900_000  # bytes of JSON; a ConfigMap holds 1 MiB
Object = dict[str, Any]


def keep(cluster: Cluster, release: Release, contents: Contents) -> None:
    """Keep what a release changes, before anything is changed.

    Raises:
        MusterError: it is more than a ConfigMap holds.
        ClusterError: it cannot be kept.
    """
    text = json.dumps(_told(contents), separators=(",", ":"))
    if len(text.encode()) > LIMIT:
        raise MusterError(f"the release changes objects of {len(text)} bytes together, and {LIMIT} can be kept")
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "labels": marked(release.id)},
        "data": {"release": release.id, "objects.json": text},
    }
    own = cluster.unobserved()
    try:
        own.create(body, release.namespace)
    except ApiError as error:
        if error.code != 409:
            raise
        own.replace(body, release.namespace)


def find_kept(cluster: Cluster, release: Release) -> Contents:
    """What a release changes, as it was kept.

    Raises:
        ReleaseRecordError: it is not there any more, or is another release's.
        ClusterError: the cluster does not answer.
    """
    found = cluster.find("ConfigMap", NAME, release.namespace)
    if found is None or (found.get("data") or {}).get("release") != release.id:
        raise ReleaseRecordError(
            f"what {release.target} changes is not kept any more (ConfigMap {NAME} in namespace '{release.namespace}' "
            "is gone or another's); give the release again, or take it back with 'muster rollback'"
        )
    return _read(json.loads(found["data"]["objects.json"]))


def forget(cluster: Cluster, release: Release) -> None:
    """Delete what was kept for a release, and not what another one keeps there by now.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = cluster.find("ConfigMap", NAME, release.namespace)
    if found is None or (found.get("data") or {}).get("release") != release.id:
        return
    cluster.unobserved().delete("ConfigMap", NAME, release.namespace, version=found["metadata"]["resourceVersion"])


def _told(contents: Contents) -> Object:
    return {
        "rolled": [
            {"live": _bare(one.live), "wanted": _bare(one.wanted), "serves": one.serves, "copied": sorted(one.copied)}
            for one in contents.rolled
        ],
        "configurations": [_both(one) for one in contents.configurations],
        "first": [_bare(one) for one in contents.first],
        "last": [_both(one) for one in contents.last],
        "migration": contents.migration,
    }


def _read(content: Object) -> Contents:
    return Contents(
        rolled=tuple(
            Rolled(one["live"], one["wanted"], bool(one["serves"]), frozenset(one["copied"]))
            for one in content["rolled"]
        ),
        configurations=tuple(Altered(**one) for one in content["configurations"]),
        first=tuple(content["first"]),
        last=tuple(Altered(**one) for one in content["last"]),
        migration=content["migration"],
    )


def _both(one: Altered) -> Object:
    return {"live": _bare(one.live), "wanted": _bare(one.wanted)}


def _bare(item: Object) -> Object:
    """An object without what the server adds to it, and without what is long and is of no use later."""
    left_out = {"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"}
    metadata = {key: value for key, value in item["metadata"].items() if key not in left_out}
    return {key: value for key, value in item.items() if key != "status"} | {"metadata": metadata}
