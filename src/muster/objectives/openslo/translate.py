"""From the service levels of an OpenSLO file to the objectives of a drill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from muster.base.errors import UsageError
from muster.objectives.declaration import Unmeasured
from muster.objectives.objective import Objective
from muster.objectives.openslo.alerts import alerts_of
from muster.objectives.openslo.documents import Location
from muster.objectives.openslo.metrics import Meant, meant, threshold_s
from muster.objectives.openslo.objects import Objects, Placed
from muster.objectives.openslo.schema import SloSpec, seconds
from muster.objectives.openslo.windows import windows_noted


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """What a file asks for: what a drill can measure, and what it cannot, with why."""

    objectives: tuple[Objective, ...]
    unmeasured: tuple[Unmeasured, ...]


def read_openslo(path: Path) -> ServiceLevels:
    """The service levels of an OpenSLO v1 file.

    A service level whose metric is none of muster's is left out, and said to be; what is wrong is refused.

    Raises:
        UsageError: the file cannot be read or is wrong; one sentence with file, document, line and key.
    """
    objects = Objects.read(path)
    found: list[Objective | Unmeasured] = []
    for slo in objects.all("SLO"):
        found += _service_level(objects, slo)
    if not found:
        raise UsageError(f"{path} holds no service level (kind: SLO)")
    return ServiceLevels(
        tuple(one for one in found if isinstance(one, Objective)),
        tuple(one for one in found if isinstance(one, Unmeasured)),
    )


def _service_level(objects: Objects, slo: Placed) -> Iterator[Objective | Unmeasured]:
    spec = slo.spec(SloSpec)
    names = names_of(slo, spec)
    reading = _reading(objects, slo, spec)
    if isinstance(reading, str):
        for name, target in zip(names, spec.objectives, strict=True):
            yield Unmeasured(name=name, target=target.ratio, why=reading)
        return
    alerts, left_out = alerts_of(objects, slo, spec)
    for place, (name, target) in enumerate(zip(names, spec.objectives, strict=True)):
        where: Location = ("spec", "objectives", place)
        never = [alert for alert in alerts if not alert.can_fire(1 - target.ratio)]
        fields = {
            "name": name,
            "measure": reading.measure,
            "target": target.ratio,
            "windows": windows_noted(slo, ("before", "during", "after"), default=("before", "after")),
            "threshold_s": threshold_s(reading, target, slo, where),
            "requests": reading.requests,
            "period_s": seconds(spec.time_window[0].duration) if spec.time_window else None,
            "budget_share": _budget_share(slo, spec),
            "burn_alerts": [alert for alert in alerts if alert not in never],
            "source": str(slo.document),
        }
        yield _objective(slo, where, fields)
        most = f"{1 / (1 - target.ratio):.4g}" if target.ratio < 1 else "without bounds"
        for alert in never:
            why = f"it can never fire: with every request bad the burn rate is {most}"
            yield Unmeasured(name=f"{name}/{alert.name}", target=alert.threshold, why=why)
        for one in left_out:
            yield Unmeasured(name=f"{name}/{one.name}", target=one.threshold, why=one.why)


def _objective(slo: Placed, where: Location, fields: dict[str, Any]) -> Objective:
    try:
        return Objective.model_validate(fields)
    except ValidationError as error:
        raise slo.wrong(where, error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def _reading(objects: Objects, slo: Placed, spec: SloSpec) -> Meant | str:
    """What a service level looks at, or in one line why a drill does not."""
    if spec.composite:
        return "a composite service level weighs several indicators; give each one of its own"
    if spec.budgeting_method != "Occurrences":
        return f"its budgeting method {spec.budgeting_method} counts slices of minutes, of which a drill has too few"
    where: Location = ("spec",) if spec.indicator_ref else ("spec", "indicator")
    return meant(objects, objects.entered("SLI", spec.indicator, spec.indicator_ref, slo, where))


def names_of(slo: Placed, spec: SloSpec) -> list[str]:
    """A name for each objective of a service level: its own where there is one, with the display name else."""
    if len(spec.objectives) == 1:
        return [slo.name]
    ends = [re.sub(r"[^a-z0-9]+", "-", (one.display_name or "").lower()).strip("-") for one in spec.objectives]
    numbered = [end if end and ends.count(end) == 1 else str(place) for place, end in enumerate(ends, start=1)]
    return [f"{slo.name}.{end}" for end in numbered]


def _budget_share(slo: Placed, spec: SloSpec) -> float | None:
    """The part of the error budget that a drill may cost, by the annotation muster.dev/budget-share."""
    told = slo.note("budget-share")
    if told is None:
        return None
    try:
        share = float(told)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise slo.wrong_note("budget-share", f"is '{told}'; right would be a ratio, more than 0 and at most 1")
    if not spec.time_window:
        raise slo.wrong_note("budget-share", "is a part of an error budget, which needs a timeWindow")
    return share
