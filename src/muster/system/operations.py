"""What recovery procedures must know of a system: the part `operations` of system.yaml. All of it is optional."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from muster.system.requests import Request, check_changes, check_places, check_reads
from muster.system.schema import DottedPath, Name, Strict


class Stage(Strict):
    """Workloads of the manifests that can start side by side, once those of the stages before them serve."""

    name: str
    workloads: Annotated[list[Name], Field(min_length=1)]


class Configuration(Strict):
    """A ConfigMap that the workloads `used_by` are configured by.

    `version` is the dotted path, in the answer of each serving instance to `operations.status`, of what tells one
    content from another; `error` that of what an instance has against what it was given, null where it has nothing.
    """

    config_map: Name
    used_by: list[Name] = []
    version: DottedPath | None = None
    error: DottedPath | None = None


class Capacity(Strict):
    """The Deployment that takes what clients ask for, and how many replicas it may be given in an emergency.

    `admits_per_s` is how many requests/s the replicas of its manifest serve; what comes beyond is refused or waits.
    """

    deployment: Name
    max_replicas: Annotated[int, Field(gt=0)]
    admits_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class Workflows(Strict):
    """Work in several durable phases: how what is stuck is found, and resumed from its last durable phase.

    The answer to `stuck` holds a list at the dotted path `items`, each with an `id`, which is filled into `resume`.
    `workers` is the Deployment whose pods do the work.
    """

    stuck: Request
    items: DottedPath
    id: DottedPath = "id"
    resume: Request
    workers: Name

    @model_validator(mode="after")
    def _resume_one(self) -> Self:
        check_places(self.stuck, "stuck")
        check_reads(self.stuck, "stuck")
        if not self.resume.holds("id"):
            raise ValueError("'resume' must hold {id}: it resumes one of those that are stuck")
        check_places(self.resume, "resume", "id")
        check_changes(self.resume, "resume")
        return self


class Agents(Strict):
    """Agents that worker pods share: `release` frees those of workers that are silent, for others to take over.

    The system is whole where each dotted path of `whole` holds just that value in the answer to `operations.status`.
    """

    release: Request
    workers: Name
    whole: Annotated[dict[DottedPath, Any], Field(min_length=1)]

    @model_validator(mode="after")
    def _release_some(self) -> Self:
        check_places(self.release, "release")
        check_changes(self.release, "release")
        return self


class Operations(Strict):
    """Everything below `operations`. `status` is what each serving instance says of itself, as JSON."""

    status: Request | None = None
    stages: list[Stage] = []
    configuration: list[Configuration] = []
    capacity: Capacity | None = None
    workflows: Workflows | None = None
    agents: Agents | None = None

    @model_validator(mode="after")
    def _status_only_reads(self) -> Self:
        if self.status is not None:
            check_places(self.status, "status")
            check_reads(self.status, "status")
        return self
