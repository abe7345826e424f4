"""Endpoints and EndpointSlices: which pods stand behind a Service, and in what condition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from muster.embedded.controllers.pods import is_ready
from muster.embedded.objects import (
    Key,
    Object,
    is_finished,
    is_owned_by,
    is_terminating,
    labels_of,
    owner_reference,
)
from muster.embedded.reconciler import Reconciler, own_key
from muster.embedded.resources import ENDPOINTS, ENDPOINTSLICES, PODS, SERVICES
from muster.embedded.store import Store

SERVICE_NAME = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_MANAGER = "endpointslice-controller.k8s.io"
_HEADLESS = "service.kubernetes.io/headless"

Ports = tuple[tuple[str, int, str], ...]  # name, number, protocol


class EndpointsController:
    """Writes one EndpointSlice (one more for each other set of ports) and one Endpoints object for each Service."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("endpoints", self._store, self.reconcile)
        reconciler.watch(SERVICES, own_key).watch(PODS, self._services_of)
        return reconciler.watch(ENDPOINTSLICES, _service_of)

    def _services_of(self, pod: Object) -> Iterable[Key]:
        labels = labels_of(pod)
        return [s.key for s in self._store.scan(SERVICES, pod["metadata"]["namespace"]) if _selects(s.shared, labels)]

    def reconcile(self, key: Key) -> float | None:
        service = self._store.find(SERVICES, *key)
        if service is None:
            self._remove_all(key)
            return None
        if not service["spec"].get("selector"):
            return None  # somebody else keeps its endpoints
        pods = [stored.shared for stored in self._store.scan(PODS, key.namespace, lambda p: _stands(p, service))]
        self._write_slices(service, pods)
        self._write_endpoints(service, pods)
        return None

    def _remove_all(self, key: Key) -> None:
        for stored in self._store.scan(ENDPOINTSLICES, key.namespace):
            if labels_of(stored.shared).get(SERVICE_NAME) == key.name and _is_ours(stored.shared):
                self._store.delete(ENDPOINTSLICES, *stored.key)
        if self._store.find(ENDPOINTS, *key):
            self._store.delete(ENDPOINTS, *key)

    def _write_slices(self, service: Object, pods: list[Object]) -> None:
        meta = service["metadata"]
        groups: dict[Ports, list[Object]] = {}
        for pod in pods:
            groups.setdefault(target_ports(service, pod), []).append(_endpoint(service, pod))
        wanted = sorted(groups.items()) or [((), [])]
        present = [
            stored.copy()
            for stored in self._store.scan(ENDPOINTSLICES, meta["namespace"])
            if is_owned_by(stored.shared, meta["uid"])
        ]
        for i, (ports, endpoints) in enumerate(wanted):
            found = present[i] if i < len(present) else None
            self._write_slice(service, found, ports, endpoints)
        for surplus in present[len(wanted) :]:
            self._store.delete(ENDPOINTSLICES, meta["namespace"], surplus["metadata"]["name"])

    def _write_slice(self, service: Object, found: Object | None, ports: Ports, endpoints: list[Object]) -> None:
        meta = service["metadata"]
        labels = {**(meta.get("labels") or {}), SERVICE_NAME: meta["name"], _MANAGED_BY: _MANAGER}
        if service["spec"].get("clusterIP") == "None":
            labels[_HEADLESS] = ""
        content: Object = {
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"name": name, "protocol": protocol, "port": number} for name, number, protocol in ports],
        }
        if found:
            found["metadata"]["labels"] = labels
            self._store.update(ENDPOINTSLICES, {**found, **content})
            return
        slice_meta = {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(service)],
        }
        self._store.create(ENDPOINTSLICES, {"metadata": slice_meta, **content})

    def _write_endpoints(self, service: Object, pods: list[Object]) -> None:
        meta = service["metadata"]
        groups: dict[Ports, tuple[list[Object], list[Object]]] = {}
        for pod in pods:
            if not is_terminating(pod):
                ready, waiting = groups.setdefault(target_ports(service, pod), ([], []))
                (ready if _counts_as_ready(service, pod) else waiting).append(_address(pod))
        subsets = [_subset(ports, *addresses) for ports, addresses in sorted(groups.items())]
        labels = {**(meta.get("labels") or {}), "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
        found = self._store.find(ENDPOINTS, meta["namespace"], meta["name"])
        endpoints: Object = found or {"metadata": {"name": meta["name"], "namespace": meta["namespace"]}}
        endpoints["metadata"]["labels"] = labels
        endpoints.pop("subsets", None)
        if subsets:
            endpoints["subsets"] = subsets
        if found:
            self._store.update(ENDPOINTS, endpoints)
        else:
            self._store.create(ENDPOINTS, endpoints)


def _service_of(endpoint_slice: Object) -> Iterable[Key]:
    name = labels_of(endpoint_slice).get(SERVICE_NAME)
    return (Key(endpoint_slice["metadata"]["namespace"], name),) if name and _is_ours(endpoint_slice) else ()


def _is_ours(endpoint_slice: Object) -> bool:
    return labels_of(endpoint_slice).get(_MANAGED_BY) == _MANAGER


def _selects(service: Object, labels: dict[str, str]) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= labels.items()


def _stands(pod: Object, service: Object) -> bool:
    """Whether a pod is an endpoint of the Service: chosen, with an address, not at its end."""
    return _selects(service, labels_of(pod)) and bool((pod.get("status") or {}).get("podIP")) and not is_finished(pod)


def target_ports(service: Object, pod: Object) -> Ports:
    """The ports of a Service as numbers of one pod; a name that the pod does not have is left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        number = _number(port.get("targetPort", port["port"]), pod)
        if number is not None:
            found.append((port.get("name", ""), number, port.get("protocol", "TCP")))
    return tuple(found)


def _number(target: Any, pod: Object) -> int | None:
    if isinstance(target, int):
        return target
    if target.isdigit():
        return int(target)
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == target:
                return int(port["containerPort"])
    return None


def _counts_as_ready(service: Object, pod: Object) -> bool:
    return is_ready(pod) or bool(service["spec"].get("publishNotReadyAddresses"))


def _reference(pod: Object) -> Object:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def _endpoint(service: Object, pod: Object) -> Object:
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    endpoint: Object = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": publish or (is_ready(pod) and not is_terminating(pod)),
            "serving": is_ready(pod),
            "terminating": is_terminating(pod),
        },
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": _reference(pod),
    }
    if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == service["metadata"]["name"]:
        endpoint["hostname"] = pod["spec"]["hostname"]
    return endpoint


def _address(pod: Object) -> Object:
    return {
        "ip": pod["status"]["podIP"],
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": _reference(pod),
    }


def _subset(ports: Ports, ready: list[Object], waiting: list[Object]) -> Object:
    subset: Object = {}
    if ready:
        subset["addresses"] = ready
    if waiting:
        subset["notReadyAddresses"] = waiting
    listed = [{"name": name, "port": number, "protocol": protocol} for name, number, protocol in ports]
    subset["ports"] = [{k: v for k, v in port.items() if v != ""} for port in listed]
    return subset
