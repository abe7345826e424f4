"""Appending to the audit log: JSON Lines, chained, written by several processes, never rewritten."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from muster.base.clock import utc_iso
from muster.base.errors import MusterError, TimeoutExceededError
from muster.base.process import run_id
from muster.base.waiting import wait_for
from muster.safety.audit.anchor import Anchor, head_file, read_head
from muster.safety.audit.entry import GENESIS, OWN_KEYS, Entry, read_entry, seal, torn
from muster.safety.audit.origin import ci_job, fit, host, who

AUDIT_VARIABLE = "MUSTER_AUDIT"
FILE_NAME = "audit.jsonl"
LOCK_WITHIN_S = 20.0  # each holds it for less than a millisecond, but one of them may be stopped just then
TAIL_BYTES = 64 * 1024


class AuditError(MusterError):
    """The audit log cannot be had: where it cannot be written, nothing that belongs into it may be done."""


class AuditLog:
    """An audit log. Any number of processes and threads may append to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_run(cls, directory: Path) -> Self:
        """The log that MUSTER_AUDIT names, as it does in every process of a run of drills, else the one in `directory`:
        by hand, the project's reports."""
        named = os.environ.get(AUDIT_VARIABLE)
        return cls(Path(named) if named else directory / FILE_NAME)

    def record(self, act: str, *, target: str, outcome: str, objects: Iterable[str] = (), **details: Any) -> None:
        """Append one act: what was done, to what (`objects` are `Kind/name`), and how it ended (`begun`, `done`,
        `refused`, `failed`, ...). What looks like a secret in a text is masked.

        Raises:
            AuditError: the entry did not reach the file.
        """
        assert not OWN_KEYS & details.keys(), f"an entry's own keys: {sorted(OWN_KEYS)}"
        said = {
            "when": utc_iso(),
            "who": who(),
            "host": host(),
            "ci": ci_job(),
            "run": run_id(),
            "act": act,
            "target": target,
            "outcome": outcome,
            "objects": list(objects),
            **details,
        }
        content = fit(said)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone() as descriptor:
                self._append(descriptor, content)
        except OSError as error:
            raise AuditError(f"audit log {self.path} cannot be written: {error.strerror}") from error

    def anchor(self) -> Anchor | None:
        """How long the log is, and how it ends; None where there is none, or it cannot be had."""
        try:
            with self._alone(create=False) as descriptor:
                return self._last(_read_end(descriptor))
        except (OSError, AuditError):
            return None

    def entries(self) -> Iterator[tuple[bytes, Entry]]:
        """Every line that is an entry, without its newline, and what it says.

        Raises:
            AuditError: there is no log, or it cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                for line in file:
                    entry = read_entry(line.rstrip(b"\n"))
                    if entry is not None:
                        yield line.rstrip(b"\n"), entry
        except OSError as error:
            raise AuditError(f"audit log {self.path} cannot be read: {error.strerror}") from error

    def lines_of(self, run: str) -> bytes:
        """The entries of a run, as they stand in the log.

        Raises:
            AuditError: the log cannot be read.
        """
        return b"".join(line + b"\n" for line, entry in self.entries() if entry.content.get("run") == run)

    def _append(self, descriptor: int, content: dict[str, Any]) -> None:
        end = _read_end(descriptor)
        last = self._last(end)
        known = last or Anchor(0, GENESIS)
        if end.remains and known.entries == end.number:
            # A process died in the middle of its entry, or the disk was full. That this was seen here keeps it from
            # looking like an entry that somebody changed.
            content["torn"] = torn(end.remains + end.missing_newline)
        line = seal(content, number=known.entries + 1, previous=known.head)
        data = end.missing_newline + line + b"\n"
        if os.write(descriptor, data) != len(data):
            raise AuditError(f"audit log {self.path} cannot be written: no space left")
        entry = read_entry(line)
        assert entry is not None, "what was just sealed"
        self._note_head(entry)

    def _last(self, end: _End) -> Anchor | None:
        """The entry to follow: by the head file where that knows of as many or more than the log has. So an end that
        was cut off, or changed, stays visible whatever is appended to it."""
        head = read_head(self.path)
        if head is not None and head.entries >= end.number:
            return head
        return Anchor(end.number, end.hash) if end.number else None

    def _note_head(self, entry: Entry) -> None:
        path = head_file(self.path)
        temporary = path.with_name(f".{path.name}")
        with suppress(OSError):  # it then lags, until the next entry
            temporary.write_text(f"{Anchor(entry.number, entry.hash)}\n", encoding="ascii")
            temporary.replace(path)

    @contextmanager
    def _alone(self, *, create: bool = True) -> Iterator[int]:
        """The open log, with everybody else kept out of it: the kernel lets go of it when this process dies."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        descriptor = os.open(self.path, flags, 0o644)
        try:
            self._lock(descriptor)
            yield descriptor
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        try:
            wait_for(
                lambda: _try_lock(descriptor),
                within=LOCK_WITHIN_S,
                every=0.002,
                reason="other processes to be done with it",
            )
        except TimeoutExceededError as error:
            raise AuditError(f"audit log {self.path} cannot be written: {error}") from error


class _End(NamedTuple):
    """How a log ends: its last whole entry, and what stands after that."""

    number: int = 0
    hash: str = GENESIS
    remains: bytes = b""
    missing_newline: bytes = b""  # what must be written before the next line


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_end(descriptor: int) -> _End:
    """Look from the end of a log for its last whole entry."""
    size = os.fstat(descriptor).st_size
    tail = TAIL_BYTES
    while True:
        start = max(size - tail, 0)
        data = os.pread(descriptor, size - start, start)
        newline = b"" if data.endswith(b"\n") or not data else b"\n"
        lines = data.split(b"\n")
        whole = range(len(lines) - 1, -1 if start == 0 else 0, -1)  # the first may have begun before
        for place in whole:
            entry = read_entry(lines[place])
            if entry is not None:
                return _End(entry.number, entry.hash, b"\n".join(lines[place + 1 :]), newline)
        if start == 0:
            return _End(remains=data, missing_newline=newline)
        tail *= 4
