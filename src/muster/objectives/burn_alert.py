"""An alert on the burn rate of an error budget, over one or several windows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class BurnAlert(BaseModel):
    """Alerts once the burn rate over each of `lookbacks_s` has been above `threshold` for `alert_after_s` (seconds).

    The burn rate is the ratio of bad requests by the ratio that the objective allows: at 1 the budget lasts just its
    period (Google SRE workbook, "Alerting on SLOs", multiwindow, multi-burn-rate alerts). The long lookback says that
    much was burnt, the short one that it goes on.

    `windows` are where a drill is judged by it: `after`, whether the budget goes on burning like that once service is
    good again; `during`, whether the alert would have fired at all from the injection on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$", max_length=63)]
    threshold: float = Field(gt=0)
    lookbacks_s: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
    alert_after_s: float = Field(default=0.0, ge=0)
    windows: tuple[Literal["during", "after"], ...] = ("after",)

    def can_fire(self, allowed: float) -> bool:
        """Whether the threshold can be passed at all where so many requests may be bad (a ratio)."""
        return self.threshold * allowed < 1 - 1e-9  # 10 * (1 - 0.9) is 0.9999999999999998 in binary
