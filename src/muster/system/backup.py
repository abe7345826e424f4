"""How the system is backed up: the part `backup` of system.yaml (docs/backup.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from muster.system.schema import Seconds, Strict


class Retention(Strict):
    """What is kept: every moment of the last `days`, and never fewer than `least` bases."""

    days: Annotated[float, Field(gt=0)] = 30.0
    least: Annotated[int, Field(ge=1)] = 3


class Backup(Strict):
    """Where backups lie and who can open them.

    `store` is a directory, relative to system.yaml; the environment's MUSTER_BACKUP_STORE goes before it. `recipients`
    are public keys of the age format. What is written is shipped every `every_s` seconds; a base is taken every
    `base_every_s`, by whoever ships.
    """

    store: str | None = None
    recipients: list[str] = []
    every_s: Seconds = 60.0
    base_every_s: Seconds = 86_400.0
    keep: Retention = Retention()
