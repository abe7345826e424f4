"""Where backups lie: a directory (a mounted volume, for instance), with one folder for each system.

    STORE/SYSTEM/bases/ID/base.tar.gz.age       the database, as pg_basebackup writes it
    STORE/SYSTEM/bases/ID/objects.json.gz.age   the namespace's objects
    STORE/SYSTEM/bases/ID/manifest.json         what they are, with their digests; written last
    STORE/SYSTEM/bases/ID/verified.json         how restoring it went, the last time
    STORE/SYSTEM/wal/SEGMENT.gz.age             one segment of the write-ahead log
    STORE/SYSTEM/wal/index.jsonl                what was shipped, in its order

A base without a manifest was not ended, and counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeVar

from muster.backup.errors import BackupError
from muster.base.errors import UsageError
from muster.base.files import write_atomically
from muster.system import SystemDefinition

BASE_SCHEMA = "muster/backup/v1"
VERIFIED_SCHEMA = "muster/backup-verification/v1"
MANIFEST, VERIFIED, INDEX = "manifest.json", "verified.json", "index.jsonl"
BASE_FILE, OBJECTS_FILE = "base.tar.gz.age", "objects.json.gz.age"
CHUNK = 1 << 20
STORE_VARIABLE = "MUSTER_BACKUP_STORE"
T = TypeVar("T")


@dataclass(frozen=True)
class Stored:
    """A file of the store: its digest and size as it lies there, and the size of what is encrypted in it, in bytes."""

    sha256: str
    bytes: int
    plain_bytes: int


@dataclass(frozen=True)
class Base:
    """A copy of a database at one moment, which it reached at `ended`; times are UTC (ISO 8601).

    `rows` has the counts of each table (`database.schema.table`) before and after that moment; None where they were not
    to be had.
    """

    id: str
    system: str
    target: str
    began: str
    ended: str
    instance: str
    version: str  # of the database server
    system_identifier: str
    superuser: str
    segment_bytes: int  # of its log
    first_segment: str
    last_segment: str
    files: Mapping[str, Stored]
    rows: Mapping[str, tuple[int, int]] | None
    recipients: tuple[str, ...]
    by: str


@dataclass(frozen=True)
class Segment:
    """A piece of the write-ahead log that was shipped at `at`. Everything that was committed before `until` is in it or
    in one before it. `gap` is whether something between it and the piece before is missing; `history` is what a
    timeline's history file says."""

    name: str
    at: str
    until: str
    sha256: str
    bytes: int
    plain_bytes: int
    system_identifier: str
    gap: bool = False
    history: str = ""


@dataclass(frozen=True)
class Verification:
    """How restoring a base into a scratch instance went: `rows` were counted there, `why` is empty where all is
    well."""

    at: str
    ok: bool
    why: str
    took_s: float
    rows: Mapping[str, int] = field(default_factory=dict)


class Store:
    """The backups of one system."""

    def __init__(self, root: Path, system: str) -> None:
        self.root, self.system = root, system
        self.directory = root / system
        self._bases, self._wal = self.directory / "bases", self.directory / "wal"

    # -- bases

    def bases(self) -> list[Base]:
        """All that were ended, oldest first.

        Raises:
            BackupError: a manifest cannot be read.
        """
        found = [self._read_base(path) for path in self._bases.glob(f"*/{MANIFEST}")]
        return sorted(found, key=lambda base: base.ended)

    def base(self, identity: str) -> Base:
        """The base of that id; `latest` is the newest.

        Raises:
            BackupError: there is none; the message names those that there are.
        """
        bases = self.bases()
        if identity == "latest" and bases:
            return bases[-1]
        for base in bases:
            if base.id == identity:
                return base
        there = ", ".join(base.id for base in bases[-5:]) or "none"
        raise BackupError(f"there is no backup '{identity}' of {self.system} in {self.root} (there are: {there})")

    def unended(self) -> list[str]:
        """The ids of bases that were begun and not ended."""
        return sorted(path.name for path in self._bases.glob("*/") if not (path / MANIFEST).exists())

    @contextmanager
    def begin(self, identity: str) -> Iterator[Path]:
        """A folder for a new base, which goes where the block fails.

        Raises:
            BackupError: the store cannot be written.
        """
        folder = self._bases / identity
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise BackupError(f"the store {self.root} cannot be written: {error.strerror}") from None
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def end(self, base: Base) -> None:
        """Write the manifest: from now on the base counts."""
        content = {"schema": BASE_SCHEMA, **asdict(base)}
        write_atomically(self._bases / base.id / MANIFEST, json.dumps(content, indent=2) + "\n")

    def path(self, base: Base, name: str) -> Path:
        return self._bases / base.id / name

    def remove(self, base: Base) -> None:
        """Delete a base, its manifest first: a half deleted one counts for nothing."""
        folder = self._bases / base.id
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    # -- verifications

    def verification(self, base: Base) -> Verification | None:
        """How verifying it went, the last time; None where it never was, or was changed since."""
        path = self.path(base, VERIFIED)
        if not path.exists():
            return None
        content = _json(path)
        if content.get("of") != base.files[BASE_FILE].sha256:
            return None
        return _made(Verification, content, path)

    def keep_verification(self, base: Base, verification: Verification) -> None:
        content = {"schema": VERIFIED_SCHEMA, "of": base.files[BASE_FILE].sha256, **asdict(verification)}
        write_atomically(self.path(base, VERIFIED), json.dumps(content, indent=2) + "\n")

    # -- the archive

    def segments(self) -> list[Segment]:
        """What was shipped, in its order.

        Raises:
            BackupError: the index cannot be read.
        """
        path = self._wal / INDEX
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").split("\n")
        found = []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                content = json.loads(line)
            except ValueError:
                if number == len(lines):  # it was being written when the machine went; the segment is shipped again
                    break
                raise BackupError(f"{path} line {number} is no JSON: the archive's index was changed") from None
            found.append(_made(Segment, content, path))
        return found

    def ship(self, segment: Segment, encrypted: Path) -> None:
        """Take a segment in: the file first, then its line."""
        encrypted.replace(self.segment_path(segment.name))
        data = (json.dumps(asdict(segment)) + "\n").encode()
        path = self._wal / INDEX
        with path.open("r+b" if path.exists() else "w+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end:  # half a line that a crash left
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    data = b"\n" + data
            file.seek(0, os.SEEK_END)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def segment_path(self, name: str) -> Path:
        self._wal.mkdir(parents=True, exist_ok=True)
        return self._wal / f"{name}.gz.age"

    def forget(self, names: set[str]) -> None:
        """Delete segments, their lines first."""
        kept = [segment for segment in self.segments() if segment.name not in names]
        write_atomically(self._wal / INDEX, "".join(json.dumps(asdict(one)) + "\n" for one in kept))
        for name in names:
            self.segment_path(name).unlink(missing_ok=True)

    # --

    def _read_base(self, path: Path) -> Base:
        content = _json(path)
        if content.get("schema") != BASE_SCHEMA:
            raise BackupError(f"{path} is of schema {content.get('schema')!r}, not '{BASE_SCHEMA}'")
        try:
            content["files"] = {name: Stored(**one) for name, one in content["files"].items()}
            content["recipients"] = tuple(content["recipients"])
            if content["rows"] is not None:
                content["rows"] = {table: (low, high) for table, (low, high) in content["rows"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BackupError(f"{path} cannot be understood: {type(error).__name__} {error}") from None
        return _made(Base, content, path)


def store_of(system: SystemDefinition, given: Path | None = None) -> Store:
    """The store of a system's backups: the one given, or of the environment, or of system.yaml.

    Raises:
        UsageError: none is named.
    """
    if named := given or (Path(text) if (text := os.environ.get(STORE_VARIABLE)) else None):
        return Store(named, system.name)
    if system.backup.store is None:
        raise UsageError(
            f"it is not said where the backups of {system.name} lie: name a directory with --store, in "
            f"{STORE_VARIABLE}, or in 'backup.store' of {system.path}"
        )
    return Store(system.directory / system.backup.store, system.name)


def moment(text: str) -> datetime:
    """A time as the store writes it."""
    return datetime.fromisoformat(text)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex.

    Raises:
        BackupError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def check(path: Path, sha256: str) -> None:
    """See that a file is the one that was written.

    Raises:
        BackupError: it is gone, or is another one.
    """
    if digest_of(path) != sha256:
        raise BackupError(f"{path} is not what was written: its digest is another one")


class Counting:
    """A file that is written to, or read from, and tells how much went through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        return data

    def write(self, data: bytes) -> int:
        self.count += len(data)
        self._file.write(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackupError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise BackupError(f"{path} is no JSON object")
    return content


def _made(kind: type[T], content: dict[str, Any], path: Path) -> T:
    names = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    try:
        return kind(**{key: value for key, value in content.items() if key in names})
    except TypeError as error:
        raise BackupError(f"{path} cannot be understood: {error}") from None
