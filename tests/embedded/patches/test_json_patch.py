"""JSON patches."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from muster.embedded.patches import json_patch
from muster.embedded.status import StatusError


@pytest.mark.parametrize(
    ("document", "operation", "result"),
    [
        ({"a": 1}, {"op": "add", "path": "/b", "value": 2}, {"a": 1, "b": 2}),
        ({"a": [1, 3]}, {"op": "add", "path": "/a/1", "value": 2}, {"a": [1, 2, 3]}),
        ({"a": [1]}, {"op": "add", "path": "/a/-", "value": 2}, {"a": [1, 2]}),
        ({"a": 1, "b": 2}, {"op": "remove", "path": "/b"}, {"a": 1}),
        ({"a": [1, 2]}, {"op": "remove", "path": "/a/0"}, {"a": [2]}),
        ({"a": [1, 2]}, {"op": "replace", "path": "/a/0", "value": 9}, {"a": [9, 2]}),
        ({"a": {"x": 1}}, {"op": "move", "from": "/a/x", "path": "/b"}, {"a": {}, "b": 1}),
        ({"a": {"x": 1}}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": {"x": 1}, "b": {"x": 1}}),
        ({"a/b": 1, "m~n": 2}, {"op": "remove", "path": "/a~1b"}, {"m~n": 2}),
        ({"m~n": 2}, {"op": "test", "path": "/m~0n", "value": 2}, {"m~n": 2}),
    ],
)
def test_operations(document: Any, operation: dict, result: Any) -> None:
    before = copy.deepcopy(document)
    assert json_patch.apply(document, [operation]) == result
    assert document == before, "the document given must be left as it is"


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "test", "path": "/a", "value": 2}, 422),
        ({"op": "remove", "path": "/none"}, 422),
        ({"op": "replace", "path": "/none", "value": 1}, 422),
        ({"op": "add", "path": "/none/x", "value": 1}, 422),
        ({"op": "add", "path": "a", "value": 1}, 400),
        ({"op": "paint", "path": "/a"}, 400),
        ({}, 400),
    ],
)
def test_what_does_not_fit_is_refused(operation: dict, code: int) -> None:
    with pytest.raises(StatusError) as caught:
        json_patch.apply({"a": 1}, [operation])
    assert caught.value.code == code


def test_a_patch_is_applied_whole_or_not_at_all() -> None:
    document = {"a": 1}
    with pytest.raises(StatusError):
        json_patch.apply(document, [{"op": "add", "path": "/b", "value": 2}, {"op": "test", "path": "/a", "value": 9}])
    assert document == {"a": 1}


@pytest.mark.parametrize("step", ["²", "01", "1e0", "-1", "9" * 5000])
def test_what_is_no_index_of_a_list_is_refused(step: str) -> None:
    for kind in ("add", "remove", "replace"):
        with pytest.raises(StatusError) as caught:
            json_patch.apply({"a": [1, 2]}, [{"op": kind, "path": f"/a/{step}", "value": 3}])
        assert caught.value.code == 422


def test_a_patch_that_makes_much_out_of_little_is_refused() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": f"/a/{i}"} for i in range(23)]
    for operations in (doubling, [{"op": "test", "path": "/a", "value": {}}] * 10_001):
        with pytest.raises(StatusError) as caught:
            json_patch.apply({"a": {}}, operations)
        assert caught.value.code == 413
