"""Writes `types.json`: `python -m muster.embedded.schema.generate`.

Needed only when a type is added to the table of resources or the Kubernetes version changes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from kubernetes.client import models

from muster.embedded.resources import RESOURCES

ROOTS = (*(r.kind for r in RESOURCES), "Scale", "Eviction", "Binding", "DeleteOptions", "SelfSubjectAccessReview")
_MODELS = {"Event": "CoreV1Event"}
_PLAIN = {"str": "str", "int": "int", "float": "float", "bool": "bool", "object": "any"}
_PLAIN |= {"datetime": "time", "bytes": "bytes", "bytearray": "bytes"}


def _name(model: str) -> str:
    return "Event" if model == "CoreV1Event" else model.removeprefix("V1")


def _shape(text: str, found: list[str]) -> str:
    """The short form of a type of the client's; the models that it names are added to `found`."""
    if nested := re.fullmatch(r"List\[(.*)\]", text):
        return f"[{_shape(nested[1], found)}]"
    if nested := re.fullmatch(r"Dict\[str, (.*)\]", text):
        return f"{{{_shape(nested[1], found)}}}"
    if text in _PLAIN:
        return _PLAIN[text]
    found.append(text)
    return _name(text)


def generate() -> dict[str, dict[str, str]]:
    """Every type that can be reached from the kinds that are served."""
    todo = [_MODELS.get(kind, f"V1{kind}") for kind in ROOTS]
    types: dict[str, dict[str, str]] = {}
    while todo:
        model = todo.pop()
        if _name(model) in types:
            continue
        cls = getattr(models, model)
        types[_name(model)] = {
            cls.attribute_map[attribute]: _shape(kind, todo) for attribute, kind in cls.openapi_types.items()
        }
    return dict(sorted(types.items()))


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(fields)}" for name, fields in generate().items()]
    Path(__file__).with_name("types.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
