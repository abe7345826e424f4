"""Who did what to which cluster, and how it ended: JSON Lines, appended, never rewritten."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

import orjson

from muster.base.clock import utc_iso
from muster.base.errors import MusterError
from muster.base.process import run_id

AUDIT_VARIABLE = "MUSTER_AUDIT"


class AuditError(MusterError):
    """The audit log cannot be written, so nothing that belongs into it may be done."""


class AuditLog:
    """An audit log. Several processes may append to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_run(cls, directory: Path) -> Self:
        """The log that MUSTER_AUDIT names, else audit.jsonl in `directory`."""
        named = os.environ.get(AUDIT_VARIABLE)
        return cls(Path(named) if named else directory / "audit.jsonl")

    def record(self, act: str, *, target: str, outcome: str, **details: Any) -> None:
        """Append one act: what was done, to what, and how it ended (`begun`, `done`, `refused`, `failed`, ...).

        Raises:
            AuditError: the line did not reach the file.
        """
        line = orjson.dumps(
            {
                "when": utc_iso(),
                "who": who(),
                "run": run_id(),
                "act": act,
                "target": target,
                "outcome": outcome,
                **details,
            }
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                whole = os.write(descriptor, line + b"\n") == len(line) + 1
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AuditError(f"audit log {self.path} cannot be written: {error.strerror}") from error
        if not whole:
            raise AuditError(f"audit log {self.path} cannot be written: no space left")


def who() -> str:
    """Whom the environment names as acting: the user, and that it is a pipeline where it is one."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid {os.getuid()}"
    return f"{user} (CI)" if os.environ.get("CI") else user
