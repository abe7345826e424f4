"""What `muster experiments`, `muster loads`, `muster init` and `muster manual check` print with `--json`."""

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


class DriftedFile(BaseModel):
    """A file of the manual that is not as it would be written."""

    file: str
    why: Literal["missing", "differs", "left over"]


class ManualDrift(BaseModel):
    """What `muster manual check --json` prints: how many `files` the manual has, and which of them drift."""

    schema_: Literal["muster/manual/v1"] = Field(alias="schema")
    system: str
    files: int
    drift: list[DriftedFile]


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
