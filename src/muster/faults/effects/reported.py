"""The effect that the serving instances say of themselves what they did not say before."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from muster.base.errors import RefusedError
from muster.faults.effects.observation import Observation, Strict, refuse_if_there
from muster.probes.answers.content import values_at
from muster.probes.answers.instances import ask_instances
from muster.system.definition import Request

LOOKS = 9


class Reported(Strict):
    """What the serving instances say of themselves: the answers to `path` of the system's service hold, at the dotted
    path `field`, what they did not hold before the strike (`changed`), or a number above `more_than`, or something that
    is not empty (`present`). Seen when one of the instances says so, or, `of_all`, none says otherwise.
    """

    kind: Literal["reported"]
    path: Annotated[str, Field(pattern=r"^/")]
    field: str
    changed: bool = False
    more_than: float | None = None
    present: bool = False
    of_all: bool = False

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if [self.changed, self.more_than is not None, self.present].count(True) != 1:
            raise ValueError("an effect of kind reported says one of changed: true, more_than: NUMBER, present: true")
        return self


class Reporting:
    """Looks for a `Reported` effect."""

    def __init__(self, effect: Reported, url: str) -> None:
        self._effect, self._url = effect, url
        self._before = self._said()
        if not self._before:
            raise RefusedError(f"refused: no instance tells {effect.field} of {effect.path} before any injection")
        if not effect.changed:
            refuse_if_there(self)

    def look(self) -> Observation:
        said, asked = self._said(), f"{self._effect.field} of {self._effect.path}"
        if not said:
            return Observation(False, f"no instance tells {asked}")
        hits = [value for value in said if self._is_it(value)]
        seen = len(hits) == len(said) if self._effect.of_all else bool(hits)
        shown = ", ".join(sorted({_show(value) for value in hits or said})[:3])
        return Observation(seen, f"{asked} is {shown}, by {len(hits or said)} of {len(said)} answers")

    def _said(self) -> list[Any]:
        told = ask_instances(self._url, Request(path=self._effect.path), looks=LOOKS, limit_s=1.0)
        return [value for document in told.documents for value in values_at(document, self._effect.field)]

    def _is_it(self, value: Any) -> bool:
        if self._effect.changed:
            return value not in self._before
        if self._effect.more_than is not None:
            return isinstance(value, int | float) and value > self._effect.more_than
        return bool(value)


def _show(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
