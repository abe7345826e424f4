"""What somebody must be allowed to do in a namespace, and asking the API server whether they are.

Asked before anything is struck or changed: a right that is missing shows only when it is used, which in the middle of a
recovery is after the old primary was fenced, and a command that may not be run in a pod looks like a database that is
gone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from muster.base.clock import now
from muster.base.errors import RefusedError
from muster.kube import ApiError, Cluster
from muster.wire.names import KINDS

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
AT_ONCE = 8
FORBIDDEN = 403


class Right(NamedTuple):
    """A verb on a resource of an API group; `sub` is a subresource, such as `exec`."""

    verb: str
    resource: str
    group: str = ""
    sub: str = ""

    def __str__(self) -> str:
        resource = f"{self.resource}/{self.sub}" if self.sub else self.resource
        return f"{self.verb} {resource}{f'.{self.group}' if self.group else ''}"


def rights(verbs: str, *kinds: str, sub: str = "") -> frozenset[Right]:
    """The rights to do each of some verbs, separated by blanks, with objects of each kind."""
    return frozenset(
        Right(verb, KINDS[kind].plural, KINDS[kind].api.rpartition("/")[0], sub)
        for verb in verbs.split()
        for kind in kinds
    )


BELIEVED_S = 120.0  # for how long what is allowed is taken to stay so
# Running a command in a pod over a WebSocket: a GET, which newer servers let pass only who may create, too.
EXEC = rights("get create", "Pod", sub="exec")


def missing_rights(cluster: Cluster, namespace: str, needed: Iterable[Right]) -> list[Right]:
    """Those of the rights that the API server says are not given in the namespace, sorted.

    Where it cannot be asked, as it does not serve the question or does not let it be put, none is called missing.

    Raises:
        ClusterError: the API server does not answer.
    """
    # What a drill was told a moment ago its procedure need not ask again, while clients wait.
    known = cluster.told.setdefault(f"rights in {namespace}", {})
    wanted = sorted(right for right in set(needed) if now() - known.get(right, -math.inf) > BELIEVED_S)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        given = list(pool.map(lambda right: _is_given(cluster, namespace, right), wanted))
    known |= {right: now() for right, is_given in zip(wanted, given, strict=True) if is_given}
    return [right for right, is_given in zip(wanted, given, strict=True) if not is_given]


def check_rights(cluster: Cluster, namespace: str, needed: Iterable[Right], *, who: str) -> None:
    """Let pass whoever may do all of this; `who` says what needs it: `drill 'x'`, `procedure 'y'`.

    Raises:
        RefusedError: something is not allowed; the message names all of it.
        ClusterError: the API server does not answer.
    """
    if missing := missing_rights(cluster, namespace, needed):
        raise RefusedError(
            f"refused: {who} needs rights in namespace '{namespace}' of context '{cluster.context}' that you do not "
            f"have: {', '.join(map(str, missing))}; nothing was done, have them granted by a Role first"
        )


def is_forbidden(error: Exception) -> bool:
    """Whether an error says that a right is missing, which is no word about what was asked for."""
    return isinstance(error, ApiError) and error.code == FORBIDDEN


def _is_given(cluster: Cluster, namespace: str, right: Right) -> bool:
    asked = {
        "verb": right.verb,
        "resource": right.resource,
        "group": right.group,
        "subresource": right.sub,
        "namespace": namespace,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
    }
    try:
        answer = cluster.request("POST", REVIEWS, body=body).json()
    except ApiError:
        return True
    return bool((answer.get("status") or {}).get("allowed", True))
