"""The kinds of the Gateway API as custom resources: what is filled in, what is refused, and how they are written."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest
import yaml
from embedded_support import Running

from muster.embedded.admission.structural import check_custom, default_custom
from muster.embedded.api.forms.bodies import PROTOBUF

API = "/apis/gateway.networking.k8s.io/v1"


def complete(kind: str, spec: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """An object's spec with its defaults, and what is wrong with it: messages by field."""
    obj = {"spec": spec}
    default_custom(kind)(obj)
    return obj["spec"], {found["field"]: found["message"] for found in check_custom(kind)(obj)}


def test_what_a_route_leaves_out_is_filled_in() -> None:
    route: dict[str, Any] = {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "a", "port": 80}]}]}
    spec, wrong = complete("HTTPRoute", route)
    assert wrong == {}
    assert spec["parentRefs"] == [{"name": "edge", "group": "gateway.networking.k8s.io", "kind": "Gateway"}]
    assert spec["rules"][0]["backendRefs"] == [{"name": "a", "port": 80, "group": "", "kind": "Service", "weight": 1}]
    assert spec["rules"][0]["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert complete("HTTPRoute", {})[0]["rules"] == [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}]
    listeners = [{"name": "a", "port": 80, "protocol": "HTTP"}]
    spec, wrong = complete("Gateway", {"gatewayClassName": "embedded", "listeners": listeners})
    assert (spec["listeners"][0]["allowedRoutes"], wrong) == ({"namespaces": {"from": "Same"}}, {})


def backend(**more: Any) -> dict[str, Any]:
    return {"rules": [{"backendRefs": [{"name": "a", "port": 80, **more}]}]}


def rule(**more: Any) -> dict[str, Any]:
    return {"rules": [{"backendRefs": [{"name": "a", "port": 80}], **more}]}


def matched(**path: str) -> dict[str, Any]:
    return rule(matches=[{"path": path}])


HEADERS = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "A", "value": "b"}]}}
LISTENER = {"name": "a", "port": 8080, "protocol": "HTTP"}
ONE = "spec.rules[0].backendRefs[0]"
FILTER = "spec.rules[0].filters"
PATH = "spec.rules[0].matches[0].path"


@pytest.mark.parametrize(
    ("kind", "spec", "field", "message"),
    [
        ("HTTPRoute", backend(weight=-1), f"{ONE}.weight", "Invalid value: -1: .* greater than or equal to 0"),
        ("HTTPRoute", backend(weight=1_000_001), f"{ONE}.weight", "less than or equal to 1000000"),
        ("HTTPRoute", backend(port=0), f"{ONE}.port", "greater than or equal to 1"),
        ("HTTPRoute", backend(name=""), f"{ONE}.name", "at least 1 chars"),
        ("HTTPRoute", backend(name="a" * 254), f"{ONE}.name", "Too long: may not be more than 253"),
        ("HTTPRoute", backend(kind="-"), f"{ONE}.kind", "should match"),
        ("HTTPRoute", backend(kind="Service\n"), f"{ONE}.kind", "should match"),
        ("HTTPRoute", {"rules": [{"backendRefs": [{"port": 1}]}]}, f"{ONE}.name", "Required value"),
        ("HTTPRoute", {"rules": [{"backendRefs": [{"name": "a"}]}]}, ONE, "Must have port for Service reference"),
        ("HTTPRoute", {"rules": []}, "spec.rules", "at least 1 items"),
        ("HTTPRoute", {"rules": [{}] * 17}, "spec.rules", "must have at most 16 items"),
        ("HTTPRoute", {"rules": [{"matches": [{}] * 64}] * 3}, "spec.rules", "less than 128"),
        ("HTTPRoute", {"parentRefs": [{}]}, "spec.parentRefs[0].name", "Required value"),
        ("HTTPRoute", {"parentRefs": [{"name": "a"}] * 2}, "spec.parentRefs", "must be unique"),
        ("HTTPRoute", {"parentRefs": [{"name": "a"}, {"name": "a", "sectionName": "b"}]}, "spec.parentRefs", "must"),
        ("HTTPRoute", {"hostnames": ["A"]}, "spec.hostnames[0]", "should match"),
        ("HTTPRoute", matched(value="a"), PATH, "absolute path and start with '/'"),
        ("HTTPRoute", matched(value="/a//b"), PATH, "must not contain '//'"),
        ("HTTPRoute", matched(value="/a/.."), PATH, "must not end with '/..'"),
        ("HTTPRoute", matched(value="/a b"), PATH, "valid characters"),
        ("HTTPRoute", matched(type="Glob"), f"{PATH}.type", 'supported values: "Exact", "PathPrefix"'),
        ("HTTPRoute", rule(matches=[{"method": "get"}]), "spec.rules[0].matches[0].method", "Unsupported value"),
        ("HTTPRoute", rule(filters=[HEADERS, HEADERS]), FILTER, "RequestHeaderModifier filter cannot be repeated"),
        ("HTTPRoute", rule(filters=[{"type": "URLRewrite"}]), f"{FILTER}[0]", "urlRewrite must be specified"),
        ("HTTPRoute", rule(filters=[{**HEADERS, "cors": {}}]), f"{FILTER}[0]", "cors must be nil"),
        ("HTTPRoute", rule(filters=[{"type": "RequestRedirect", "requestRedirect": {}}]), "spec.rules[0]", "together"),
        ("HTTPRoute", rule(timeouts={"request": "1 s"}), "spec.rules[0].timeouts.request", "should match"),
        ("Gateway", {"gatewayClassName": "a"}, "spec.listeners", "Required value"),
        ("Gateway", {"gatewayClassName": "a", "listeners": [LISTENER] * 2}, "spec.listeners", "must be unique"),
        ("Gateway", {"gatewayClassName": "a", "listeners": [{**LISTENER, "port": 0}]}, "spec.listeners[0].port", ""),
        ("Gateway", {"gatewayClassName": "a", "listeners": [{**LISTENER, "protocol": "TLS"}]}, "spec.listeners", "tl"),
        ("GatewayClass", {}, "spec.controllerName", "Required value"),
        ("GatewayClass", {"controllerName": "a"}, "spec.controllerName", "should match"),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(kind: str, spec: dict[str, Any], field: str, message: str) -> None:
    _, wrong = complete(kind, spec)
    assert field in wrong, wrong
    assert re.search(message, wrong[field]), wrong


def route(name: str = "a", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def routes(namespace: str) -> str:
    return f"{API}/namespaces/{namespace}/httproutes"


def test_objects_are_refused_and_kept_as_the_api_server_does(cluster: Running, routes: str) -> None:
    code, answer = cluster.call("POST", routes, route(**backend(weight=-1)))
    assert (code, answer["reason"], answer["details"]["kind"]) == (422, "Invalid", "HTTPRoute")
    assert answer["message"].startswith(
        'HTTPRoute.gateway.networking.k8s.io "a" is invalid: spec.rules[0].backendRefs[0]'
    )
    code, made = cluster.call("POST", routes, {**route(**backend()), "status": {"parents": []}, "surprise": 1})
    assert (code, made["metadata"]["generation"], "status" in made, "surprise" in made) == (201, 1, False, False)
    code, changed = cluster.call("PUT", f"{routes}/a", {**made, "spec": backend(weight=5)})
    assert (code, changed["metadata"]["generation"]) == (200, 2)
    assert cluster.call("PUT", f"{routes}/a", {**made, "spec": backend(weight=6)})[0] == 409
    code, told = cluster.call("PUT", f"{routes}/a/status", {**changed, "status": {"parents": []}, "spec": {}})
    assert (code, told["spec"], told["metadata"]["generation"]) == (200, changed["spec"], 2)
    assert cluster.call("DELETE", f"{routes}/a")[0] == 200


def test_patches_are_those_of_custom_resources(cluster: Running, routes: str) -> None:
    cluster.call("POST", routes, route(**backend()))
    weight = "/spec/rules/0/backendRefs/0/weight"
    code, answer = cluster.patch(f"{routes}/a", {"spec": backend(weight=2)}, "strategic-merge")
    assert (code, answer["reason"]) == (415, "UnsupportedMediaType")
    code, found = cluster.patch(f"{routes}/a", {"spec": backend(weight=3)}, fieldManager="puts-back")
    assert (code, found["spec"]["rules"][0]["backendRefs"][0]["weight"]) == (200, 3)
    assert [entry["manager"] for entry in found["metadata"]["managedFields"]][-1] == "puts-back"
    tested = [{"op": "test", "path": weight, "value": 4}, {"op": "replace", "path": weight, "value": 5}]
    assert cluster.patch(f"{routes}/a", tested, "json")[0] == 422
    tested[0]["value"] = 3
    assert cluster.patch(f"{routes}/a", tested, "json")[0] == 200
    stale = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "spec": backend()}
    assert cluster.patch(f"{routes}/a", stale)[0] == 409


def applied(cluster: Running, path: str, obj: dict[str, Any], manager: str, **query: str) -> tuple[int, Any]:
    headers = {"Content-Type": "application/apply-patch+yaml"}
    response = cluster.client.patch(
        path, content=yaml.safe_dump(obj), headers=headers, params={"fieldManager": manager, **query}
    )
    return response.status_code, response.json()


def test_applying_tells_managers_apart(cluster: Running, routes: str) -> None:
    assert applied(cluster, f"{routes}/a", route(**backend(weight=1)), "one")[0] == 201
    code, answer = applied(cluster, f"{routes}/a", route(**backend(weight=2)), "two")
    assert (code, answer["details"]["causes"][0]["field"]) == (409, ".spec.rules")
    code, found = applied(cluster, f"{routes}/a", route(**backend(weight=2)), "two", force="true")
    assert (code, found["spec"]["rules"][0]["backendRefs"][0]["weight"]) == (200, 2)


def test_they_are_never_in_protobuf(cluster: Running, routes: str) -> None:
    assert cluster.client.get(routes, headers={"Accept": PROTOBUF}).status_code == 406
    both = cluster.client.get(routes, headers={"Accept": f"{PROTOBUF},application/json"})
    assert (both.status_code, both.headers["Content-Type"].partition(";")[0]) == (200, "application/json")
    sent = cluster.client.post(routes, content=b"k8s\x00", headers={"Content-Type": PROTOBUF})
    assert sent.status_code == 415


def test_the_class_of_this_cluster_is_there(cluster: Running) -> None:
    _, found = cluster.call("GET", f"{API}/gatewayclasses/embedded")
    assert found["spec"] == {"controllerName": "muster.dev/embedded-gateway"}
    assert [(one["type"], one["status"]) for one in found["status"]["conditions"]] == [("Accepted", "True")]
    code, answer = cluster.patch(f"{API}/gatewayclasses/embedded", {"spec": {"controllerName": "a.b/c"}})
    assert (code, "field is immutable" in answer["message"]) == (422, True)
    _, listed = cluster.call("GET", API)
    assert {"httproutes", "httproutes/status", "gateways/status"} <= {one["name"] for one in listed["resources"]}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_handles_them(cluster: Running, namespace: str) -> None:
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "edge"},
        "spec": {"gatewayClassName": "other", "listeners": [LISTENER]},
    }
    text = yaml.safe_dump_all([gateway, route(hostnames=["a.example"], **backend())])
    for _ in range(2):
        done = cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=text)
        assert done.returncode == 0, done.stderr
    _, kept = cluster.call("GET", f"{API}/namespaces/{namespace}/gateways/edge")
    assert kept["spec"]["listeners"][0]["allowedRoutes"] == {"namespaces": {"from": "Same"}}
    assert kept["metadata"]["generation"] == 1, "what is applied again is the same, although kubectl calls it changed"
    changed = text.replace("a.example", "b.example")
    assert "configured" in cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=changed).stdout
    rows = cluster.kubectl("get", "-n", namespace, "gtw,httproutes", "--no-headers").stdout.split()
    assert rows[:3] == ["gateway.gateway.networking.k8s.io/edge", "other", "Unknown"]
    assert '["b.example"]' in rows
    assert "weight" in cluster.kubectl("explain", "httproute.spec.rules.backendRefs").stdout
