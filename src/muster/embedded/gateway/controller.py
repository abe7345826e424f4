"""Gives Gateways their addresses, and writes what became of Gateways and routes into their status.

That a route is accepted, or a Gateway programmed, is written once the Service proxy has confirmed it: who reads it may
count on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from muster.embedded.addresses import Addresses, AddressesExhaustedError
from muster.embedded.gateway import NAME, listeners
from muster.embedded.gateway.attachment import Attachments, Outcome, attach
from muster.embedded.gateway.conditions import Finding, conditions
from muster.embedded.objects import Key, Object, key_of
from muster.embedded.proxy.table import Place
from muster.embedded.reconciler import Reconciler
from muster.embedded.resources import GATEWAYCLASSES, GATEWAYS, HTTPROUTES, NAMESPACES, SERVICES, Resource
from muster.embedded.store import Store

_ALL = "all"  # one look is at everything: there are few routes, and each may concern the others


class DataPath(Protocol):
    """Who carries requests."""

    in_force: Attachments  # what was confirmed last
    failed: dict[Place, str]  # what cannot be listened on, and why
    confirmed: Callable[[], None]  # called after each change of these


class GatewayController:
    """Keeps the status of GatewayClasses, Gateways and HTTPRoutes up to date."""

    def __init__(self, store: Store, addresses: Addresses, path: DataPath) -> None:
        self._store = store
        self._addresses = addresses
        self._path = path
        self._given: dict[str, str] = {}  # address of each Gateway, by uid

    def reconciler(self) -> Reconciler[str]:
        reconciler = Reconciler("gateway", self._store, self.reconcile)
        for resource in (HTTPROUTES, GATEWAYS, GATEWAYCLASSES, SERVICES, NAMESPACES):
            reconciler.watch(resource, lambda _obj: (_ALL,))
        self._path.confirmed = lambda: reconciler.add(_ALL)
        return reconciler

    def reconcile(self, _key: str) -> float | None:
        for stored in self._store.scan(GATEWAYCLASSES):
            if stored.shared["spec"]["controllerName"] == NAME:
                self._write(GATEWAYCLASSES, stored.copy(), _class_status)
        gateways = [stored.copy() for stored in self._store.scan(GATEWAYS)]
        ours = [gateway for gateway in gateways if listeners.is_ours(self._store, gateway)]
        self._give_back({gateway["metadata"]["uid"] for gateway in ours})
        for gateway in ours:
            self._give_address(gateway)
        found = attach(self._store)
        for gateway in ours:
            fresh = self._store.find(GATEWAYS, *key_of(gateway))
            if fresh is not None:
                self._write(GATEWAYS, fresh, lambda obj: self._gateway_status(obj, found))
        for stored in self._store.scan(HTTPROUTES):
            outcomes = found.outcomes.get(stored.key, [])
            if self._is_current(stored.shared, outcomes):
                self._write(HTTPROUTES, stored.copy(), lambda obj, outcomes=outcomes: _route_status(obj, outcomes))  # type: ignore[misc]
        return None

    def _write(self, resource: Resource, obj: Object, status: Callable[[Object], Object]) -> None:
        """Write a status, where it is another one than before."""
        wanted = status(obj)
        if wanted != (obj.get("status") or {}):
            self._store.update_status(resource, {**obj, "status": wanted})

    def _is_current(self, route: Object, outcomes: Iterable[Outcome]) -> bool:
        """Whether the proxy obeys a route as it is now, where it is to."""
        meta = route["metadata"]
        if not any(outcome.accepted.holds for outcome in outcomes):
            return True
        return bool(self._path.in_force.generations.get(meta["uid"]) == meta["generation"])

    # Addresses

    def _give_address(self, gateway: Object) -> None:
        uid = gateway["metadata"]["uid"]
        if uid in self._given or gateway["spec"].get("addresses"):
            return
        try:
            self._given[uid] = self._addresses.take_service()
        except AddressesExhaustedError:
            return
        address = {"type": "IPAddress", "value": self._given[uid]}
        status = {**(gateway.get("status") or {}), "addresses": [address]}
        self._store.update_status(GATEWAYS, {**gateway, "status": status})

    def _give_back(self, present: set[str]) -> None:
        for uid in self._given.keys() - present:
            self._addresses.give_back_service(self._given.pop(uid))

    # Gateways

    def _gateway_status(self, gateway: Object, found: Attachments) -> Object:
        meta, before = gateway["metadata"], gateway.get("status") or {}
        address = self._given.get(meta["uid"])
        told = {listener.get("name"): listener for listener in before.get("listeners") or ()}
        described = [
            self._listener_status(gateway, one, told.get(one["name"]) or {}, found.attached)
            for one in gateway["spec"]["listeners"]
        ]
        accepted, programmed = _summary(gateway, described, address)
        wanted = {
            **before,
            "conditions": conditions(
                before.get("conditions"), meta["generation"], Accepted=accepted, Programmed=programmed
            ),
            "listeners": described,
        }
        if address:
            wanted["addresses"] = [{"type": "IPAddress", "value": address}]
        return wanted

    def _listener_status(
        self, gateway: Object, listener: Object, before: Object, attached: dict[tuple[Key, str], int]
    ) -> Object:
        meta = gateway["metadata"]
        accepted, place = listeners.accepted(listener), f"{self._given.get(meta['uid'])}:{listener['port']}"
        programmed = Finding(True, "Programmed", f"requests to {place} are served")
        if why := self._path.failed.get(place):
            accepted = Finding(False, "PortUnavailable", why)
        if not accepted.holds:
            programmed = Finding(False, "Invalid", accepted.message)
        elif place not in self._path.in_force.rules:
            programmed = Finding(False, "Pending", "not served yet")
        return {
            "name": listener["name"],
            "supportedKinds": listeners.supported_kinds(listener),
            "attachedRoutes": attached.get((key_of(gateway), listener["name"]), 0),
            "conditions": conditions(
                before.get("conditions"), meta["generation"], Accepted=accepted, Programmed=programmed,
                ResolvedRefs=listeners.kinds_resolved(listener),
                Conflicted=Finding(False, "NoConflicts", "no other listener is in its way"),
            ),
        }  # fmt: skip


def _summary(gateway: Object, described: list[Object], address: str | None) -> tuple[Finding, Finding]:
    """What is to be said of a Gateway as a whole: whether it is accepted, and whether it serves."""
    if gateway["spec"].get("addresses"):
        finding = Finding(False, "UnsupportedAddress", "addresses are given by the cluster, and cannot be asked for")
        return finding, Finding(False, "Invalid", finding.message)
    if not address:
        pending = Finding(False, "AddressNotAssigned", "the cluster has no address left")
        return Finding(True, "Accepted", "the Gateway is valid"), pending
    valid = [_holds(listener, "Accepted") for listener in described]
    accepted = Finding(True, "Accepted", "the Gateway is valid")
    if not all(valid):
        accepted = Finding(any(valid), "ListenersNotValid", "not all listeners are valid")
    serving = [listener for listener in described if _holds(listener, "Programmed")]
    if len(serving) < sum(valid):
        return accepted, Finding(False, "Pending", "not served yet")
    if not serving:
        return accepted, Finding(False, "Invalid", "no listener is valid")
    return accepted, Finding(True, "Programmed", f"requests to {address} are served")


def _holds(listener: Object, kind: str) -> bool:
    return any(found["type"] == kind and found["status"] == "True" for found in listener["conditions"])


def _class_status(found: Object) -> Object:
    before = found.get("status") or {}
    accepted = Finding(True, "Accepted", "Gateways of this class are served by the cluster")
    return {
        **before,
        "conditions": conditions(before.get("conditions"), found["metadata"]["generation"], Accepted=accepted),
    }


def _route_status(route: Object, outcomes: list[Outcome]) -> Object:
    """The status of a route: our part of it anew, that of other controllers as it is."""
    parents = (route.get("status") or {}).get("parents") or []
    others = [parent for parent in parents if parent.get("controllerName") != NAME]
    ours = [parent for parent in parents if parent.get("controllerName") == NAME]
    if not outcomes and not ours:
        return route.get("status") or {}
    told = []
    for outcome in outcomes:
        before: Object = next((parent for parent in ours if parent.get("parentRef") == outcome.parent), {})
        described = conditions(
            before.get("conditions"), route["metadata"]["generation"],
            Accepted=outcome.accepted, ResolvedRefs=outcome.resolved,
        )  # fmt: skip
        told.append({"parentRef": outcome.parent, "controllerName": NAME, "conditions": described})
    return {"parents": [*others, *told]}
