"""Makes the schemas from the models that the files are written or read with."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from muster.analysis.look import RecordedLook
from muster.drill.preview import Preview
from muster.gate.statement import Statement
from muster.gate.waivers import WaiverFile
from muster.preflight.finding import Report
from muster.release.record import Recorded
from muster.release.wanted import ToldOfRelease
from muster.report.summary import SummaryModel
from muster.safety.limits import SafetySettings
from muster.schemas.audit import AuditLine, AuditVerification
from muster.schemas.backups import BackupManifest, Backups, BackupVerification
from muster.schemas.diagnosis import Checks, Diagnosis, Snapshot, Status
from muster.schemas.events import EVENTS, Event
from muster.schemas.gate import GateAnswer, GateHeld, GatePlan, GateVerification
from muster.schemas.history import History
from muster.schemas.incidents import Incidents, IncidentWithEntries, Indicators
from muster.schemas.listings import Experiments, Init, Loads, ManualDrift
from muster.schemas.manifest import Manifest
from muster.schemas.monitoring import MonitoringFiles, MonitorRound
from muster.schemas.notices import Channels, DeliveredNotices, Messages, Notices, Templates
from muster.schemas.plan import Plan
from muster.schemas.readiness import Readiness
from muster.schemas.recovery import Procedures, Recovery
from muster.schemas.released import KeptRelease, Releases
from muster.schemas.releases import ReleaseReplay, ReleaseResult
from muster.schemas.scorecard import Scorecard
from muster.setup.run import SetupReport
from muster.system.definition import SystemDefinition

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What is read by muster is described as it may be written; what it writes, as it stands there.
FILES: dict[str, tuple[type[BaseModel], JsonSchemaMode]] = {
    "acceptance-v1.json": (Statement, "serialization"),
    "audit-line-v1.json": (AuditLine, "serialization"),
    "audit-verification-v1.json": (AuditVerification, "serialization"),
    "backup-v1.json": (BackupManifest, "serialization"),
    "backup-verification-v1.json": (BackupVerification, "serialization"),
    "backups-v1.json": (Backups, "serialization"),
    "channels-v1.json": (Channels, "serialization"),
    "check-v1.json": (Report, "serialization"),
    "checks-v1.json": (Checks, "serialization"),
    "delivered-v1.json": (DeliveredNotices, "serialization"),
    "diagnosis-v1.json": (Diagnosis, "serialization"),
    "experiments-v1.json": (Experiments, "serialization"),
    "gate-answer-v1.json": (GateAnswer, "serialization"),
    "gate-plan-v1.json": (GatePlan, "serialization"),
    "gate-v1.json": (GateHeld, "serialization"),
    "gate-verification-v1.json": (GateVerification, "serialization"),
    "history-v1.json": (History, "serialization"),
    "incident-v1.json": (IncidentWithEntries, "serialization"),
    "incidents-v1.json": (Incidents, "serialization"),
    "indicators-v1.json": (Indicators, "serialization"),
    "init-v1.json": (Init, "serialization"),
    "loads-v1.json": (Loads, "serialization"),
    "manifest-v1.json": (Manifest, "serialization"),
    "monitor-v1.json": (MonitorRound, "serialization"),
    "messages-v1.json": (Messages, "serialization"),
    "notices-v1.json": (Notices, "serialization"),
    "monitoring-v1.json": (MonitoringFiles, "serialization"),
    "manual-v1.json": (ManualDrift, "serialization"),
    "plan-v1.json": (Plan, "serialization"),
    "preview-v1.json": (Preview, "serialization"),
    "procedures-v1.json": (Procedures, "serialization"),
    "readiness-v1.json": (Readiness, "serialization"),
    "recovery-v1.json": (Recovery, "serialization"),
    "kept-release-v1.json": (KeptRelease, "serialization"),
    "release-recording-v1.json": (RecordedLook, "validation"),
    "release-replay-v1.json": (ReleaseReplay, "serialization"),
    "release-result-v1.json": (ReleaseResult, "serialization"),
    "release-state-v1.json": (Recorded, "serialization"),
    "release-v1.json": (ToldOfRelease, "validation"),
    "releases-v1.json": (Releases, "serialization"),
    "safety-v1.json": (SafetySettings, "validation"),
    "scorecard-v1.json": (Scorecard, "serialization"),
    "setup-v1.json": (SetupReport, "serialization"),
    "snapshot-v1.json": (Snapshot, "serialization"),
    "status-v1.json": (Status, "serialization"),
    "summary-v1.json": (SummaryModel, "serialization"),
    "system-v1.json": (SystemDefinition, "validation"),
    "templates-v1.json": (Templates, "serialization"),
    "waivers-v1.json": (WaiverFile, "validation"),
}
TIMELINE = "timeline-event-v1.json"


def schemas() -> dict[str, dict[str, Any]]:
    """Each schema by the name of its file."""
    made = {name: _of_file(name, *said) for name, said in FILES.items()}
    return {**made, TIMELINE: _of_events()}


def as_text(schema: dict[str, Any]) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _of_file(name: str, model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, Any]:
    schema = {"$schema": DIALECT, "$id": name, **model.model_json_schema(mode=mode)}
    if "schema" in schema["properties"]:
        # A file says which schema it follows; without that it is none of these files.
        schema["required"] = ["schema", *(key for key in schema["required"] if key != "schema")]
    return schema


def _of_events() -> dict[str, Any]:
    """One line of a timeline: what every event has, and of the kinds that are known what theirs have as well."""
    used: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Event, "serialization")]
    used += [(model, "serialization") for model in EVENTS.values()]
    references, made = models_json_schema(used)
    every = references[Event, "serialization"]
    own = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": references[model, "serialization"],
        }
        for kind, model in EVENTS.items()
    ]
    return {
        "$schema": DIALECT,
        "$id": TIMELINE,
        "title": "TimelineEvent",
        "description": "One line of a timeline; times in s of CLOCK_MONOTONIC. Further kinds and keys may be added.",
        "allOf": [every, *own],
        **made,
    }
