"""What libyaml parses is what PyYAML's own parser has, and what is wrong is told in its words."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from muster.base.quick_yaml import DatelessLoader, QuickDatelessLoader, QuickLoader, composed, loaded

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.dates()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


WORDS = [
    "a",
    "b",
    ": ",
    ":",
    "- ",
    "\n",
    "\n  ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "# c",
    "|",
    ">",
    "&a ",
    "*a",
    "!t ",
    "'y'",
    '"x"',
]
ODD = [
    "? ",
    "~",
    "1",
    "0x1f",
    "2020-01-01",
    "\t",
    " ",
    "é",
    "\u2028",
    "\x85",
    "\r\n",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "@",
]


def said(node: yaml.Node | None) -> object:
    """What a node says, and where each part of it that is written begins; nothing is written of an empty one."""
    if isinstance(node, yaml.MappingNode):
        return node.tag, node.start_mark.line, [(said(key), said(value)) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return node.tag, node.start_mark.line, [said(one) for one in node.value]
    if isinstance(node, yaml.ScalarNode):
        return node.tag, node.value and node.start_mark.line, node.value
    return None


def read_by(text: str, loader: type[yaml.SafeLoader | yaml.CSafeLoader]) -> list[object] | None:
    try:
        return [said(root) for root in yaml.compose_all(text, Loader=loader)]
    except yaml.YAMLError:
        return None


@pytest.mark.parametrize(
    ("quick_loader", "careful_loader"), [(QuickLoader, yaml.SafeLoader), (QuickDatelessLoader, DatelessLoader)]
)
@given(text=st.lists(st.sampled_from([*WORDS, *ODD]), max_size=12).map("".join))
def test_what_both_parsers_read_they_read_alike(
    text: str, quick_loader: type[QuickLoader], careful_loader: type[yaml.SafeLoader]
) -> None:
    quick, careful = read_by(text, quick_loader), read_by(text, careful_loader)
    if quick is not None and careful is not None:
        assert quick == careful


@given(VALUES, st.booleans())
def test_a_document_is_what_pyyaml_has(value: Any, flow: bool) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow)
    assert loaded(text) == yaml.safe_load(text)  # not the value itself: PyYAML folds a next-line character into a space
    assert list(map(said, composed(text))) == read_by(text, yaml.SafeLoader)


def test_anchors_merge_and_documents_are_apart() -> None:
    assert loaded("a: &one {x: 1}\nb: {<<: *one, y: 2}\n") == {"a": {"x": 1}, "b": {"x": 1, "y": 2}}
    assert len(composed("a: 1\n---\n---\nb: 2\n")) == 3


def test_a_date_is_a_text_where_it_is_to_be_one() -> None:
    (node,) = composed("at: 2026-01-02\n", dates=False)
    assert node is not None
    assert node.value[0][1].tag == "tag:yaml.org,2002:str"
    (node,) = composed("at: 2026-01-02\n")
    assert node is not None
    assert node.value[0][1].tag == "tag:yaml.org,2002:timestamp"


@pytest.mark.parametrize(
    "text", ["a: [1", "a: b: c", "\ttab: 1", "title: \x07\n", "a: !!python/object:os.system x", "- *no"]
)
def test_what_is_wrong_is_told_as_pyyaml_tells_it(text: str) -> None:
    with pytest.raises(yaml.YAMLError) as wanted:
        yaml.safe_load(text)
    with pytest.raises(yaml.YAMLError) as found:
        loaded(text)
    assert str(found.value) == str(wanted.value)


def test_what_nests_without_end_is_an_error_and_no_crash() -> None:
    with pytest.raises(RecursionError):
        loaded("[" * 20_000)
    with pytest.raises(RecursionError):
        composed("[" * 20_000, dates=False)
