"""What `muster experiments --json`, `muster loads --json` and `muster init --json` print."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

Origin = Literal["project", "package"]


class ListedExperiment(BaseModel):
    """An experiment that drills can name. `variables` are the names of a system that it asks for, `needs` where they
    come from; `lacks` says why it cannot strike the present project's system, empty where it can."""

    name: str
    from_: Origin = Field(alias="from")
    path: str
    title: str
    variables: list[str]
    needs: list[str]
    lacks: str


class Experiments(BaseModel):
    """All of them, sorted by name."""

    schema_: Literal["muster/experiments/v1"] = Field(alias="schema")
    experiments: list[ListedExperiment]


class ListedLoad(BaseModel):
    """A load that drills can name."""

    name: str
    from_: Origin = Field(alias="from")
    path: str
    title: str


class Loads(BaseModel):
    """All of them, sorted by name."""

    schema_: Literal["muster/loads/v1"] = Field(alias="schema")
    loads: list[ListedLoad]


class FoundSystem(BaseModel):
    """What was found of a system: `workloads` with their kinds, `configuration` with the workloads that use it."""

    service: str
    port: int
    serving: list[str]
    read: str
    workloads: dict[str, str]
    databases: list[str]
    configuration: dict[str, list[str]]


class WrittenFile(BaseModel):
    """A file, and whether it is written or was there and is kept."""

    path: str
    action: Literal["write", "keep"]


class WrittenDrill(BaseModel):
    """A drill, by the arguments of its marker."""

    name: str
    severity: str
    cadence: str
    fault: str
    target: str | None = None
    container: str | None = None
    config_map: str | None = None
    recovery: str | None = None
    budget_s: float


class Init(BaseModel):
    """What `muster init` found and wrote, or with `--plan` would write (`written` is false)."""

    schema_: Literal["muster/init/v1"] = Field(alias="schema")
    system: str
    namespace: str
    written: bool
    found: FoundSystem
    files: list[WrittenFile]
    drills: list[WrittenDrill]
    notes: list[str]
