"""Server-side apply: ownership of fields."""

from __future__ import annotations

from typing import Any

import pytest

from muster.embedded.patches.apply import apply, note_update
from muster.embedded.resources import CONFIGMAPS, DEPLOYMENTS
from muster.embedded.status import StatusError


def configmap(**data: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}, "data": data}


def applied(live: dict, wanted: dict, manager: str, *, force: bool = False) -> dict[str, Any]:
    return apply(CONFIGMAPS, live, wanted, manager=manager, force=force)


def test_what_a_manager_no_longer_mentions_goes() -> None:
    live = applied({"metadata": {}}, configmap(a="1", b="2"), "one")
    assert applied(live, configmap(a="1"), "one")["data"] == {"a": "1"}


def test_what_another_manager_owns_stays() -> None:
    live = applied({"metadata": {}}, configmap(a="1", b="2"), "one")
    live = applied(live, configmap(b="2"), "two")
    assert applied(live, configmap(a="1"), "one")["data"] == {"a": "1", "b": "2"}


def test_a_field_that_another_manager_owns_is_not_changed_without_force() -> None:
    live = applied({"metadata": {}}, configmap(a="1"), "one")
    with pytest.raises(StatusError, match=r'conflict with "one": \.data\.a') as caught:
        applied(live, configmap(a="2"), "two")
    assert caught.value.code == 409
    taken = applied(live, configmap(a="2"), "two", force=True)
    assert taken["data"] == {"a": "2"}
    assert [entry["manager"] for entry in taken["metadata"]["managedFields"]] == ["two"]


def test_an_ordinary_write_takes_the_fields_that_it_changes() -> None:
    live = applied({"metadata": {}}, configmap(a="1", b="2"), "one")
    edited = {**live, "data": {"a": "9", "b": "2"}}
    note_update(CONFIGMAPS, live, edited, "editor")
    with pytest.raises(StatusError, match='conflict with "editor"'):
        applied(edited, configmap(a="1", b="2"), "one")


def test_elements_of_keyed_lists_are_owned_one_by_one() -> None:
    def deployment(*names: str) -> dict[str, Any]:
        containers = [{"name": name, "image": name} for name in names]
        return {"metadata": {"name": "d"}, "spec": {"template": {"spec": {"containers": containers}}}}

    live = apply(DEPLOYMENTS, {"metadata": {}}, deployment("a", "b"), manager="one", force=False)
    live = apply(DEPLOYMENTS, live, deployment("c"), manager="two", force=False)
    live = apply(DEPLOYMENTS, live, deployment("a"), manager="one", force=False)
    assert [c["name"] for c in live["spec"]["template"]["spec"]["containers"]] == ["a", "c"]
