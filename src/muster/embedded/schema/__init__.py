"""The fields of every type that the cluster serves.

`types.json` is made by `python -m muster.embedded.schema.generate` from the models of the official Python client, and
read when first needed.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

Fields = dict[str, str]  # name in JSON -> `str`, `int`, `float`, `bool`, `any`, `time`, `[T]`, `{T}` or a type's name


@cache
def types() -> dict[str, Fields]:
    """All types by name, such as `Pod`, `PodSpec`, `ObjectMeta`."""
    text = resources.files(__package__).joinpath("types.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]
