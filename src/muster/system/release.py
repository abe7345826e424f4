"""How a new version of a system is brought out: the part `release` of system.yaml (docs/releasing.md)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from muster.system.acceptance import Acceptance
from muster.system.metrics import SelectorText
from muster.system.release_analysis import ReleaseAnalysis
from muster.system.requests import Request, check_places, check_reads
from muster.system.schema import DottedPath, Name, Seconds, Strict

PhaseName = Literal["canary", "grow", "half", "switch"]
PHASES: tuple[PhaseName, ...] = ("canary", "grow", "half", "switch")
HEADER = r"^[A-Za-z0-9-]+$"
Person = Annotated[str, Field(min_length=1, max_length=200)]


class ReleasePhase(Strict):
    """A share of traffic that the new version is given, and how long it must do well there."""

    name: PhaseName
    share: Annotated[float, Field(gt=0, le=1)]
    bake_s: Seconds


DEFAULT_PHASES = (
    ReleasePhase(name="canary", share=0.05, bake_s=1800),
    ReleasePhase(name="grow", share=0.2, bake_s=2700),
    ReleasePhase(name="half", share=0.5, bake_s=1800),
    ReleasePhase(name="switch", share=1, bake_s=900),
)


class VersionTold(Strict):
    """Where an answer to clients says which version gave it: in a header of any answer, or at `field` of the answer to
    `request`."""

    header: Annotated[str, Field(pattern=HEADER)] | None = None
    request: Request | None = None
    field: DottedPath | None = None

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if (self.header is None) == (self.request is None) or (self.request is None) != (self.field is None):
            raise ValueError("right would be 'header', such as x-version, or 'request' together with 'field'")
        if self.request is not None:
            check_places(self.request, "request")
            check_reads(self.request, "request")
        return self


class Traffic(Strict):
    """How clients are shared between two versions; `auto` takes what the cluster has, the finest first."""

    way: Literal["auto", "httproute", "virtualservice", "replicas"] = "auto"


class FailedAgents(Strict):
    """How many agents are not at work: `total` less `available`, of the service's answer to `request`."""

    request: Request
    total: DottedPath
    available: DottedPath

    @model_validator(mode="after")
    def _only_reads(self) -> Self:
        check_places(self.request, "request")
        check_reads(self.request, "request")
        return self


class Roles(Strict):
    """Who has which part in a release: who decides, who leads the technical work, who watches the service, who brings
    the release out, who answers for its quality. A name, a team, or how they are reached."""

    commander: Person | None = None
    technical: Person | None = None
    sre: Person | None = None
    devops: Person | None = None
    quality: Person | None = None

    def given(self) -> dict[str, str]:
        """Those that somebody has."""
        return self.model_dump(exclude_none=True)


class ReleasePlan(Strict):
    """How a release goes. All of it is optional.

    `workload` is the Deployment that clients come in by; without it, the one whose pods the system's Service selects.
    `verify` names probes of system.yaml that the new version's own pods are asked before they get traffic and at every
    look. `failed_agents` and `workflow_errors`, a counter of its workers' pods, are what the triggers of these names
    look at. `writes_per_look` is how many writes of the ledger are made at each look, as clients make them, to be found
    at the next; 0: none. `backup`: one is taken and verified first. `roles` are told with its notices, and kept.
    """

    workload: Name | None = None
    version: VersionTold | None = None
    traffic: Traffic = Traffic()
    verify: list[Name] = []
    failed_agents: FailedAgents | None = None
    workflow_errors: SelectorText | None = None
    phases: list[ReleasePhase] = list(DEFAULT_PHASES)
    writes_per_look: Annotated[int, Field(ge=0, le=200)] = 0
    backup: bool = True
    roles: Roles = Roles()
    analysis: ReleaseAnalysis = ReleaseAnalysis()
    acceptance: Acceptance = Acceptance()

    @model_validator(mode="after")
    def _rises_to_all(self) -> Self:
        if [phase.name for phase in self.phases] != list(PHASES):
            raise ValueError(f"'phases' are these, in this order: {', '.join(PHASES)}")
        shares = [phase.share for phase in self.phases]
        if sorted(set(shares)) != shares or shares[-1] != 1:
            raise ValueError("each phase has a larger share than the one before, and the last has all of it (1)")
        return self
