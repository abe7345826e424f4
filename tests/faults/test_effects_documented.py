"""Every kind of effect stands in docs/effects.md, with every argument that it takes, where it is told of that kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from muster.faults.effects import Effect

PAGE = (Path(__file__).resolve().parents[2] / "docs/effects.md").read_text()
KINDS = get_args(get_args(Effect)[0])
HOW = PAGE.partition("## As wanted\n")[2].partition("\n## ")[
    0
]  # arguments of every kind that is given a value to reach


def told(kind: str) -> str:
    """What the page says of a kind: its row of a table, or the text from its name to the next kind or heading."""
    rows = re.findall(rf"^\| `{kind}` \|.*$", PAGE, re.MULTILINE)
    texts = re.findall(rf"`kind: {kind}`.*?(?=\n`kind: |\n## |\Z)", PAGE, re.DOTALL)
    said = "\n".join([*rows, *texts])
    return said + HOW if re.search(r"and how|as wanted", said) else said


@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)
def test_a_kind_is_documented_with_its_arguments(model: Any) -> None:
    (kind,) = get_args(model.model_fields["kind"].annotation)
    said = told(kind)
    assert said, kind
    for name in model.model_fields.keys() - {"kind"}:
        assert re.search(rf"`{name}[`: ]", said), f"{kind}: {name}"


def test_an_argument_that_is_told_of_another_kind_alone_is_not_documented() -> None:
    assert "selector_key" in told("primary-gone")
    assert "selector_key" not in told("no-endpoints")
    assert told("nosuch") == ""
