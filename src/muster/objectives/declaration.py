"""A drill as declared: what will be struck, under which load, and what is wanted of the recovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from muster.base.errors import UsageError
from muster.base.lines import key_of
from muster.objectives.objective import Objective, Window


class ProbeSpec(BaseModel):
    """A probe that a drill requires: asked every `every_s` seconds, right and within `limit_s` seconds or violated.

    `write` says that it writes and reads back what it wrote.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: str
    every_s: float = Field(gt=0)
    limit_s: float = Field(gt=0)
    write: bool = False


class Repetition(BaseModel):
    """Which repetition of a drill this is (`--repeat`), counted from 1."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    of: str
    number: int = Field(ge=1)
    total: int = Field(ge=1)


class Unmeasured(BaseModel):
    """A service level that is written down but not measured in this drill, with why (one line)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    target: float
    why: str


class Declaration(BaseModel):
    """The `declared` event of a timeline. Times in seconds; None where nothing is declared or judged.

    `error_budget` is what the disruption may cost: below 1 (or 1.0) the ratio, else the number of failed requests.
    `proves_procedure` is true by default where a recovery procedure is named: a recovery that the platform managed
    alone then proves nothing (docs/measurement.md, Recovered by). `transient` says that the fault passes: service is to
    come back once it is undone. `response_s` is the time that people take to respond where the drill's automation does
    not wait for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    nodeid: str
    severity: str
    cadence: str | None = None
    fault: str
    load: str | None = None
    recovery: str | None = None
    system: str
    evidence: Literal["rehearsal", "cluster"]
    cluster: str
    rto_target_s: float | None = Field(default=None, gt=0)
    rto_budget_s: float | None = Field(default=None, gt=0)
    rpo_target_s: float | None = Field(default=None, ge=0)
    max_lost_writes: int | None = Field(default=None, ge=0)
    detection_target_s: float | None = Field(default=None, gt=0)
    alert: str | None = None  # the alert of the system's own monitoring that ends the detection
    response_s: float | None = Field(default=None, ge=0)
    hold_s: float = Field(default=5.0, ge=1)  # service is looked at in buckets of 1 s: less holds nothing
    steady_s: float = Field(default=3.0, ge=1)
    probes: tuple[ProbeSpec, ...] = ()
    objectives: tuple[Objective, ...] = ()
    unmeasured: tuple[Unmeasured, ...] = ()
    error_budget: int | float | None = Field(default=None, ge=0)
    proves_procedure: bool = False
    overload: bool = False
    transient: bool = False
    read_only: bool = False  # the system has no ledger: nothing is written, and no RPO can be judged
    repetition: Repetition | None = None

    @model_validator(mode="before")
    @classmethod
    def _default_proof(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("proves_procedure") is None:
            return {**data, "proves_procedure": data.get("recovery") is not None}
        return data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [probe.name for probe in self.probes]
        if len(set(names)) != len(names):
            raise ValueError(f"probes {names} name one probe twice")
        objectives = [objective.name for objective in self.objectives] + [one.name for one in self.unmeasured]
        if len(set(objectives)) != len(objectives):
            raise ValueError(f"objectives {objectives} name one objective twice")
        return self

    def each_second(self, window: Window) -> list[Objective]:
        """The objectives of a window that every second of load has to keep."""
        return [one for one in self.objectives if window in one.windows and one.each_second]

    def to_event(self) -> dict[str, Any]:
        """The fields of the `declared` event, fit for JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """The declaration that a `declared` event holds.

        Raises:
            UsageError: a field is missing, unknown or does not fit; the message names the first such field.
        """
        try:
            return cls.model_validate({key: value for key, value in event.items() if key not in ("t", "kind")})
        except ValidationError as error:
            raise UsageError(f"declaration of drill {event.get('name')!r}: {_sentence(error)}") from error


_RIGHT = {
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt:g}",
    "less_than_equal": "{le:g} or less",
    "finite_number": "a finite number",
    "literal_error": "one of {expected}",
}
_RIGHT |= dict.fromkeys(("float_parsing", "float_type"), "a number")
_RIGHT |= dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "a whole number")
_RIGHT |= dict.fromkeys(("bool_parsing", "bool_type"), "true or false")
_RIGHT |= {"string_type": "a text", "tuple_type": "a list"}


def _sentence(error: ValidationError) -> str:
    """What is wrong with the first field that does not fit, and what would be right."""
    first = error.errors()[0]
    # A union says the same of each of its types; the numbers in the way are places in lists.
    where = key_of([part for part in first["loc"] if part not in ("int", "float")]) or "as a whole"
    kind = first["type"]
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"{where} is no field of a declaration"
    if kind in _RIGHT:
        return f"{where} is {first['input']!r}; right would be {_RIGHT[kind].format(**first.get('ctx', {}))}"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"
