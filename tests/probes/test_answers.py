"""Dotted paths into answers, and filling requests in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.probes.answers.content import MISSING, contents_of, failing, fill, identity_at, parse, unexpected, values_at
from muster.system.checks import Check

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("a", [{"b": [{"c": 1}, {"c": 2}, {"d": 3}]}]),
        ("a.b.c", [1, 2]),
        ("a.b.1.c", [2]),
        ("a.b.7.c", []),
        ("a.b.d", [3]),
        ("a.x", []),
        ("none", [None]),
        ("empty", [[]]),
        ("none.x", []),
    ],
)
def test_a_path_names_values(path: str, values: list[Any]) -> None:
    document = {"a": {"b": [{"c": 1}, {"c": 2}, {"d": 3}]}, "none": None, "empty": []}
    assert values_at(document, path) == values


def test_what_is_no_json_holds_nothing() -> None:
    assert parse(b"<html>") is MISSING
    assert parse(b"") is MISSING
    assert values_at(MISSING, "a") == []


@given(JSON, st.text())
def test_any_document_and_any_path_give_a_list(document: Any, path: str) -> None:
    assert isinstance(values_at(document, path), list)


@given(st.text(alphabet="abc0123456789-", min_size=1))
def test_filling_reaches_every_depth_and_leaves_the_template_alone(identity: str) -> None:
    template = {"id": "{id}", "deep": [{"text": "<{content}> of {id}"}], "n": 3, "other": "{x}"}
    filled = fill(template, id=identity, content="secret")
    assert filled == {"id": identity, "deep": [{"text": f"<secret> of {identity}"}], "n": 3, "other": "{x}"}
    assert template["id"] == "{id}"


@pytest.mark.parametrize(
    ("document", "contents"),
    [
        ({"id": "w1", "v": "x"}, ["x"]),
        ({"id": "w2", "v": "x"}, []),
        ({"id": "w1"}, [[]]),
        ({}, []),
        ([], []),
        ([{"id": "w1", "v": "x"}, {"id": "w2", "v": "y"}], ["x"]),
        ([{"id": "w1", "v": "x"}, {"id": "w1", "v": "x"}], ["x", "x"]),
        ([{"id": "w2"}, {"id": "w1", "v": "x"}], [None]),
    ],
)
def test_contents_are_those_of_the_id(document: Any, contents: list[Any]) -> None:
    assert contents_of(document, "w1", id_path="id", content_path="v") == contents


@pytest.mark.parametrize(
    ("document", "expect", "strange"),
    [
        ({"degraded": False}, {"degraded": False}, ""),
        ({"items": []}, {"items": []}, ""),
        ({"degraded": True}, {"degraded": False}, "'degraded' is true, not false"),
        ({}, {"degraded": False}, "'degraded' is nothing, not false"),
        ({"pods": [{"ok": 1}, {"ok": 2}]}, {"pods.ok": 1}, "'pods.ok' is 1, 2, not 1"),
        (MISSING, {"degraded": False}, "'degraded' is nothing, not false"),
    ],
)
def test_what_is_not_as_expected_is_told_in_one_line(document: object, expect: dict[str, object], strange: str) -> None:
    assert unexpected(document, expect) == strange


@pytest.mark.parametrize(
    ("document", "identity"),
    [
        ({"a": {"id": "x"}}, "x"),
        ({"a": {"id": 17}}, "17"),
        ({"a": {"id": True}}, None),
        ({"a": {"id": ""}}, None),
        ({"a": {"id": None}}, None),
        ({"a": [{"id": 1}, {"id": 2}]}, None),
        ({}, None),
        (MISSING, None),
    ],
)
def test_an_id_is_one_text_or_number(document: object, identity: str | None) -> None:
    assert identity_at(document, "a.id") == identity


def test_ids_that_are_numbers_are_known_again() -> None:
    document = [{"id": 17, "v": "x"}, {"id": 18, "v": "y"}]
    assert contents_of(document, "17", id_path="id", content_path="v") == ["x"]


def test_what_is_filled_in_is_nobodys_template() -> None:
    assert fill(["{a}{b}{c}"], a="{b}", b="{a}") == ["{b}{a}{c}"]


WORKFLOWS = {"workflows": [{"id": "a", "n": 3, "title": "x"}, {"id": "b", "n": 4, "title": "y"}]}
STRIPPED = {"workflows": [{"id": "a", "n": 3, "title": "x"}, {"id": "b"}]}
EMPTY: dict[str, object] = {"workflows": []}


@pytest.mark.parametrize(
    ("document", "path", "check", "strange"),
    [
        (WORKFLOWS, "workflows", {"at_least": 2, "at_most": 2}, ""),
        (EMPTY, "workflows", {"at_least": 1}, "'workflows' is [], which is 0 long, not at least 1"),
        (WORKFLOWS, "workflows", {"at_most": 1}, "which is 2 long, not at most 1"),
        (WORKFLOWS, "workflows.title", {}, ""),
        (EMPTY, "workflows.title", {}, ""),  # no element lacks it
        (STRIPPED, "workflows.title", {}, "'workflows.title' is not there, in 1 of 2"),
        (STRIPPED, "workflows.1.title", {}, "'workflows.1.title' is not there"),
        (WORKFLOWS, "workflows.2.title", {}, "'workflows.2.title' is not there"),
        ({}, "workflows", {}, "'workflows' is not there"),
        ({}, "workflows.title", {}, "'workflows.title' is not there"),
        ({"a": None}, "a", {}, ""),
        ({"a": None}, "a", {"at_least": 0}, "'a' is null, not at least 0"),
        ({"a": None}, "a", {"matches": ""}, "'a' is null, which does not match ''"),
        ({"a": True}, "a", {"at_least": 1}, "'a' is true, not at least 1"),
        ({"a": ""}, "a", {"at_least": 1}, "which is 0 long, not at least 1"),
        (WORKFLOWS, "workflows.n", {"at_least": 3, "at_most": 4}, ""),
        (WORKFLOWS, "workflows.n", {"at_least": 4}, "'workflows.n' is 3, not at least 4"),
        (WORKFLOWS, "workflows.id", {"matches": "^[ab]$"}, ""),
        (WORKFLOWS, "workflows.id", {"matches": "^a$"}, "'workflows.id' is \"b\", which does not match '^a$'"),
        (WORKFLOWS, "workflows.n", {"matches": "^[34]$"}, ""),
        ({"a": {"b": 1}}, "a", {"matches": "b"}, "which does not match 'b'"),
        (WORKFLOWS, "workflows.n", {"one_of": [3, 4]}, ""),
        (WORKFLOWS, "workflows.n", {"one_of": ["3", 3]}, "'workflows.n' is 4, none of \"3\", 3"),
        (MISSING, "workflows", {}, "'workflows' is not there"),  # no JSON at all
    ],
)
def test_what_a_check_does_not_find_is_told_in_one_line(
    document: object, path: str, check: dict[str, object], strange: str
) -> None:
    said = failing(document, {path: Check.model_validate(check)})
    assert strange in said
    assert bool(said) == bool(strange)


@pytest.mark.parametrize("document", [EMPTY, [], {}])
def test_where_there_must_be_some_an_empty_list_lacks_them(document: object) -> None:
    assert failing(document, {"workflows.id": Check()}, some=True) == "'workflows.id' is not there"


@given(JSON, st.sampled_from(["a", "a.b", "0", "a.0.b"]), st.sampled_from([{}, {"at_least": 1}, {"matches": "x"}]))
def test_any_document_can_be_checked(document: Any, path: str, check: dict[str, Any]) -> None:
    assert "\n" not in failing(document, {path: Check.model_validate(check)}, some=True)
