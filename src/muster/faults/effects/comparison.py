"""What a value must be for an effect to be there."""

from __future__ import annotations

from typing import Any, Self

from pydantic import model_validator

from muster.faults.effects.observation import Strict

Scalar = bool | int | float | str
WAYS = ("equals", "differs_from", "above", "below", "changed")


class Compared(Strict):
    """One of: `equals` or `differs_from` a value, is `above` or `below` a number, `changed` since before the strike."""

    equals: Scalar | None = None
    differs_from: Scalar | None = None
    above: float | None = None
    below: float | None = None
    changed: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        said = [way for way in WAYS[:4] if getattr(self, way) is not None]
        if len(said) + self.changed != 1:
            raise ValueError(f"right would be one of {', '.join(WAYS)}")
        return self

    def holds(self, value: Any, before: Any) -> bool:
        """Whether a value is so; `before` is what it was before the strike."""
        if self.changed:
            return bool(value != before)
        if self.equals is not None:
            return _text(value) == _text(self.equals)
        if self.differs_from is not None:
            return _text(value) != _text(self.differs_from)
        number = _number(value)
        if number is None:
            return False
        return (self.above is not None and number > self.above) or (self.below is not None and number < self.below)


def show(value: Any) -> str:
    """A value for people, in short."""
    text = _text(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _text(value: Any) -> str:
    """A value as it is compared: numbers by their value, whatever they were read as; `true` and `false` in small."""
    if isinstance(value, bool):
        return str(value).lower()
    number = _number(value)
    return str(value) if number is None else f"{number:.15g}"


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
