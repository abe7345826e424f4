"""What the acceptance gate demands of a release: the part `release.acceptance` of system.yaml (docs/gate.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from muster.system.schema import DottedPath, Name, Seconds, Strict

MANUAL = {
    "user-access": "Do users of each role get in, and only where they should?",
    "new-functions": "Do the new functions do what was asked for?",
    "performance": "Is it as quick for the people who use it as it was?",
    "monitoring-and-alerts": "Do the dashboards show it, and does an alert reach who is on call?",
}


class AllAgents(Strict):
    """How many agents there must be, and at which keys of an answer to `operations.status` an instance says how many
    there are and how many of them are at work."""

    count: Annotated[int, Field(gt=0)]
    total: DottedPath
    available: DottedPath


class WholeWorkflow(Strict):
    """One piece of work from beginning to end, made and found again as the `ledger` says.

    It is through when each dotted path of `done` holds just that value in the answer to `ledger.read`; the list at
    `phases` must have `count` elements by then, and that within `within_s` seconds.
    """

    done: Annotated[dict[DottedPath, Any], Field(min_length=1)]
    phases: DottedPath
    count: Annotated[int, Field(gt=0)]
    within_s: Seconds = 60.0


class Acceptance(Strict):
    """What is demanded. All of it is optional.

    `for` is what a release is let in to, unless the command says otherwise; a file is good for `valid_days`. `manual`
    are questions to people, by their names. Drills of `severities` must be met on this very version. `secrets` says of
    a Secret which workloads may hold it in their environment; of one that is not named nobody knows.
    """

    purpose: Literal["production", "rehearsal"] = Field(default="production", alias="for")
    valid_days: Annotated[float, Field(gt=0, le=90)] = 7.0
    severities: list[str] = ["P1", "P2"]
    agents: AllAgents | None = None
    workflow: WholeWorkflow | None = None
    secrets: dict[Name, list[Name]] = {}
    manual: dict[Name, Annotated[str, Field(min_length=1)]] = dict(MANUAL)
