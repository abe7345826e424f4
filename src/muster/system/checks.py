"""What must hold of a value in an answer beside that it is there, as system.yaml says it at `check`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, field_validator

from muster.system.schema import DottedPath, Strict


class Check(Strict):
    """What each value at a dotted path must be; without any of these it only has to be there.

    `at_least` and `at_most` count: the elements of a list, the keys of a mapping, the characters of a text; of a number
    it is the number. `matches` is a regular expression that is found in the value, `one_of` the values that it may be.
    """

    at_least: float | None = None
    at_most: float | None = None
    matches: str | None = None
    one_of: Annotated[list[Any] | None, Field(min_length=1)] = None

    @field_validator("matches", mode="after")
    @classmethod
    def _is_expression(cls, matches: str | None) -> str | None:
        try:
            re.compile(matches or "")
        except re.error as error:
            raise ValueError(f"'{matches}' is no regular expression: {error}") from error
        return matches


Checks = dict[DottedPath, Check]
