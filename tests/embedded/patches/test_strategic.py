"""Strategic merge patches."""

from __future__ import annotations

import pytest

from muster.embedded.patches import strategic
from muster.embedded.status import StatusError

PODS = {"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "2"}]}


def test_lists_merge_by_their_key() -> None:
    result = strategic.apply(PODS, {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}]})
    assert [c["name"] for c in result["containers"]] == ["a", "b"]
    assert result["containers"][0]["image"] == "1"
    assert [e["name"] for e in result["containers"][0]["env"]] == ["X", "Y"]


def test_an_element_is_deleted_by_directive() -> None:
    result = strategic.apply(PODS, {"containers": [{"name": "a", "$patch": "delete"}]})
    assert [c["name"] for c in result["containers"]] == ["b"]


def test_a_list_is_replaced_by_directive() -> None:
    result = strategic.apply(PODS, {"containers": [{"name": "z", "image": "9"}, {"$patch": "replace"}]})
    assert result == {"containers": [{"name": "z", "image": "9"}]}


def test_an_object_is_replaced_or_emptied_by_directive() -> None:
    assert strategic.apply({"a": {"x": 1}}, {"a": {"$patch": "replace", "y": 2}}) == {"a": {"y": 2}}
    assert strategic.apply({"a": {"x": 1}}, {"a": {"$patch": "delete"}}) == {}


def test_retained_keys_drop_all_others() -> None:
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    document = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    assert strategic.apply(document, patch) == {"strategy": {"type": "Recreate"}}


def test_the_order_of_elements_can_be_set() -> None:
    patch = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}
    assert [c["name"] for c in strategic.apply(PODS, patch)["containers"]] == ["b", "a"]


def test_finalizers_are_a_set() -> None:
    result = strategic.apply({"finalizers": ["a"]}, {"finalizers": ["b", "a"]})
    assert result == {"finalizers": ["a", "b"]}
    assert strategic.apply(result, {"$deleteFromPrimitiveList/finalizers": ["a"]}) == {"finalizers": ["b"]}


def test_lists_without_a_key_are_replaced() -> None:
    assert strategic.apply({"command": ["a", "b"]}, {"command": ["c"]}) == {"command": ["c"]}


def test_service_ports_and_container_ports_have_different_keys() -> None:
    service = {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}
    assert strategic.apply(service, {"ports": [{"port": 81, "name": "c"}]})["ports"][1] == {"port": 81, "name": "c"}
    container = {"ports": [{"containerPort": 80}]}
    assert len(strategic.apply(container, {"ports": [{"containerPort": 81}]})["ports"]) == 2


def test_an_element_without_its_key_is_refused() -> None:
    with pytest.raises(StatusError, match="merge key: name") as caught:
        strategic.apply(PODS, {"containers": [{"image": "9"}]})
    assert caught.value.code == 400


@pytest.mark.parametrize("directive", ["$retainKeys", "$deleteFromPrimitiveList/a", "$setElementOrder/a"])
def test_a_directive_with_a_value_of_another_type_is_refused(directive: str) -> None:
    with pytest.raises(StatusError) as caught:
        strategic.apply({"a": [1]}, {directive: 1})
    assert caught.value.code == 400
