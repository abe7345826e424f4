"""Every kind of effect stands in docs/effects.md, with every argument that it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from muster.faults.effects import Effect

PAGE = (Path(__file__).resolve().parents[2] / "docs/effects.md").read_text()
KINDS = get_args(get_args(Effect)[0])


@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)
def test_a_kind_is_documented_with_its_arguments(model: Any) -> None:
    (kind,) = get_args(model.model_fields["kind"].annotation)
    said = [f"`{kind}`", f"`kind: {kind}`"]
    assert any(text in PAGE for text in said), kind
    for name in model.model_fields.keys() - {"kind"}:
        assert any(text in PAGE for text in (f"`{name}`", f"`{name}:", f"`{name} ")), f"{kind}: {name}"
