"""Where the backends of a rule lead: the endpoints behind the Services that it names."""

from __future__ import annotations

from collections.abc import Iterable

from muster.embedded.gateway.conditions import Finding
from muster.embedded.objects import Key, Object, key_of
from muster.embedded.proxy import table

_RESOLVED = Finding(True, "ResolvedRefs", "all references lead to Services")
_SPOKEN = (None, "http", "ws", "kubernetes.io/ws")


class Backends:
    """All Services and their endpoints at one moment."""

    def __init__(self, services: Iterable[Object], slices: Iterable[Object]) -> None:
        self._services = {key_of(service): service for service in services}
        self._slices = table.by_service(slices)

    def service(self, key: Key) -> Object | None:
        return self._services.get(key)

    def places(self, namespace: str, reference: Object) -> list[str] | None:
        """The endpoints behind a backendRef of a route in `namespace`; None where it leads nowhere."""
        if not self.finding(namespace, reference).holds:
            return None
        key = Key(namespace, reference["name"])
        port = _port(self._services[key], reference["port"]) or {}
        return table.endpoints(self._slices.get(key, []), port.get("name") or "")

    def finding(self, namespace: str, reference: Object) -> Finding:
        """Whether a backendRef leads somewhere."""
        named = f"{reference['kind']} {reference['name']!r}"
        if reference["group"] or reference["kind"] != "Service":
            return Finding(False, "InvalidKind", f"{named}: only Services can be backends")
        if reference.get("namespace") not in (None, "", namespace):
            why = f"{named} is in namespace {reference['namespace']!r}, and ReferenceGrants are not served"
            return Finding(False, "RefNotPermitted", why)
        return self._service_finding(self._services.get(Key(namespace, reference["name"])), reference["port"], named)

    @staticmethod
    def _service_finding(service: Object | None, number: int, named: str) -> Finding:
        if service is None:
            return Finding(False, "BackendNotFound", f"{named} does not exist")
        if service["spec"].get("type") == "ExternalName":
            return Finding(False, "BackendNotFound", f"{named} is an ExternalName, behind which nothing is known")
        port = _port(service, number)
        if port is None:
            return Finding(False, "BackendNotFound", f"{named} has no port {number}")
        if port.get("appProtocol") not in _SPOKEN:
            return Finding(False, "UnsupportedProtocol", f"{named}: {port['appProtocol']} is not spoken, only HTTP/1.1")
        return _RESOLVED

    def all_resolved(self, route: Object) -> Finding:
        """Whether all backendRefs of a route lead somewhere; else what is wrong with the first that does not."""
        namespace = route["metadata"]["namespace"]
        for rule in route["spec"].get("rules") or ():
            for reference in rule.get("backendRefs") or ():
                finding = self.finding(namespace, reference)
                if not finding.holds:
                    return finding
        return _RESOLVED


def _port(service: Object, number: int) -> Object | None:
    """The port of a Service that has this number."""
    ports = service["spec"].get("ports") or ()
    return next((port for port in ports if port["port"] == number and port.get("protocol", "TCP") == "TCP"), None)
