"""Sessions that were asked for and have become no run of drills, so that no older green is taken for theirs.

A session leaves a note beside the reports before anything can go wrong with it, and takes it back once it is known to
concern no drill. What ends it in between (a typo, a file that cannot be imported, `kill -9`) leaves the note, and a run
of drills that begins takes away all that there are: from then on the latest run is its own. Only where there is an
older run are there notes: elsewhere nothing could be mistaken.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from muster.base.clock import utc_iso
from muster.base.files import write_atomically

LATEST = "latest"
PREFIX = ".asked-"
RECEIPT_VARIABLE = "MUSTER_RECEIPT"  # a file that takes the directory of the run which a session began
# Names, for a session that only checks, the kubeconfig of the cluster that `muster up` started.
UP_VARIABLE = "MUSTER_CHECK_UP"
NOTHING_YET = "it ended before it had collected anything"


@dataclass(frozen=True)
class Asked:
    """A session that came to no run: when it began (ISO 8601, UTC), and why it is none."""

    at: str
    why: str


def ask(reports: Path, why: str = NOTHING_YET) -> Path | None:
    """Note that a session begins; None where no older run could be taken for it, or nothing can be written."""
    if not (reports / LATEST).is_symlink():
        return None
    note = reports / f"{PREFIX}{secrets.token_hex(6)}"
    try:
        _write(note, Asked(utc_iso(), why))
    except OSError:
        return None
    return note


def explain(note: Path, why: str) -> None:
    """Say better why the session came to no run; a note that was taken away stays away."""
    with contextlib.suppress(OSError, ValueError):
        _write(note, Asked(_read(note).at, why))


def supersede(reports: Path) -> None:
    """Take away every note: a run has begun."""
    for note in reports.glob(f"{PREFIX}*"):
        note.unlink(missing_ok=True)


def asked(reports: Path) -> list[Asked]:
    """The sessions that came to no run since the latest one, the newest last."""
    found = []
    for note in reports.glob(f"{PREFIX}*"):
        try:
            found.append(_read(note))
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            found.append(Asked("", "its note cannot be read"))
    return sorted(found, key=lambda one: one.at)


def _read(note: Path) -> Asked:
    """Raises: OSError, ValueError."""
    try:
        return Asked(**json.loads(note.read_text()))
    except TypeError as error:
        raise ValueError(f"{note} is no note of a session") from error


def _write(note: Path, content: Asked) -> None:
    write_atomically(note, json.dumps({"at": content.at, "why": content.why}))
