"""A field is found by its keys, and changed only if it still is what it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.errors import UsageError
from muster.safety.fields import (
    ABSENT,
    Match,
    Path,
    change_field,
    parse_path,
    path_from_json,
    path_to_json,
    read_field,
    show_path,
)

DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "api", "labels": {"example.com/tier": "front"}},
    "spec": {
        "replicas": 3,
        "template": {
            "spec": {
                "containers": [
                    {"name": "sidecar", "image": "s:1"},
                    {"name": "api", "image": "a:1", "env": [{"name": "MODE", "value": "calm"}]},
                ]
            }
        },
    },
}


class TestFailedError(Exception):
    """A `test` operation of a patch did not hold."""

    __test__ = False


def apply_patch(content: Any, patch: list[dict[str, Any]]) -> Any:
    """RFC 6902, as far as `change_field` uses it."""
    content = copy.deepcopy(content)
    for operation in patch:
        keys = [key.replace("~1", "/").replace("~0", "~") for key in operation["path"].split("/")[1:]]
        holder = content
        if not keys:
            if content != operation["value"]:
                raise TestFailedError(operation)
            continue
        for key in keys[:-1]:
            holder = holder[int(key)] if isinstance(holder, list) else holder[key]
        last: Any = int(keys[-1]) if isinstance(holder, list) and keys[-1] != "-" else keys[-1]
        match operation["op"]:
            case "test":
                if holder[last] != operation["value"]:
                    raise TestFailedError(operation)
            case "remove":
                del holder[last]
            case "add" if last == "-":
                holder.append(operation["value"])
            case _:
                holder[last] = operation["value"]
    return content


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec.replicas", ("spec", "replicas")),
        ('metadata.labels["example.com/tier"]', ("metadata", "labels", "example.com/tier")),
        (
            "spec.template.spec.containers[name=api].env[name=MODE].value",
            ("spec", "template", "spec", "containers", Match("name", "api"), "env", Match("name", "MODE"), "value"),
        ),
    ],
)
def test_a_path_reads_and_shows_alike(text: str, path: Path) -> None:
    assert parse_path(text) == path
    assert show_path(path) == text
    assert path_from_json(path_to_json(path)) == path


@pytest.mark.parametrize("text", ["", ".", "spec.", "spec..x", "[name=api]", "spec[api]", "spec[name=api", "a]b"])
def test_a_malformed_path_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(UsageError, match=r"right would be spec\.containers\[name=api\]"):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("spec.replicas", 3),
        ('metadata.labels["example.com/tier"]', "front"),
        ("spec.template.spec.containers[name=api].env[name=MODE].value", "calm"),
        ("spec.template.spec.containers[name=api].env[name=OTHER]", ABSENT),
        ("spec.template.spec.containers[name=none].env", ABSENT),
        ("spec.replicas.deeper", ABSENT),
        ("status", ABSENT),
    ],
)
def test_a_field_is_read_by_its_keys(text: str, value: Any) -> None:
    assert read_field(DEPLOYMENT, parse_path(text)) == value


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("spec.replicas", 0),
        ("spec.replicas", ABSENT),
        ("spec.paused", True),
        ('metadata.labels["example.com/tier"]', "back"),
        ('metadata.annotations["example.com/note"]', "x~y"),
        ("spec.template.spec.containers[name=api].env[name=RATE]", {"name": "RATE", "value": "fast"}),
        ("spec.template.spec.containers[name=api].env[name=MODE]", {"name": "MODE", "value": "wild"}),
        ("spec.template.spec.containers[name=api].env[name=MODE]", ABSENT),
        ("spec.template.spec.containers[name=sidecar].env[name=RATE].value", "fast"),
    ],
)
def test_a_change_makes_the_field_what_is_wanted_and_leaves_the_rest(text: str, after: Any) -> None:
    path = parse_path(text)
    before = read_field(DEPLOYMENT, path)
    changed = apply_patch(DEPLOYMENT, change_field(DEPLOYMENT, path, before=before, after=after))
    assert read_field(changed, path) == after
    assert read_field(changed, parse_path("metadata.name")) == "api"

    restored = apply_patch(changed, change_field(changed, path, before=after, after=before))
    assert read_field(restored, path) == before


def test_a_change_finds_its_element_wherever_it_stands() -> None:
    path = parse_path("spec.template.spec.containers[name=api].image")
    patch = change_field(DEPLOYMENT, path, before="a:1", after="a:2")
    moved = copy.deepcopy(DEPLOYMENT)
    moved["spec"]["template"]["spec"]["containers"].reverse()
    with pytest.raises(TestFailedError):
        apply_patch(moved, patch)
    changed = apply_patch(moved, change_field(moved, path, before="a:1", after="a:2"))
    assert read_field(changed, path) == "a:2"
    assert read_field(changed, parse_path("spec.template.spec.containers[name=sidecar].image")) == "s:1"


def test_a_new_element_must_be_found_at_its_own_path() -> None:
    path = parse_path("spec.template.spec.containers[name=api].env[name=RATE]")
    with pytest.raises(UsageError, match="must have name 'RATE'"):
        change_field(DEPLOYMENT, path, before=ABSENT, after={"name": "SPEED", "value": "fast"})


def test_a_path_through_a_value_that_holds_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"spec\.replicas\.deeper leads through 3"):
        change_field(DEPLOYMENT, parse_path("spec.replicas.deeper"), before=ABSENT, after=1)


def test_what_is_missing_at_the_top_is_held_in_place_by_the_objects_version() -> None:
    seen = {"metadata": {"resourceVersion": "1"}}
    patch = change_field(seen, ("data",), before=ABSENT, after={"a": "b"})
    assert apply_patch(seen, patch)["data"] == {"a": "b"}
    with pytest.raises(TestFailedError):
        apply_patch({"metadata": {"resourceVersion": "2"}}, patch)


keys = st.sampled_from(["a", "b/c", "d~e"])
leaves = st.one_of(st.integers(0, 3), st.text("xy", max_size=2))
objects = st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8)


@given(st.dictionaries(keys, objects, max_size=3), st.lists(keys, min_size=1, max_size=3), leaves, st.data())
def test_a_change_fails_where_another_changed_the_field_first(
    content: dict[str, Any], parts: list[str], after: Any, data: st.DataObject
) -> None:
    path: Path = tuple(parts)
    before = read_field(content, path)
    try:
        patch = change_field(content, path, before=before, after=after)
    except UsageError:
        return  # the path leads through a leaf
    changed = apply_patch(content, patch)
    assert read_field(changed, path) == after

    other = data.draw(leaves.filter(lambda value: value != before))
    interfered = apply_patch(content, change_field(content, path, before=before, after=other))
    with pytest.raises((TestFailedError, KeyError)):
        apply_patch(interfered, patch)
