"""`manifest.json`: the digests of what a run left."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class AuditAnchor(BaseModel):
    """How long the project's audit log was when the run ended, and the hash of its last entry then."""

    entries: Annotated[int, Field(ge=1)]
    head: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """The digests by file, whose paths are relative to the run's directory."""

    schema_: Literal["muster/manifest/v1"] = Field(alias="schema")
    algorithm: Literal["sha256"]
    files: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]
    audit: AuditAnchor | None = None
