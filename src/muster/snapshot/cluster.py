"""The objects of a cluster, in pages."""

from __future__ import annotations

from typing import Any, NamedTuple

from muster.base.clock import now
from muster.base.errors import ClusterError
from muster.kube import ApiError, Cluster
from muster.snapshot.certificates import with_expiry
from muster.snapshot.clean import clean
from muster.snapshot.model import Object
from muster.wire.names import KINDS as KNOWN
from muster.wire.names import Kind as ApiKind

PAGE = 500
MOST = 20_000  # of one kind; more would take more memory and time than a diagnosis has
REQUEST_S = 8.0


class Kind(NamedTuple):
    """A kind that is listed. `everywhere`: each cluster serves it; one that says it does not is not believed."""

    api: ApiKind
    everywhere: bool = False
    fields: str = ""

    @property
    def name(self) -> str:
        return self.api.name


def _of(*names: str, everywhere: bool = False) -> list[Kind]:
    return [Kind(KNOWN[name], everywhere) for name in names]


_ADMISSION = "admissionregistration.k8s.io/v1"
KINDS = (
    *_of("Pod", "Event", "Service", "Deployment", "ReplicaSet", "StatefulSet", "ConfigMap", everywhere=True),
    *_of("EndpointSlice", "Node", "Job", "PersistentVolumeClaim", "ServiceAccount", "Namespace", everywhere=True),
    *_of("DaemonSet", "CronJob", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress"),
    Kind(ApiKind("ResourceQuota", "v1", "resourcequotas")),
    Kind(ApiKind("LimitRange", "v1", "limitranges")),
    Kind(ApiKind("PersistentVolume", "v1", "persistentvolumes", namespaced=False)),
    Kind(ApiKind("StorageClass", "storage.k8s.io/v1", "storageclasses", namespaced=False)),
    Kind(ApiKind("IngressClass", "networking.k8s.io/v1", "ingressclasses", namespaced=False)),
    Kind(ApiKind("ValidatingWebhookConfiguration", _ADMISSION, "validatingwebhookconfigurations", namespaced=False)),
    Kind(ApiKind("MutatingWebhookConfiguration", _ADMISSION, "mutatingwebhookconfigurations", namespaced=False)),
    # Only certificates are asked for, and only until when they hold is kept of them.
    Kind(KNOWN["Secret"], everywhere=True, fields="type=kubernetes.io/tls"),
)


class Listing(list[Object]):
    """Objects of one kind. `rest` says why there are more that were not read; empty where these are all."""

    rest: str = ""

    def cut(self, why: str, remaining: object = None) -> Listing:
        """The same, as a part of what there is."""
        more = f", {remaining} more are there" if remaining else ""
        self.rest = f"the first {len(self)} were read{more}: {why}"
        return self


def list_all(cluster: Cluster, kind: Kind, namespace: str | None, deadline: float) -> Listing | None:
    """The objects of a kind as they may be kept, page by page; None where the cluster has no such kind. Where some
    pages have come by the deadline (CLOCK_MONOTONIC seconds), or there are very many, these are told to be a part.

    Raises:
        ClusterError: the cluster does not answer, refuses, or says that it has not what each cluster has.
    """
    path = kind.api.path(namespace if kind.api.namespaced else None)
    if kind.name == "Namespace" and namespace is not None:
        path = kind.api.path(None, namespace)
    query = {"limit": str(PAGE), **({"fieldSelector": kind.fields} if kind.fields else {})}
    found, remaining = Listing(), None
    while True:
        try:
            page = _page(cluster, path, query, deadline)
        except ClusterError as error:
            code = error.code if isinstance(error, ApiError) else 0
            if code == 404 and not kind.everywhere:
                return None
            if code == 410 and query.pop("continue", ""):  # it changed faster than it was read: once, whole
                query.pop("limit")
                found = Listing()
                continue
            if not found:
                raise
            return found.cut(str(error), remaining)
        found += [_kept({"kind": kind.name, "apiVersion": kind.api.api, **item}) for item in _items(page, path)]
        about = page.get("metadata") or {}
        query["continue"], remaining = str(about.get("continue") or ""), about.get("remainingItemCount")
        if not query["continue"]:
            return found
        if len(found) >= MOST:
            return found.cut(f"no more than {MOST} of a kind are", remaining)


def _page(cluster: Cluster, path: str, query: dict[str, str], deadline: float) -> dict[str, Any]:
    left = deadline - now()
    if left <= 0:
        raise ClusterError("no answer in time")
    return _json(cluster, path, query, min(REQUEST_S, left))


def _items(page: dict[str, Any], path: str) -> list[Object]:
    """The objects of an answer: those of a list, or the one that it is."""
    if "items" in page and isinstance(page["items"], list | None):
        return page["items"] or []
    if isinstance(metadata := page.get("metadata"), dict) and "name" in metadata:
        return [page]
    raise ClusterError(f"GET {path} was answered with neither a list nor an object: this is no API server")


def _kept(item: Object) -> Object:
    return with_expiry(item, clean(item)) if item["kind"] == "Secret" else clean(item)


def used(cluster: Cluster, what: str, namespace: str | None, deadline: float) -> list[Object] | None:
    """What metrics.k8s.io says that `nodes` or `pods` use; None where it is not served.

    Raises:
        ClusterError: the cluster does not answer, or refuses.
    """
    space = f"namespaces/{namespace}/" if namespace and what == "pods" else ""
    try:
        page = _json(cluster, f"/apis/metrics.k8s.io/v1beta1/{space}{what}", {}, min(REQUEST_S, deadline - now()))
    except ApiError as error:
        if error.code == 404:
            return None
        raise
    return [_used(item) for item in page.get("items") or []]


def _used(item: Object) -> Object:
    metadata = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
    return {"metadata": metadata, **{key: item[key] for key in ("usage", "containers") if key in item}}


def _json(cluster: Cluster, path: str, query: dict[str, str], limit_s: float) -> dict[str, Any]:
    try:
        answer = cluster.request(
            "GET", path, query={key: value for key, value in query.items() if value}, timeout=limit_s
        ).json()
    except ValueError:
        raise ClusterError(f"GET {path} was not answered with JSON") from None
    if not isinstance(answer, dict):
        raise ClusterError(f"GET {path} was not answered with an object")
    return answer
