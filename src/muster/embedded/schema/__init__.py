"""The fields of every type that the cluster serves, and how objects are written in JSON, YAML and protobuf.

`types.json` is made by `python -m muster.embedded.schema.generate` from the types in kubectl, and read when first
needed. A field stands there as `NUMBER SHAPE`: its number in protobuf (`2.5` is number 5 of the message that is number
2, `0` is not written), and what it holds. What is not of Kubernetes itself stands in `custom`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import NamedTuple

from muster.embedded.schema.custom import custom_types


class Field(NamedTuple):
    """One field of a type."""

    shape: str  # `str`, `int32`, `int64`, `float`, `bool`, `bytes`, `time`, `microtime`, `duration`, `quantity`,
    # `intstr` (a number or a text), `raw` (any JSON), `[T]`, `{T}` (a map from text) or a type's name
    numbers: tuple[int, ...]  # from the message outside in; empty for what protobuf has elsewhere
    pointer: bool  # that it is there says something, even where it is zero
    kept: bool  # it is written even where it is zero


Fields = dict[str, Field]


@cache
def types() -> dict[str, Fields]:
    """All types by name, such as `Pod`, `PodSpec`, `ObjectMeta`; the fields by their names in JSON."""
    text = resources.files(__package__).joinpath("types.json").read_text(encoding="utf-8")
    found = {kind: {name: _field(entry) for name, entry in fields.items()} for kind, fields in json.loads(text).items()}
    for kind, fields in custom_types().items():
        found[kind] = {name: Field(field.shape, (), pointer=False, kept=True) for name, field in fields.items()}
    return found


def _field(entry: str) -> Field:
    number, _, shape = entry.partition(" ")
    numbers = tuple(int(part) for part in number.split(".")) if number != "0" else ()
    bare = shape.lstrip("!*")
    flags = shape.removesuffix(bare)
    return Field(bare, numbers, pointer="*" in flags, kept="!" in flags)
