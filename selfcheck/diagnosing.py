"""Drills in which `muster diagnose` says what is to be done: fixtures for the conftest.py of a project that holds them.

The drill is held as it stands; only what its body leaves to people is done by what a diagnosis suggests. So a verdict
of met says that the suggestion mended the fault, in time and with nothing lost. Each look is appended to a
file, and what was looked at is kept beside it.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from muster.base.clock import now
from muster.diagnosis import Diagnosis, diagnose
from muster.diagnosis.text import command_of
from muster.drill import Drill, RecoverView, SystemView
from muster.snapshot import Snapshot, save_snapshot
from muster.snapshot.gather import gather
from muster.steps import Outcome
from muster.wire.names import FAULT_RECORD_LABEL

LOOKS = "MUSTER_SELFCHECK_LOOKS"  # the file that looks are appended to
CONFTEST = "from selfcheck.diagnosing import recover, system\n"
IN_FORCE, MENDED = "in force", "mended"
FEW = 4  # findings that are kept of a look


@dataclass(frozen=True)
class Look:
    """What was found while a drill's fault was in force, or after it was mended with the fault still there.

    `suggested` is the command that stood first, `found` the first findings, both by the symptoms alone: the record of
    the fault was kept from the diagnosis. `with_record` is the same with it. `seconds` are what both took together.
    """

    drill: str
    when: str
    seconds: float
    suggested: str
    found: list[str]
    with_record: dict[str, Any]
    unknown: list[str]


def look(drill: Drill, when: str) -> Look:
    """Diagnose the system under drill, and keep what was found."""
    began = now()
    state = drill.state
    snapshot = gather(lambda: state.cluster, state.definition, namespace=state.namespace)
    blind, seeing = diagnose(without_records(snapshot)), diagnose(snapshot)
    found = Look(
        drill=drill.declaration.name,
        when=when,
        seconds=round(now() - began, 3),
        suggested=_command(blind),
        found=_told(blind),
        with_record={"first": _told(seeing)[:1], "procedure": _procedure(seeing), "besides": _besides(seeing)},
        unknown=[f"{one.what}: {one.why}" for one in blind.unknown],
    )
    save_snapshot(snapshot, Path(os.environ[LOOKS]).with_name(f"{found.drill}-{when.replace(' ', '-')}.json"))
    _keep(asdict(found))
    return found


def _keep(told: dict[str, Any]) -> None:
    with Path(os.environ[LOOKS]).open("ab") as file:
        file.write(orjson.dumps(told) + b"\n")


def without_records(snapshot: Snapshot) -> Snapshot:
    """What would be seen had the fault come of itself."""
    kept = [item for item in snapshot.objects if FAULT_RECORD_LABEL not in (item["metadata"].get("labels") or {})]
    return replace(snapshot, objects=tuple(kept))


def _command(diagnosis: Diagnosis) -> str:
    return command_of(diagnosis.causes[0]) if diagnosis.causes else ""


def _told(diagnosis: Diagnosis) -> list[str]:
    return [f"{cause.severity} {cause.ref}: {cause.finding.reason}" for cause in diagnosis.causes[:FEW]]


def _procedure(diagnosis: Diagnosis) -> str:
    first = diagnosis.causes[0].remedy if diagnosis.causes else None
    return first.name if first else ""


def _besides(diagnosis: Diagnosis) -> list[str]:
    """What does not follow from a fault on record."""
    return [str(one.ref) for one in diagnosis.causes if not one.follows_from and one.ref.kind != "Fault"]


class Suggested(RecoverView):
    """Recovers by what a diagnosis suggests, word by word."""

    def __init__(self, drill: Drill) -> None:
        super().__init__(drill)
        self._drill = drill

    def __call__(self, procedure: str | None = None, **arguments: str) -> Outcome:
        if procedure is not None:  # what follows upon a recovery is the drill's own
            return super().__call__(procedure, **arguments)
        words = shlex.split(look(self._drill, IN_FORCE).suggested)
        if words[:2] != ["muster", "recover"]:
            pytest.fail(f"no procedure was suggested, but {' '.join(words) or 'nothing'}", pytrace=False)
        outcome = super().__call__(words[2], **dict(word.split("=", 1) for word in words[3:]))
        _keep({"drill": self._drill.declaration.name, "outcome": "" if outcome.ok else outcome.why or "failed"})
        return outcome


class Watched(SystemView):
    """Looks again once service is good, and before, where the drill leaves the recovery to the platform."""

    def __init__(self, drill: Drill) -> None:
        super().__init__(drill)
        self._drill = drill

    def wait_good(self, within: float) -> bool:
        if self._drill.declaration.recovery is None:
            look(self._drill, IN_FORCE)
        good = super().wait_good(within)
        look(self._drill, MENDED)
        return good


@pytest.fixture
def recover(drill: Drill) -> RecoverView:
    """The drill's recovery, by what is diagnosed."""
    return Suggested(drill)


@pytest.fixture
def system(drill: Drill) -> SystemView:
    """The system under drill, diagnosed while its fault is in force."""
    return Watched(drill)
