"""Namespaces: furnished when new, emptied before they go."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from muster.embedded.admission.service_accounts import ROOT_CA
from muster.embedded.objects import Key, Object, is_terminating
from muster.embedded.reconciler import Reconciler, own_key
from muster.embedded.resources import CONFIGMAPS, EVENTS, NAMESPACES, PODS, RESOURCES
from muster.embedded.store import Store


class NamespaceController:
    """Gives each namespace the authority's certificate; deletes what a dying one holds."""

    def __init__(self, store: Store, authority: str) -> None:
        self._store = store
        self._authority = authority  # PEM

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("namespace", self._store, self.reconcile).watch(NAMESPACES, own_key)
        for resource in RESOURCES:
            if resource.namespaced and resource is not EVENTS:
                reconciler.watch(resource, self._concerned(furniture=resource is CONFIGMAPS))
        return reconciler

    def _concerned(self, *, furniture: bool) -> Callable[[Object], Iterable[Key]]:
        """Which namespaces a change is about: those that end, and those whose furniture it may be."""

        def keys_of(obj: Object) -> Iterable[Key]:
            meta = obj["metadata"]
            namespace = self._store.find(NAMESPACES, "", meta["namespace"])
            ending = namespace is not None and is_terminating(namespace)
            if ending or (furniture and meta["name"] == ROOT_CA):
                return (Key("", meta["namespace"]),)
            return ()

        return keys_of

    def reconcile(self, key: Key) -> float | None:
        namespace = self._store.find(NAMESPACES, *key)
        if namespace is None:
            return None
        if is_terminating(namespace):
            self._empty(namespace)
        else:
            self._furnish(key.name)
        return None

    def _furnish(self, name: str) -> None:
        if not self._store.find(CONFIGMAPS, name, ROOT_CA):
            data = {"ca.crt": self._authority}
            self._store.create(CONFIGMAPS, {"metadata": {"name": ROOT_CA, "namespace": name}, "data": data})

    def _empty(self, namespace: Object) -> None:
        """Delete what is left; pods last get their grace. When nothing is left, let the namespace go."""
        name = namespace["metadata"]["name"]
        left = 0
        for resource in sorted(RESOURCES, key=lambda r: r is PODS):
            if not resource.namespaced:
                continue
            for stored in self._store.scan(resource, name):
                if not is_terminating(stored.shared):
                    self._store.delete(resource, *stored.key)
            left += len(self._store.scan(resource, name))
        finalizers = [f for f in (namespace["spec"].get("finalizers") or ()) if f != "kubernetes"]
        if not left and finalizers != namespace["spec"].get("finalizers"):
            namespace["spec"]["finalizers"] = finalizers
            self._store.revise(NAMESPACES, namespace)
