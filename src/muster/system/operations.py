"""What recovery procedures must know of a system: the part `operations` of system.yaml. All of it is optional."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from muster.system.parts import Name, Request, Strict


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
    version: str | None = None
    error: str | None = None


class Capacity(Strict):
    """The Deployment that takes what clients ask for, and how many replicas it may be given in an emergency."""

    deployment: Name
    max_replicas: Annotated[int, Field(gt=0)]


class Workflows(Strict):
    """Work in several durable phases: how what is stuck is found, and resumed from its last durable phase.

    The answer to `stuck` holds a list at the dotted path `items`, each with an `id`, which is filled into `resume`.
    `workers` is the Deployment whose pods do the work.
    """

    stuck: Request
    items: str
    id: str = "id"
    resume: Request
    workers: Name


class Agents(Strict):
    """Agents that worker pods share: `release` frees those of workers that are silent, for others to take over.

    The system is whole where each dotted path of `whole` holds just that value in the answer to `operations.status`.
    """

    release: Request
    workers: Name
    whole: Annotated[dict[str, Any], Field(min_length=1)]


class Operations(Strict):
    """Everything below `operations`. `status` is what each serving instance says of itself, as JSON."""

    status: Request | None = None
    stages: list[Stage] = []
    configuration: list[Configuration] = []
    capacity: Capacity | None = None
    workflows: Workflows | None = None
    agents: Agents | None = None
