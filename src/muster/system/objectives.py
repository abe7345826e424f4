"""The service levels that `system.yaml` names (docs/objectives.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from muster.system.schema import Ratio, Seconds, Strict


class ObjectiveTargets(Strict):
    """Service levels that the system is held to: ratios from 0 to 1, seconds, requests/s.

    `openslo` is a file of OpenSLO v1 with further ones, relative to system.yaml.
    """

    error_rate: Ratio = 0.01
    latency_p95_s: Seconds = 1.0
    openslo: Annotated[str, Field(min_length=1)] | None = None
