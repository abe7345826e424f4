"""The new version beside the old one: nothing that leads to the old one's pods leads to the new one's."""

from __future__ import annotations

import json
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.release.canary import copies, deployment_beside, pod_labels, replicas_for, service_beside
from muster.release.contents import Altered, Contents, references
from muster.wire.canary import LONGEST, beside

from .made import deployment, rolled, selects, service

KEYS = ("app", "tier", "component", "zone")
VALUES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
LABELS = st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1)
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
NAMES = st.lists(VALUES, min_size=1, max_size=4).map(".".join)
REPLACED = "configuration"


@given(labels=LABELS, data=st.data())
def test_whoever_leads_to_the_old_pods_does_not_lead_to_the_new_ones(
    labels: dict[str, str], data: st.DataObject
) -> None:
    keys = sorted(labels)
    selector = {key: labels[key] for key in data.draw(st.lists(st.sampled_from(keys), min_size=1, unique=True))}
    own = {key: labels[key] for key in data.draw(st.lists(st.sampled_from(keys), min_size=1, unique=True))}
    live = deployment("web", labels=labels)
    live["spec"]["selector"]["matchLabels"] = own
    one = rolled(live)
    new = deployment_beside(one, "r1", 1, selector, shared=False)
    new_labels = new["spec"]["template"]["metadata"]["labels"]
    assert selects(selector, labels) and not selects(selector, new_labels)
    assert not selects(own, new_labels)
    assert selects(new["spec"]["selector"]["matchLabels"], new_labels)
    assert not selects(new["spec"]["selector"]["matchLabels"], labels)
    assert all(LABEL_VALUE.fullmatch(value) for value in new_labels.values())
    led = service_beside(service("web", **selector), pod_labels(one, selector, shared=False), "r1")
    assert selects(led["spec"]["selector"], new_labels) and not selects(led["spec"]["selector"], labels)


@given(labels=LABELS)
def test_where_the_service_shares_traffic_it_leads_to_both(labels: dict[str, str]) -> None:
    one = rolled(deployment("web", labels=labels))
    new = deployment_beside(one, "r1", 1, labels, shared=True)
    new_labels = new["spec"]["template"]["metadata"]["labels"]
    assert selects(labels, new_labels)
    assert not selects(new["spec"]["selector"]["matchLabels"], labels)


def test_what_only_tells_deployments_apart_is_another_even_where_the_service_leads_to_both() -> None:
    live = deployment("web", labels={"app": "web", "component": "front"})
    new = deployment_beside(rolled(live), "r1", 1, {"app": "web"}, shared=True)
    new_labels = new["spec"]["template"]["metadata"]["labels"]
    assert selects({"app": "web"}, new_labels)
    assert not selects(live["spec"]["selector"]["matchLabels"], new_labels)


@given(NAMES)
def test_what_stands_beside_has_a_name_of_its_own_that_a_cluster_takes(name: str) -> None:
    told = beside(name)
    assert told != name
    assert len(told) <= LONGEST
    assert NAME.fullmatch(told) and LABEL_VALUE.fullmatch(told)


@given(st.text(string.ascii_lowercase, min_size=56, max_size=56), st.sets(VALUES, min_size=2, max_size=2))
def test_two_long_names_do_not_become_the_same(start: str, ends: set[str]) -> None:
    one, two = sorted(ends)
    assert beside(start + one) != beside(start + two)


def test_a_name_that_ends_like_one_of_the_new_version_still_becomes_another() -> None:
    name = "x" * (LONGEST - len("-canary")) + "-canary"
    assert beside(name) != name


def test_a_short_name_is_told_as_it_is() -> None:
    assert beside("web") == "web-canary"


@pytest.mark.parametrize(
    ("share", "replicas", "pods"), [(0.05, 3, 1), (0.2, 10, 2), (0.21, 10, 3), (0.5, 3, 2), (1, 3, 3), (0.3, 10, 3)]
)
def test_never_fewer_pods_than_carry_a_share(share: float, replicas: int, pods: int) -> None:
    assert replicas_for(share, replicas) == pods


def configured() -> dict[str, object]:
    """A pod's spec that refers to a ConfigMap in each way that there is."""
    return {
        "initContainers": [{"name": "first", "envFrom": [{"configMapRef": {"name": REPLACED, "optional": True}}]}],
        "volumes": [
            {"name": "plain", "configMap": {"name": REPLACED, "items": [{"key": "a", "path": "a"}]}},
            {
                "name": "mixed",
                "projected": {"sources": [{"secret": {"name": REPLACED}}, {"configMap": {"name": REPLACED}}]},
            },
            {"name": "other", "configMap": {"name": "other"}},
            {"name": "kept", "secret": {"secretName": REPLACED}},
        ],
    }


def test_a_copied_configmap_is_referred_to_everywhere_and_nothing_else_is_renamed() -> None:
    live = deployment("web", **configured())
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": REPLACED, "key": "a"}}}]
    container["args"] = [REPLACED]
    new = deployment_beside(rolled(live, copied=frozenset({REPLACED})), "r1", 1, {"app": "web"}, shared=False)
    told = [one["name"] for one in references(new["spec"]["template"])]
    assert sorted(told) == ["configuration-canary"] * 4 + ["other"]
    spec = new["spec"]["template"]["spec"]
    assert spec["volumes"][1]["projected"]["sources"][0] == {"secret": {"name": REPLACED}}
    assert spec["volumes"][3] == {"name": "kept", "secret": {"secretName": REPLACED}}
    assert spec["containers"][0]["args"] == [REPLACED]
    assert "-canary" not in json.dumps(live), "what runs was changed as well"


def test_only_what_a_deployment_refers_to_is_copied() -> None:
    def altered(name: str) -> Altered:
        live = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}}
        return Altered(live, live | {"data": {"a": "2"}})

    one = rolled(deployment("web"), copied=frozenset({"used"}))
    contents = Contents((one,), (altered("used"), altered("unused")), (), (), None)
    (made,) = copies(contents, "r1")
    assert (made["metadata"]["name"], made["data"]) == ("used-canary", {"a": "2"})
    assert made["metadata"]["labels"]["muster.dev/release"] == "r1"


def test_what_a_controller_knows_its_own_objects_by_is_not_copied() -> None:
    live = deployment("web")
    live["metadata"]["labels"] |= {"argocd.argoproj.io/instance": "shop", "kustomize.toolkit.fluxcd.io/name": "shop"}
    live["metadata"]["annotations"] = {
        "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web",
        "deployment.kubernetes.io/revision": "7",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "team": "shops",
    }
    new = deployment_beside(rolled(live), "r1", 1, {"app": "web"}, shared=False)
    assert new["metadata"]["annotations"] == {"team": "shops"}
    assert not [key for key in new["metadata"]["labels"] if "argoproj" in key or "fluxcd" in key]


def test_a_paused_deployment_is_started_beside_all_the_same() -> None:
    live = deployment("web")
    live["spec"]["paused"] = True
    assert "paused" not in deployment_beside(rolled(live), "r1", 1, {}, shared=False)["spec"]


def test_the_service_beside_asks_for_no_address_and_no_port_of_the_nodes() -> None:
    known = service("web")
    known["spec"] |= {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "type": "NodePort"}
    known["spec"]["ports"][0]["nodePort"] = 30080
    made = service_beside(known, {"app": "web-canary"}, "r1")
    assert made["spec"]["ports"] == [{"name": "http", "port": 8080, "targetPort": "http"}]
    assert made["spec"].keys() == {"selector", "ports"}
