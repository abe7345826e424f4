"""Which parents routes attach to: what follows for the proxy, and what is to be told of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from muster.embedded.gateway import GROUP, listeners
from muster.embedded.gateway.backends import Backends
from muster.embedded.gateway.conditions import Finding
from muster.embedded.gateway.rules import Ranked, compiled, unsupported
from muster.embedded.objects import Key, Object, key_of
from muster.embedded.proxy.table import Place
from muster.embedded.resources import ENDPOINTSLICES, GATEWAYS, HTTPROUTES, SERVICES
from muster.embedded.store import Store

ACCEPTED = Finding(True, "Accepted", "the route is in force")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a route comes to at one of its parents."""

    parent: Object  # the parentRef
    accepted: Finding
    resolved: Finding


@dataclass(slots=True)
class Attachments:
    """All routes at one moment."""

    rules: dict[Place, list[Object]] = field(default_factory=dict)  # in the order in which they are tried
    owners: dict[Place, Key] = field(default_factory=dict)  # the Gateways that listen there
    outcomes: dict[Key, list[Outcome]] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)  # of the routes in `rules`, by uid
    attached: dict[tuple[Key, str], int] = field(default_factory=dict)  # routes at each listener of each Gateway


def attach(store: Store) -> Attachments:
    """Look at all routes and Gateways, and at what they name."""
    return _Attaching(store).run()


class _Attaching:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._ranked: dict[Place, list[Ranked]] = {}
        self._found = Attachments()
        services = [stored.shared for stored in store.scan(SERVICES)]
        self._backends = Backends(services, (stored.shared for stored in store.scan(ENDPOINTSLICES)))

    def run(self) -> Attachments:
        for stored in self._store.scan(GATEWAYS):
            self._open(stored.shared)
        for stored in self._store.scan(HTTPROUTES):
            route = stored.shared
            resolved, missing = self._backends.all_resolved(route), unsupported(route)
            self._found.outcomes[stored.key] = [
                Outcome(reference, accepted, resolved)
                for reference in route["spec"].get("parentRefs") or ()
                if (accepted := self._attach(route, reference, missing)) is not None
            ]
        for place, ranked in self._ranked.items():
            self._found.rules[place] = [rule for _, rule in sorted(ranked, key=lambda found: found.rank)]
        return self._found

    def _open(self, gateway: Object) -> None:
        """Listen on the ports of a Gateway, also where no route leads on from there."""
        address = listeners.address_of(gateway)
        if not address or not listeners.is_ours(self._store, gateway):
            return
        for listener in gateway["spec"]["listeners"]:
            if listeners.accepted(listener).holds:
                place = f"{address}:{listener['port']}"
                self._ranked.setdefault(place, [])
                self._found.owners[place] = key_of(gateway)

    def _attach(self, route: Object, reference: Object, missing: str) -> Finding | None:
        """What becomes of a route at a parent; None where that is not for us to say."""
        kind = (reference["group"], reference["kind"])
        if kind == ("", "Service"):
            found = self._service_places(route, reference)
        elif kind == (GROUP, "Gateway"):
            key = Key(reference.get("namespace") or route["metadata"]["namespace"], reference["name"])
            gateway = self._store.peek(GATEWAYS, *key)
            if gateway is None or not listeners.is_ours(self._store, gateway):
                return None
            found = self._gateway_places(route, gateway, reference)
        else:
            return None
        if missing:
            return Finding(False, "UnsupportedValue", missing)
        if isinstance(found, Finding):
            return found
        for place, host in found:
            self._ranked.setdefault(place, []).extend(compiled(route, host, self._backends))
        self._found.generations[route["metadata"]["uid"]] = route["metadata"]["generation"]
        return ACCEPTED

    def _service_places(self, route: Object, reference: Object) -> list[tuple[Place, str | None]] | Finding:
        namespace, name = route["metadata"]["namespace"], reference["name"]
        if reference.get("namespace") not in (None, "", namespace):
            why = f"Service {name!r} is in namespace {reference['namespace']!r}, which is not the route's own"
            return Finding(False, "UnsupportedValue", why)
        service = self._backends.service(Key(namespace, name))
        if service is None:
            return Finding(False, "NoMatchingParent", f"Service {name!r} does not exist")
        address = service["spec"].get("clusterIP")
        if service["spec"].get("type") == "ExternalName" or address in (None, "", "None"):
            return Finding(False, "UnsupportedValue", f"Service {name!r} has no address of its own")
        places: list[tuple[Place, str | None]] = [
            (f"{address}:{port['port']}", None)
            for port in service["spec"].get("ports") or ()
            if port.get("protocol", "TCP") == "TCP"
            and reference.get("port", port["port"]) == port["port"]
            and reference.get("sectionName", port.get("name")) == port.get("name")
        ]
        return places or Finding(False, "NoMatchingParent", f"Service {name!r} has no such port")

    def _gateway_places(
        self, route: Object, gateway: Object, reference: Object
    ) -> list[tuple[Place, str | None]] | Finding:
        named = [
            listener
            for listener in gateway["spec"]["listeners"]
            if reference.get("sectionName", listener["name"]) == listener["name"]
            and reference.get("port", listener["port"]) == listener["port"]
        ]
        if not named:
            return Finding(False, "NoMatchingParent", f"Gateway {reference['name']!r} has no such listener")
        allowed = [
            listener
            for listener in named
            if listeners.accepted(listener).holds and listeners.allows(self._store, gateway, listener, route)
        ]
        if not allowed:
            return Finding(False, "NotAllowedByListeners", "no listener takes this route")
        found, address = [], listeners.address_of(gateway)
        for listener in allowed:
            hosts = listeners.hosts(listener, route)
            found += [(f"{address}:{listener['port']}", host) for host in hosts]
            if hosts:
                key = (key_of(gateway), listener["name"])
                self._found.attached[key] = self._found.attached.get(key, 0) + 1
        if not found:
            return Finding(False, "NoMatchingListenerHostname", "route and listeners have no host name in common")
        return found if address else []
