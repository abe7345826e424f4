"""What Gateways listen on, and which routes each listener takes."""

from __future__ import annotations

from muster.embedded import selectors
from muster.embedded.gateway import GROUP, NAME
from muster.embedded.gateway.conditions import Finding
from muster.embedded.objects import Object, labels_of
from muster.embedded.resources import GATEWAYCLASSES, NAMESPACES
from muster.embedded.store import Store

ROUTE_KIND = {"group": GROUP, "kind": "HTTPRoute"}


def is_ours(store: Store, gateway: Object) -> bool:
    """Whether this controller answers for a Gateway: its class says so."""
    found = store.peek(GATEWAYCLASSES, "", gateway["spec"]["gatewayClassName"])
    return found is not None and bool(found["spec"]["controllerName"] == NAME)


def address_of(gateway: Object) -> str:
    """The address that a Gateway was given; empty as long as it has none."""
    addresses = (gateway.get("status") or {}).get("addresses") or ()
    return next((found.get("value") or "" for found in addresses), "")


def accepted(listener: Object) -> Finding:
    """Whether a listener is one that can be served."""
    if listener["protocol"] != "HTTP":
        return Finding(False, "UnsupportedProtocol", f"{listener['protocol']} is not served, only HTTP")
    return Finding(True, "Accepted", "the listener is valid")


def kinds_resolved(listener: Object) -> Finding:
    """Whether all kinds of routes that a listener allows are known."""
    for kind in (listener.get("allowedRoutes") or {}).get("kinds") or ():
        if (kind["group"], kind["kind"]) != (GROUP, "HTTPRoute"):
            return Finding(False, "InvalidRouteKinds", f"{kind['kind']} of {kind['group']!r} is not known")
    return Finding(True, "ResolvedRefs", "all references are valid")


def supported_kinds(listener: Object) -> list[Object]:
    return [ROUTE_KIND] if _takes_kind(listener) else []


def _takes_kind(listener: Object) -> bool:
    kinds = (listener.get("allowedRoutes") or {}).get("kinds")
    return not kinds or any((kind["group"], kind["kind"]) == (GROUP, "HTTPRoute") for kind in kinds)


def allows(store: Store, gateway: Object, listener: Object, route: Object) -> bool:
    """Whether a listener takes routes of this kind from this namespace."""
    if not _takes_kind(listener):
        return False
    namespace = route["metadata"]["namespace"]
    wanted = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
    if wanted.get("from") == "All":
        return True
    if wanted.get("from") == "Selector":
        found = store.peek(NAMESPACES, "", namespace)
        return found is not None and selectors.from_object(wanted.get("selector"))(labels_of(found))
    return bool(namespace == gateway["metadata"]["namespace"])


def hosts(listener: Object, route: Object) -> list[str | None]:
    """The hosts for which a route holds at a listener; None is any, an empty list that they have none in common."""
    own, wanted = listener.get("hostname"), route["spec"].get("hostnames") or []
    if not wanted:
        return [own]
    if not own:
        return list(wanted)
    return list(dict.fromkeys(found for name in wanted if (found := _common(own, name))))


def _common(one: str, other: str) -> str | None:
    """The more exact of two host names, where the other one includes it."""
    if one == other:
        return one
    for narrow, wide in ((one, other), (other, one)):
        if wide.startswith("*.") and narrow.removeprefix("*").endswith(wide[1:]) and narrow != wide[2:]:
            return narrow
    return None
