"""Values over time in a line of text."""

from __future__ import annotations

from collections.abc import Sequence

SPARKS = "▁▂▃▄▅▆▇█"


def sparks(values: Sequence[float | None], *, top: float = 0.0) -> str:
    """A line of blocks from 0 to the highest value, or to a higher `top`; a dot where nothing was measured."""
    highest = max((value for value in values if value is not None), default=0.0)
    highest = max(highest, top)
    if highest <= 0:
        return "".join("·" if value is None else SPARKS[0] for value in values)
    last = len(SPARKS) - 1
    return "".join("·" if value is None else SPARKS[round(value / highest * last)] for value in values)
