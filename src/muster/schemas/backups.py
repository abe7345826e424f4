"""What lies in a store of backups beside the encrypted files, and what `muster backup list --json` prints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class StoredFile(BaseModel):
    """A file as it lies in the store, and the size of what is encrypted in it; sizes in bytes."""

    sha256: str
    bytes: int
    plain_bytes: int


class BackupManifest(BaseModel):
    """`manifest.json` of a base: a copy of the database as it was at `ended` (UTC). `rows` has the least and the most
    that each table can have had then."""

    schema_: Literal["muster/backup/v1"] = Field(alias="schema")
    id: str
    system: str
    target: str
    began: str
    ended: str
    instance: str
    version: str
    system_identifier: str
    superuser: str
    segment_bytes: int
    first_segment: str
    last_segment: str
    files: dict[str, StoredFile]
    rows: dict[str, tuple[int, int]] | None
    recipients: list[str]
    by: str


class Verified(BaseModel):
    """How restoring a base into a scratch instance went; `why` is empty where all is well."""

    at: str
    ok: bool
    why: str
    took_s: float
    rows: dict[str, int]


class BackupVerification(Verified):
    """`verified.json` of a base; `of` is the digest of the files that were restored."""

    schema_: Literal["muster/backup-verification/v1"] = Field(alias="schema")
    of: str


class ListedBackup(BaseModel):
    """A base; `verified` is null where it never was."""

    id: str
    ended: str
    instance: str
    target: str
    version: str
    bytes: int
    recipients: list[str]
    verified: Verified | None


class Backups(BaseModel):
    """All of a system, oldest first; `leads_to` is the latest moment to which they lead, empty where there is none."""

    schema_: Literal["muster/backups/v1"] = Field(alias="schema")
    system: str
    leads_to: str
    backups: list[ListedBackup]
