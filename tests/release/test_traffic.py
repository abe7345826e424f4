"""Sharing traffic: what is written, that nobody else's change is lost, and that going back leaves what was there."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.errors import RefusedError
from muster.kube import ApiError
from muster.release.traffic import ReplicaShares, Routes, VirtualServices, choose
from muster.release.traffic.routes import LARGEST

from .fake import FakeCluster, Object, heeded
from .made import deployment, service, shared

GATEWAY = "gateway.networking.k8s.io/v1"
SHARES = st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0])


def route(*rules: Object, name: str = "web") -> Object:
    spec = {"parentRefs": [{"name": "front"}], "rules": list(rules)}
    return {"apiVersion": GATEWAY, "kind": "HTTPRoute", "metadata": {"name": name}, "spec": spec}


def rule(*refs: Object, **more: Any) -> Object:
    return {**more, "backendRefs": list(refs)}


def ref(name: str, **more: Any) -> Object:
    return {"name": name, "port": 8080, **more}


def weights(item: Object, number: int = 0) -> dict[str, int]:
    """The weights of a rule, by backend."""
    return {one["name"]: one.get("weight", 1) for one in item["spec"]["rules"][number]["backendRefs"]}


def routes(fake: FakeCluster) -> Routes:
    return Routes(shared(fake, **Routes(shared(fake)).prepare()))


ODD = (
    rule(ref("web"), matches=[{"path": {"value": "/"}}]),
    rule(ref("web", weight=3), ref("old", weight=1), matches=[{"path": {"value": "/old"}}]),
    rule(ref("other"), matches=[{"path": {"value": "/other"}}]),
    rule(ref("web", namespace="elsewhere"), matches=[{"path": {"value": "/elsewhere"}}]),
    rule(ref("web", filters=[{"type": "RequestHeaderModifier"}], kind="Service", group="")),
    {"filters": [{"type": "RequestRedirect"}]},
)


def test_each_rule_that_leads_to_the_service_is_shared_and_no_other() -> None:
    fake = FakeCluster(route(*ODD))
    way = routes(fake)
    way.write(0.05, way.read())
    written = fake.get("HTTPRoute", "web")
    assert weights(written) == {"web": 950, "web-canary": 50}
    assert weights(written, 1) == {"web": 2850, "web-canary": 150, "old": 1000}
    assert written["spec"]["rules"][2:4] == list(ODD[2:4])
    assert written["spec"]["rules"][4]["backendRefs"][1]["filters"] == [{"type": "RequestHeaderModifier"}]
    assert written["spec"]["rules"][5] == ODD[5]
    assert way.read().share == pytest.approx(0.05)


@given(shares=st.lists(SHARES, max_size=6))
def test_removing_puts_back_exactly_what_was_there(shares: list[float]) -> None:
    fake = FakeCluster(route(*ODD), route(rule(ref("web")), name="second"))
    before = {key: one["spec"] for key, one in fake.objects.items()}
    way = routes(fake)
    for share in shares:
        way.write(share, way.read())
        assert way.read().share == pytest.approx(share, abs=0.001)
    way.remove()
    assert {key: one["spec"] for key, one in fake.objects.items()} == before
    way.remove()
    assert {key: one["spec"] for key, one in fake.objects.items()} == before


def test_what_somebody_changes_meanwhile_is_kept() -> None:
    fake = FakeCluster(route(ODD[0]))
    way = routes(fake)
    way.write(0.2, way.read())
    added = rule(ref("help"), matches=[{"path": {"value": "/help"}}])
    fake.edit("HTTPRoute", "web", lambda item: item["spec"]["rules"].append(added))
    way.write(0.5, way.read())
    assert weights(fake.get("HTTPRoute", "web")) == {"web": 500, "web-canary": 500}
    way.remove()
    assert fake.get("HTTPRoute", "web")["spec"]["rules"] == [ODD[0], added]


def test_weights_that_somebody_set_by_hand_are_put_back_as_they_were_before_the_release() -> None:
    fake = FakeCluster(route(rule(ref("web", weight=7))))
    way = routes(fake)
    way.write(0.2, way.read())

    def by_hand(item: Object) -> None:
        for one, weight in zip(item["spec"]["rules"][0]["backendRefs"], (90, 10), strict=True):
            one["weight"] = weight

    fake.edit("HTTPRoute", "web", by_hand)
    assert way.read().share == pytest.approx(0.1)
    way.remove()
    assert fake.get("HTTPRoute", "web")["spec"]["rules"] == [rule(ref("web", weight=7))]


def test_a_rule_that_somebody_led_to_the_new_version_alone_goes_back_to_the_old_one() -> None:
    fake = FakeCluster(route(ODD[0]))
    way = routes(fake)
    way.write(0.2, way.read())
    alone = [ref("web-canary")]
    fake.edit("HTTPRoute", "web", lambda item: item["spec"]["rules"][0].update(backendRefs=alone, timeouts={}))
    assert way.read().share == 1
    way.write(0, way.read())
    assert weights(fake.get("HTTPRoute", "web"))["web-canary"] == 0
    assert weights(fake.get("HTTPRoute", "web"))["web"] > 0
    way.remove()
    assert weights(fake.get("HTTPRoute", "web")).keys() == {"web"}


def test_who_read_before_somebody_else_wrote_writes_nothing() -> None:
    fake = FakeCluster(route(ODD[0]))
    way = routes(fake)
    split = way.read()
    fake.edit("HTTPRoute", "web", lambda item: item["metadata"].update(labels={"a": "b"}))
    with pytest.raises(ApiError) as raised:
        way.write(0.5, split)
    assert raised.value.code == 409
    assert way.read().share == 0


def test_removing_goes_on_where_somebody_writes_at_the_same_moment() -> None:
    fake = FakeCluster(route(ODD[0]))
    way = routes(fake)
    way.write(0.5, way.read())
    fake.between = lambda: fake.edit("HTTPRoute", "web", lambda item: item["metadata"].update(labels={"a": "b"}))
    way.remove()
    left = fake.get("HTTPRoute", "web")
    assert (left["spec"]["rules"], left["metadata"]["labels"]) == ([ODD[0]], {"a": "b"})


def test_a_route_that_somebody_put_back_gives_the_new_version_nothing() -> None:
    fake = FakeCluster(route(ODD[0]))
    way = routes(fake)
    way.write(0.5, way.read())
    fake.edit("HTTPRoute", "web", lambda item: item["spec"].update(rules=[copy.deepcopy(ODD[0])]))
    assert way.read().share == 0
    way.write(0.5, way.read())
    assert way.read().share == 0.5


def test_rules_that_do_not_share_alike_are_no_share() -> None:
    fake = FakeCluster(route(ODD[0], ODD[4]))
    way = routes(fake)
    way.write(0.5, way.read())
    fake.edit("HTTPRoute", "web", lambda item: item["spec"]["rules"].__setitem__(0, copy.deepcopy(ODD[0])))
    assert way.read().share is None


def test_a_route_that_is_gone_gives_the_new_version_nothing() -> None:
    fake = FakeCluster(route(ODD[0]))
    way = routes(fake)
    way.write(0.5, way.read())
    fake.delete("HTTPRoute", "web")
    assert way.read() == (0.0, ())
    way.write(0, way.read())
    way.remove()


@pytest.mark.parametrize("weight", [1, 100, 999, 1001, 65_536, LARGEST])
def test_no_weight_is_larger_than_there_may_be(weight: int) -> None:
    fake = FakeCluster(route(rule(ref("web", weight=weight), ref("old", weight=1))))
    way = routes(fake)
    way.write(0.5, way.read())
    told = weights(fake.get("HTTPRoute", "web"))
    assert max(told.values()) <= LARGEST
    assert told["web-canary"] == pytest.approx(weight * told["old"] / 2, rel=0.01)


def test_without_a_route_one_is_made_that_leads_all_to_the_old_version() -> None:
    fake = FakeCluster(service())
    way = routes(fake)
    assert "muster-release" in way.make()
    made = fake.get("HTTPRoute", "muster-release")
    assert weights(made) == {"web": 1, "web-canary": 0}
    assert made["spec"]["parentRefs"] == [{"group": "", "kind": "Service", "name": "web", "port": 8080}]
    way.make()
    way.write(0.2, way.read())
    assert way.read().share == 0.2
    assert way.remove() == "deleted HTTPRoute muster-release"
    assert ("HTTPRoute", "muster-release") not in fake.objects
    assert "was gone" in way.remove()


def test_a_route_that_nothing_heeds_is_refused_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muster.release.traffic.routes.HEEDED_WITHIN_S", 0.1)
    fake = FakeCluster(service(), heeds=False)
    with pytest.raises(RefusedError, match="nothing heeds one of Service 'web'"):
        routes(fake).make()
    assert ("HTTPRoute", "muster-release") not in fake.objects


def test_a_route_is_waited_for_until_it_is_heeded_as_it_is_now() -> None:
    fake = FakeCluster(route(ODD[0]))
    way = routes(fake)
    assert way.lag() == ""
    fake.objects["HTTPRoute", "web"]["status"] = {"parents": [heeded(0)]}
    assert "has not seen HTTPRoute web as it is now" in way.lag()
    fake.objects["HTTPRoute", "web"]["status"] = {"parents": [heeded(1, resolved=False)]}
    assert "ResolvedRefs" in way.lag()
    fake.objects["HTTPRoute", "web"]["status"] = {}
    assert "no controller" in way.lag()


# -- Istio


def virtual(*http: Object) -> Object:
    spec = {"hosts": ["shop.example.com"], "http": list(http)}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "web"}, "spec": spec}


def leading(host: str, **more: Any) -> Object:
    return {"route": [{"destination": {"host": host, "port": {"number": 8080}}}], **more}


def virtuals(fake: FakeCluster) -> VirtualServices:
    return VirtualServices(shared(fake, **VirtualServices(shared(fake)).prepare()))


HTTP = (
    leading("web", match=[{"uri": {"prefix": "/"}}]),
    leading("web.shop.svc.cluster.local", timeout="3s"),
    leading("other"),
    {"route": [{"destination": {"host": "web"}, "weight": 10}, {"destination": {"host": "old"}, "weight": 90}]},
)


def test_routes_of_a_virtual_service_that_lead_to_the_service_alone_are_shared() -> None:
    fake = FakeCluster(virtual(*HTTP))
    way = virtuals(fake)
    way.write(0.05, way.read())
    http = fake.get("VirtualService", "web")["spec"]["http"]
    assert [(one["destination"]["host"], one["weight"]) for one in http[0]["route"]] == [("web", 95), ("web-canary", 5)]
    assert [(one["destination"]["host"], one["weight"]) for one in http[1]["route"]] == [
        ("web.shop.svc.cluster.local", 95),
        ("web-canary.shop.svc.cluster.local", 5),
    ]
    assert http[2:] == list(HTTP[2:])
    assert way.read().share == 0.05


@given(shares=st.lists(SHARES, max_size=5))
def test_a_virtual_service_is_put_back_as_it_was(shares: list[float]) -> None:
    fake = FakeCluster(virtual(*HTTP))
    before = fake.get("VirtualService", "web")["spec"]
    way = virtuals(fake)
    for share in shares:
        way.write(share, way.read())
        assert way.read().share == share
    way.remove()
    way.remove()
    assert fake.get("VirtualService", "web")["spec"] == before


def test_what_somebody_changes_in_a_virtual_service_meanwhile_is_kept() -> None:
    fake = FakeCluster(virtual(HTTP[0]))
    way = virtuals(fake)
    way.write(0.2, way.read())
    fake.edit("VirtualService", "web", lambda item: item["spec"]["http"].append(HTTP[2]))
    fake.edit("VirtualService", "web", lambda item: item["spec"]["http"][0].update(timeout="9s"))
    way.write(0.5, way.read())
    way.remove()
    assert fake.get("VirtualService", "web")["spec"]["http"] == [{**HTTP[0], "timeout": "9s"}, HTTP[2]]


# -- by the number of pods


def pods_shared(replicas: int = 3) -> tuple[FakeCluster, ReplicaShares]:
    fake = FakeCluster(service(), deployment("web", replicas))
    way = ReplicaShares(shared(fake, replicas=replicas, **ReplicaShares(shared(fake)).prepare()))
    fake.create(deployment("web-canary", 0))
    return fake, way


def ready(fake: FakeCluster) -> None:
    item = fake.objects["Deployment", "web-canary"]
    item["status"] = {"readyReplicas": item["spec"]["replicas"]}


@pytest.mark.parametrize(
    ("replicas", "share", "pods"), [(3, 0.05, 1), (3, 0.5, 3), (20, 0.05, 1), (20, 0.2, 5), (100, 0.05, 5), (1, 0.5, 1)]
)
def test_the_share_that_pods_make_is_told(replicas: int, share: float, pods: int) -> None:
    fake, way = pods_shared(replicas)
    assert way.pods(share) == pods
    way.write(share, way.read())
    assert way.read().share == way.possible(share) == pods / (pods + replicas)
    assert fake.get("Deployment", "web")["spec"]["replicas"] == replicas


def test_the_service_leads_to_the_new_version_alone_only_once_it_can_carry_all() -> None:
    fake, way = pods_shared()
    way.write(1, way.read())
    assert fake.get("Service", "web")["spec"]["selector"] == {"app": "web"}
    assert way.lag() == "0 of 3 pods of the new version are ready"
    ready(fake)
    way.write(1, way.read())
    assert fake.get("Service", "web")["spec"]["selector"] == {"app": "web", "muster.dev/track": "canary"}
    assert (way.read().share, way.lag()) == (1, "")


def test_going_back_leads_to_the_old_pods_before_a_new_one_goes() -> None:
    fake, way = pods_shared()
    way.write(1, way.read())
    ready(fake)
    way.write(1, way.read())
    fake.writes.clear()
    way.write(0, way.read())
    assert fake.writes == ["replace Service/web", "replace Deployment/web-canary"]
    assert fake.get("Service", "web")["spec"]["selector"] == {"app": "web"}
    assert way.read().share == 0


def test_a_service_that_somebody_leads_elsewhere_is_no_share() -> None:
    fake, way = pods_shared()
    fake.edit("Service", "web", lambda item: item["spec"].update(selector={"app": "other"}))
    assert way.read().share is None
    way.write(0, way.read())
    assert (way.read().share, fake.get("Service", "web")["spec"]["selector"]) == (0, {"app": "web"})


def test_without_its_deployment_the_new_version_has_nothing() -> None:
    fake, way = pods_shared()
    fake.delete("Deployment", "web-canary")
    assert way.read().share == 0
    assert way.lag() == ""
    way.remove()
    assert fake.get("Service", "web")["spec"]["selector"] == {"app": "web"}


# -- which of them


@pytest.mark.parametrize(
    ("objects", "unserved", "name"),
    [
        ((virtual(HTTP[0]), route(ODD[0])), set(), "virtualservice"),
        ((virtual(HTTP[2]), route(ODD[0])), set(), "httproute"),
        ((), set(), "httproute"),
        ((), {"VirtualService"}, "httproute"),
        ((), {"VirtualService", "HTTPRoute"}, "replicas"),
    ],
)
def test_the_finest_way_that_there_is_is_taken(objects: tuple[Object, ...], unserved: set[str], name: str) -> None:
    fake = FakeCluster(service(), *objects)
    fake.unserved = unserved
    assert choose("auto", shared(fake)).name == name
    assert fake.writes == []


@pytest.mark.parametrize("way", ["virtualservice", "httproute"])
def test_a_way_that_is_not_there_is_refused(way: str) -> None:
    fake = FakeCluster(service())
    fake.unserved = {"VirtualService", "HTTPRoute"}
    with pytest.raises(RefusedError, match=f"refused: .* 'release.traffic.way'|release.traffic.way .* '{way}'"):
        choose(way, shared(fake))


def test_a_way_that_may_not_be_looked_at_is_passed_over_but_where_it_is_named() -> None:
    fake = FakeCluster(service())
    fake.forbidden = {"VirtualService", "HTTPRoute"}
    assert choose("auto", shared(fake)).name == "replicas"
    with pytest.raises(ApiError, match="HTTPRoute may not be listed"):
        choose("httproute", shared(fake))
