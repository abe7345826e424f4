from __future__ import annotations

from muster.embedded.objects import Key
from muster.embedded.proxy.table import build


def service(name: str, address: str, *ports: dict, **spec: object) -> dict:
    return {"metadata": {"name": name, "namespace": "n"}, "spec": {"clusterIP": address, "ports": list(ports), **spec}}


def endpoint(address: str, **conditions: bool) -> dict:
    return {"addresses": [address], "conditions": conditions}


def slice_of(name: str, ports: list[dict], *endpoints: dict) -> dict:
    labels = {"kubernetes.io/service-name": name}
    return {
        "metadata": {"name": f"{name}-x", "namespace": "n", "labels": labels},
        "ports": ports,
        "endpoints": list(endpoints),
    }


HTTP = {"name": "http", "port": 8080}
READY = {"ready": True, "serving": True, "terminating": False}
ENDING = {"ready": False, "serving": True, "terminating": True}
UNREADY = {"ready": False, "serving": False, "terminating": False}


def places(services: list[dict], slices: list[dict]) -> dict[str, list[str]]:
    return {place: endpoints for place, (_, endpoints) in build(services, slices).items()}


def test_a_port_leads_to_its_ready_endpoints() -> None:
    slices = [
        slice_of(
            "web", [HTTP], endpoint("1.1.1.2", **READY), endpoint("1.1.1.1", **READY), endpoint("1.1.1.3", **UNREADY)
        )
    ]
    table = build([service("web", "9.9.9.9", HTTP)], slices)
    assert table == {"9.9.9.9:8080": (Key("n", "web"), ["1.1.1.1:8080", "1.1.1.2:8080"])}


def test_endpoints_that_are_ending_serve_only_where_no_other_does() -> None:
    ending = endpoint("1.1.1.1", **ENDING)
    web = [service("web", "9.9.9.9", HTTP)]
    assert places(web, [slice_of("web", [HTTP], ending)]) == {"9.9.9.9:8080": ["1.1.1.1:8080"]}
    both = slice_of("web", [HTTP], ending, endpoint("1.1.1.2", **READY))
    assert places(web, [both]) == {"9.9.9.9:8080": ["1.1.1.2:8080"]}
    gone = slice_of("web", [HTTP], endpoint("1.1.1.1", **{**ENDING, "serving": False}))
    assert places(web, [gone]) == {"9.9.9.9:8080": []}


def test_each_port_has_its_own_target() -> None:
    two = service("web", "9.9.9.9", HTTP, {"name": "metrics", "port": 80, "targetPort": "m"})
    slices = [slice_of("web", [HTTP, {"name": "metrics", "port": 9090}], endpoint("1.1.1.1", **READY))]
    assert places([two], slices) == {"9.9.9.9:8080": ["1.1.1.1:8080"], "9.9.9.9:80": ["1.1.1.1:9090"]}


def test_services_without_an_address_and_protocols_other_than_tcp_are_left_out() -> None:
    services = [
        service("headless", "None", HTTP),
        service("external", "9.9.9.8", HTTP, type="ExternalName"),
        service("dns", "9.9.9.7", {"port": 53, "protocol": "UDP"}),
    ]
    assert places(services, []) == {}


def test_slices_of_other_services_do_not_count() -> None:
    slices = [slice_of("other", [HTTP], endpoint("1.1.1.1", **READY))]
    assert places([service("web", "9.9.9.9", HTTP)], slices) == {"9.9.9.9:8080": []}
