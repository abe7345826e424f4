"""A configuration that hides what was stored, and databases that are lost with their volumes or without."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.diagnosis.saved import ANSWERS, FOLLOWS, SYSTEM, WELL

from muster.checks.check import Remedy
from muster.diagnosis import diagnose
from muster.snapshot import Snapshot

SETTINGS = {"kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {}}
CONFIGURED = {"settings": {"used_by": ["shop"], "version": None, "error": None}}


def configured(*, stored: bool, hides: bool, changes: list[str]) -> Snapshot:
    asked = {**ANSWERS["service"], "hides": hides}
    kept = {"settings": {"kept": "2026-11-27T00:00:00Z", "stored": stored, "changes": changes}}
    return replace(
        WELL,
        objects=(*WELL.objects, SETTINGS),
        system={**SYSTEM, "configuration": CONFIGURED},
        answers={**ANSWERS, "service": asked, "known good": kept},
    )


def test_a_configuration_that_hides_what_was_stored_is_the_cause() -> None:
    first, second = diagnose(configured(stored=True, hides=True, changes=["line 1: a -> b"])).causes
    assert (str(first.ref), first.severity) == ("ConfigMap settings", "P1")
    assert first.remedy == Remedy("restore-configuration", {"config_map": "settings"})
    assert (str(second.ref), second.severity, second.follows_from) == ("Service shop", "P1", (0,))


@pytest.mark.parametrize(
    ("stored", "hides", "changes"),
    [
        (False, True, ["line 1: a -> b"]),  # nothing was ever stored
        (True, False, ["line 1: a -> b"]),  # a change that does no harm
        (True, True, []),  # all was deleted, as may be
    ],
)
def test_a_change_alone_is_no_finding(*, stored: bool, hides: bool, changes: list[str]) -> None:
    assert diagnose(configured(stored=stored, hides=hides, changes=changes)).causes == ()


def lost(*claims: str, answers: dict[str, Any]) -> Snapshot:
    template = {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    objects = [
        {**item, "spec": {**item["spec"], **template}} if item["kind"] == "StatefulSet" else item
        for item in WELL.objects
    ]
    left = [
        {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "shop"}, "status": {"phase": "Bound"}}
        for name in claims
    ]
    said = {"instances": answers, "trouble": "0 primaries (none), want 1"}
    listed = WELL.listed | {"PersistentVolumeClaim"}
    return replace(WELL, listed=listed, objects=(*objects, *left), answers={**ANSWERS, "database": said})


SILENT = {"answers": False}


@pytest.mark.parametrize(
    ("snapshot", "procedure"),
    [
        (lost(answers={"db-a": SILENT, "db-b": SILENT}), "restore-backup"),
        (lost("data-db-a-0", "data-db-b-0", answers={"db-a": SILENT, "db-b": SILENT}), "full-restart"),
        (lost("data-db-b-0", answers={"db-a": SILENT, "db-b": SILENT}), "full-restart"),  # one volume is still there
        (lost("data-db-b-0", answers={"db-a": SILENT, "db-b": FOLLOWS}), "promote-standby"),
    ],
    ids=["volumes lost", "all down", "one volume left", "standby left"],
)
def test_what_is_left_of_a_database_says_how_it_comes_back(snapshot: Snapshot, procedure: str) -> None:
    first = diagnose(snapshot).causes[0]
    assert (str(first.ref), first.severity) == ("Database db", "P1")
    assert first.remedy == Remedy(procedure)
