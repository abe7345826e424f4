"""YAML is read quickly, and as it always was: the same values, the same lines, the same words where it is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from muster.base.documents import _Loader, _QuickLoader, parse_documents
from muster.base.errors import UsageError

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


def composed(text: str, loader: type[yaml.SafeLoader | yaml.CSafeLoader]) -> list[object] | None:
    try:
        return [said(root) for root in yaml.compose_all(text, Loader=loader)]
    except yaml.YAMLError:
        return None


@given(st.lists(st.sampled_from([*WORDS, *ODD]), max_size=12).map("".join))
def test_what_both_parsers_read_they_read_alike(text: str) -> None:
    quick, careful = composed(text, _QuickLoader), composed(text, _Loader)
    if quick is not None and careful is not None:
        assert quick == careful


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\n\tb: 2\n", "line 2: not YAML: found character '...' that cannot start any token"),
        ("a: 1\nb: [1\nc: 2\n", "line 3: not YAML: expected ','...']'...':'"),
        ("[" * 100_000 + "]" * 100_000, "it nests deeper than 64 levels"),
        ("- " * 100_000, "it nests deeper than 64 levels"),
        ("{a: " * 100_000, "it nests deeper than 64 levels"),
    ],
)
def test_what_is_no_yaml_is_told_in_one_sentence(text: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_documents(text, "manifest", Path("shop.yaml"))
    assert str(refused.value).endswith(why)
