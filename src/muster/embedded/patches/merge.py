"""JSON merge patch, RFC 7386."""

from __future__ import annotations

from typing import Any


def apply(document: Any, patch: Any) -> Any:
    """The document after the patch: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for field, value in patch.items():
        if value is None:
            result.pop(field, None)
        else:
            result[field] = apply(result.get(field), value)
    return result
