"""Types that are no part of Kubernetes itself, but of what is installed into it: `gateway.yaml`.

An API server knows them by their definitions, which say more than a Go type: what must be there, what is filled in, and
within which bounds values are. They are never written in protobuf.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import yaml


class Custom(NamedTuple):
    """One field of such a type."""

    shape: str
    needed: bool = False
    default: Any = None
    pattern: str = ""
    choices: tuple[str, ...] = ()
    low: int | None = None  # of a number
    high: int | None = None
    least: int = 0  # elements, or characters
    most: int | None = None


_OF_EVERY_KIND = {"apiVersion": Custom("str"), "kind": Custom("str"), "metadata": Custom("ObjectMeta")}


@cache
def custom_types() -> dict[str, dict[str, Custom]]:
    """All these types by name; the fields by their names."""
    text = resources.files(__package__).joinpath("gateway.yaml").read_text(encoding="utf-8")
    described = yaml.load(text, yaml.CSafeLoader)
    patterns = described["patterns"]
    found = {
        kind: {name: _custom(field, patterns) for name, field in fields.items()}
        for kind, fields in described["types"].items()
    }
    return {
        kind: _OF_EVERY_KIND | fields if {"spec", "status"} <= fields.keys() else fields
        for kind, fields in found.items()
    }


def _custom(field: dict[str, Any], patterns: dict[str, str]) -> Custom:
    return Custom(
        field["is"],
        field.get("needed", False),
        field.get("default"),
        patterns[field["like"]] if "like" in field else "",
        tuple(field.get("one_of", ())),
        field.get("from"),
        field.get("to"),
        field.get("least", 0),
        field.get("most"),
    )
