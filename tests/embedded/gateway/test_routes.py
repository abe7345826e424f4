"""HTTPRoutes of a real cluster: what clients of a Service or Gateway get, and what the status says."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psutil
import pytest
from embedded_support import Running
from web_support import PORT, ask, connect, web

from muster.base.waiting import wait_for

API = "/apis/gateway.networking.k8s.io/v1"
hosts = iter(range(1, 250))


class Shop:
    """A Service `shop` with the Services `shop-stable` and `shop-canary`, each a server of this process."""

    def __init__(self, cluster: Running, namespace: str, stack: ExitStack) -> None:
        self.cluster, self.namespace = cluster, namespace
        block = ".".join(cluster.url.partition("//")[2].split(".")[:2])
        self.stable, self.canary = (f"{block}.250.{next(hosts)}" for _ in range(2))
        self.servers = [stack.enter_context(web(host)) for host in (self.stable, self.canary)]
        self.address = self.service("shop", self.stable)
        self.service("shop-stable", self.stable)
        self.service("shop-canary", self.canary)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return self.cluster.call(method, path.format(f"namespaces/{self.namespace}"), body)

    def service(self, name: str, *endpoints: str) -> str:
        """Make a Service whose endpoints are these; its address."""
        spec = {"ports": [{"name": "http", "port": PORT}]}
        code, made = self.call("POST", "/api/v1/{}/services", {"metadata": {"name": name}, "spec": spec})
        assert code == 201, made
        self.endpoints(name, *endpoints)
        return str(made["spec"]["clusterIP"])

    def endpoints(self, name: str, *endpoints: str) -> None:
        described = {
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": PORT}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in endpoints],
        }
        self.call("DELETE", f"/apis/discovery.k8s.io/v1/{{}}/endpointslices/{name}")
        if endpoints:
            assert self.call("POST", "/apis/discovery.k8s.io/v1/{}/endpointslices", described)[0] == 201

    def route(self, spec: dict[str, Any], name: str = "shop") -> dict[str, Any]:
        """Write a route, and wait until its status is that of this writing."""
        path = f"{API}/{{}}/httproutes/{name}"
        code, found = self.call("GET", path)
        if code == 404:
            code, found = self.call("POST", f"{API}/{{}}/httproutes", {"metadata": {"name": name}, "spec": spec})
        else:
            code, found = self.call("PUT", path, {**found, "spec": spec})
        assert code in (200, 201), found
        return self.status(name, found["metadata"]["generation"])

    def status(self, name: str, generation: int) -> dict[str, Any]:
        """The status and reason of each condition of a route at its first parent, once it is of this generation."""
        found: dict[str, Any] = {}

        def is_told() -> bool:
            route = self.call("GET", f"{API}/{{}}/httproutes/{name}")[1]
            parents = route.get("status", {}).get("parents") or [{"conditions": []}]
            told = parents[0]["conditions"]
            found.update({one["type"]: (one["status"], one["reason"]) for one in told})
            return bool(told) and all(one["observedGeneration"] == generation for one in told)

        wait_for(is_told, within=10, reason="the status of the route to be written", latest=lambda: found)
        return found


@contextmanager
def opened(cluster: Running, namespace: str) -> Iterator[Shop]:
    with ExitStack() as stack:
        yield Shop(cluster, namespace, stack)


@pytest.fixture
def shop(cluster: Running, namespace: str) -> Iterator[Shop]:
    with opened(cluster, namespace) as made:
        yield made


def parent(name: str = "shop", **more: Any) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": name, **more}


def weighed(stable: int, canary: int, **rule: Any) -> dict[str, Any]:
    """A route of the Service with these weights."""
    references = [
        {"name": "shop-stable", "port": PORT, "weight": stable},
        {"name": "shop-canary", "port": PORT, "weight": canary},
    ]
    return {"parentRefs": [parent()], "rules": [{"backendRefs": references, **rule}]}


IN_FORCE = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}


def test_a_kept_connection_sees_the_weights_of_each_moment(shop: Shop) -> None:
    with closing(connect(shop.address)) as kept:
        wait_for(lambda: answers(kept) == 200, within=10, reason="the Service to answer")
        assert ask(kept)[1]["who"] == shop.stable, "without a route the Service leads to its own endpoints"
        assert shop.route(weighed(80, 20)) == IN_FORCE
        counts = Counter(ask(kept)[1]["who"] for _ in range(600))
        assert counts.keys() == {shop.stable, shop.canary}
        assert 70 < counts[shop.canary] < 170, "20 % of 600: more than 5 standard deviations from either bound"

        assert shop.route(weighed(100, 0)) == IN_FORCE
        assert {ask(kept)[1]["who"] for _ in range(100)} == {shop.stable}, "what the status says is in force"
        assert shop.route(weighed(0, 100)) == IN_FORCE
        assert {ask(kept)[1]["who"] for _ in range(100)} == {shop.canary}

        assert shop.call("DELETE", f"{API}/{{}}/httproutes/shop")[0] == 200
        wait_for(lambda: ask(kept)[1]["who"] == shop.stable, within=10, reason="the route to be gone")


def answers(connection: Any) -> int:
    try:
        return ask(connection)[0]
    except OSError:
        connection.close()
        return 0


def test_weights_change_under_load_and_nothing_fails(shop: Shop) -> None:
    shop.route(weighed(1, 0))
    seen: list[Any] = []
    stop = threading.Event()

    def load() -> None:
        with closing(connect(shop.address)) as kept:
            while not stop.is_set():
                seen.append(ask(kept, method="POST", body=b"x" * 500))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    patches = 0
    try:
        for turn in range(60):
            change = [{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": turn % 5}]
            code, found = shop.cluster.patch(f"{API}/namespaces/{shop.namespace}/httproutes/shop", change, "json")
            assert code == 200, found
            patches += 1
            time.sleep(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    wrong = [answer for answer in seen if answer[0] != 200 or answer[1]["size"] != 500]
    assert wrong == []
    assert min(Counter(answer["who"] for _, answer in seen).values()) > 20
    assert patches == 60


def test_a_backend_may_be_the_parent_itself(shop: Shop) -> None:
    route = weighed(1, 0)
    route["rules"][0]["backendRefs"] = [{"name": "shop", "port": PORT}]
    assert shop.route(route) == IN_FORCE
    with closing(connect(shop.address)) as kept:
        assert ask(kept)[1]["who"] == shop.stable


def test_endpoints_that_come_and_go_are_known_at_once(shop: Shop) -> None:
    shop.route(weighed(0, 1))
    with closing(connect(shop.address)) as kept:
        assert ask(kept)[1]["who"] == shop.canary
        shop.endpoints("shop-canary")
        wait_for(lambda: ask(kept)[0] == 503, within=10, reason="the backend to be without endpoints")
        shop.endpoints("shop-canary", shop.canary)
        wait_for(lambda: ask(kept)[0] == 200, within=10, reason="the endpoint to be known")


@pytest.mark.parametrize(
    ("change", "accepted", "resolved"),
    [
        ({"parentRefs": [parent("nobody")]}, "NoMatchingParent", "ResolvedRefs"),
        ({"parentRefs": [parent(port=1234)]}, "NoMatchingParent", "ResolvedRefs"),
        ({"parentRefs": [parent(namespace="default")]}, "UnsupportedValue", "ResolvedRefs"),
        ({"rules": [{"backendRefs": [{"name": "nobody", "port": 1}]}]}, "Accepted", "BackendNotFound"),
        ({"rules": [{"backendRefs": [{"name": "shop-canary", "port": 1}]}]}, "Accepted", "BackendNotFound"),
        ({"rules": [{"backendRefs": [{"kind": "Pod", "name": "shop-canary"}]}]}, "Accepted", "InvalidKind"),
        (
            {"rules": [{"backendRefs": [{"name": "a", "namespace": "default", "port": 1}]}]},
            "Accepted",
            "RefNotPermitted",
        ),
        ({"rules": [{"timeouts": {"request": "1s"}}]}, "UnsupportedValue", "ResolvedRefs"),
        (
            {"rules": [{"filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": "a"}}]}]},
            "UnsupportedValue",
            "ResolvedRefs",
        ),
        (
            {"rules": [{"matches": [{"path": {"type": "RegularExpression", "value": "("}}]}]},
            "UnsupportedValue",
            "ResolvedRefs",
        ),
    ],
)
def test_the_status_says_what_is_wrong(shop: Shop, change: dict[str, Any], accepted: str, resolved: str) -> None:
    found = shop.route({**weighed(1, 0), **change})
    assert (found["Accepted"][1], found["ResolvedRefs"][1]) == (accepted, resolved)
    with closing(connect(shop.address)) as kept:
        if accepted == "Accepted":
            assert ask(kept)[0] == 500
        else:
            wait_for(lambda: answers(kept) == 200, within=10, reason="the Service to lead where it did before")


def test_rules_are_tried_the_most_exact_first_whatever_their_order(shop: Shop) -> None:
    def to(name: str, **match: Any) -> dict[str, Any]:
        return {"matches": [match], "backendRefs": [{"name": name, "port": PORT}]}

    stable, canary = "shop-stable", "shop-canary"
    rules = [
        to(stable, path={"value": "/"}),
        to(canary, path={"value": "/a"}),
        to(stable, path={"value": "/a/b"}),
        to(canary, path={"type": "Exact", "value": "/a/b/c"}),
        to(canary, path={"value": "/a/b"}, headers=[{"name": "X-Canary", "value": "1"}]),
    ]
    shop.route({"parentRefs": [parent()], "rules": rules})
    with closing(connect(shop.address)) as kept:
        asked = [("/", {}), ("/a", {}), ("/a/b", {}), ("/a/b/c", {}), ("/a/b/d", {}), ("/a/b", {"x-canary": "1"})]
        found = [ask(kept, path, headers=headers)[1]["who"] == shop.canary for path, headers in asked]
    assert found == [False, True, False, True, False, True]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_a_gateway_serves_its_routes_at_its_own_address(shop: Shop) -> None:
    port = free_port()
    listeners = [
        {"name": "web", "port": port, "protocol": "HTTP", "hostname": "*.example"},
        {"name": "tls", "port": port + 1, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "none"}]}},
    ]
    gateway = {"metadata": {"name": "edge"}, "spec": {"gatewayClassName": "embedded", "listeners": listeners}}
    assert shop.call("POST", f"{API}/{{}}/gateways", gateway)[0] == 201
    route = {**weighed(0, 1), "parentRefs": [{"name": "edge"}], "hostnames": ["shop.example", "other.test"]}
    assert shop.route(route) == IN_FORCE

    def edge() -> dict[str, Any]:
        return dict(shop.call("GET", f"{API}/{{}}/gateways/edge")[1]["status"])

    def reasons(conditions: list[dict[str, Any]]) -> dict[str, str]:
        return {one["type"]: f"{one['status']} {one['reason']}" for one in conditions}

    def is_programmed() -> bool:
        status = edge()
        return (
            reasons(status["conditions"])["Programmed"] == "True Programmed"
            and status["listeners"][0]["attachedRoutes"] == 1
        )

    wait_for(is_programmed, within=10, reason="the Gateway to be programmed", latest=edge)
    status = edge()
    assert reasons(status["conditions"])["Accepted"] == "True ListenersNotValid"
    web_, tls = status["listeners"]
    assert reasons(web_["conditions"])["Programmed"] == "True Programmed"
    assert reasons(tls["conditions"])["Accepted"] == "False UnsupportedProtocol"
    address = status["addresses"][0]["value"]
    with closing(connect(address, port)) as kept:
        assert ask(kept, headers={"Host": "shop.example"})[1]["who"] == shop.canary
        assert ask(kept, headers={"Host": "else.example"})[0] == 404
        shop.route({**route, "parentRefs": [{"name": "edge", "sectionName": "tls"}]})
        assert ask(kept, headers={"Host": "shop.example"})[0] == 404
    assert shop.route({**route, "hostnames": ["other.test"]})["Accepted"] == ("False", "NoMatchingListenerHostname")
    assert shop.call("DELETE", f"{API}/{{}}/gateways/edge")[0] == 200
    wait_for(lambda: not listens(address, port), within=10, reason="nobody to listen any more")


def test_a_port_that_is_not_to_be_had_is_told(shop: Shop) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        listeners = [{"name": "web", "port": taken.getsockname()[1], "protocol": "HTTP"}]
        gateway = {"metadata": {"name": "edge"}, "spec": {"gatewayClassName": "embedded", "listeners": listeners}}
        assert shop.call("POST", f"{API}/{{}}/gateways", gateway)[0] == 201
        told: list[Any] = []

        def is_told() -> bool:
            status = shop.call("GET", f"{API}/{{}}/gateways/edge")[1]["status"]
            told[:] = [one["reason"] for one in status["listeners"][0]["conditions"]] if "listeners" in status else []
            return told[:2] == ["PortUnavailable", "Invalid"]

        wait_for(is_told, within=10, reason="the Gateway to say so", latest=lambda: told)
    events = shop.call("GET", "/api/v1/{}/events")[1]["items"]
    assert "FailedToListen" in {event["reason"] for event in events if event["involvedObject"]["name"] == "edge"}


def test_a_proxy_that_is_started_again_knows_the_routes(shop: Shop) -> None:
    shop.route(weighed(0, 1))
    children = psutil.Process(shop.cluster.process.pid).children(recursive=True)
    (proxy,) = [child for child in children if "muster.embedded.proxy" in child.cmdline()]
    proxy.kill()
    with closing(connect(shop.address)) as kept:
        wait_for(lambda: answers(kept) == 200, within=20, reason="the proxy to be started again")
        assert ask(kept)[1]["who"] == shop.canary
    assert shop.route(weighed(1, 0)) == IN_FORCE


def listens(address: str, port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((address, port)) == 0


def test_a_change_of_weights_does_not_wait_for_its_turn(shop: Shop) -> None:
    """Some milliseconds, where nothing else keeps the machine busy; never the second that rules of Services take."""
    shop.route(weighed(1, 0))
    path = f"{API}/namespaces/{shop.namespace}/httproutes/shop"
    took = []
    with closing(connect(shop.address)) as kept:
        for turn in range(10):
            wanted = (shop.canary, shop.stable)[turn % 2]
            begun = time.monotonic()
            shop.cluster.patch(path, {"spec": weighed(turn % 2, 1 - turn % 2)})
            while ask(kept)[1]["who"] != wanted:
                pass
            took.append(time.monotonic() - begun)
    assert sorted(took)[len(took) // 2] < 0.5, [f"{seconds * 1000:.1f} ms" for seconds in took]
