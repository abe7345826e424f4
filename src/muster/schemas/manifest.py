"""`manifest.json`: the digests of what a run left."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class Manifest(BaseModel):
    """The digests by file, whose paths are relative to the run's directory."""

    schema_: Literal["muster/manifest/v1"] = Field(alias="schema")
    algorithm: Literal["sha256"]
    files: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]
