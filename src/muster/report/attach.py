"""A drill in the Allure report: severity, labels, and what a reader wants to open. Nothing happens without Allure."""

from __future__ import annotations

from pathlib import Path

import allure

from muster.verdict import DrillVerdict

# Allure has five levels of its own; P1 is what stops a business.
SEVERITY = {"P1": "blocker", "P2": "critical", "P3": "normal", "P4": "minor"}

# File endings and the media types under which Allure shows them.
MEDIA = {
    ".svg": "image/svg+xml",
    ".jsonl": "application/x-ndjson",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".log": "text/plain",
}


def label_drill(verdict: DrillVerdict, system: str) -> None:
    """Sort the drill into the report: by system, severity and evidence."""
    allure.dynamic.severity(SEVERITY.get(verdict.severity or "", "normal"))
    allure.dynamic.epic(system)
    allure.dynamic.feature(f"severity {verdict.severity}")
    allure.dynamic.tag(f"evidence: {verdict.evidence}", f"cadence: {verdict.cadence}")
    allure.dynamic.parameter("verdict", verdict.verdict.value)


def attach_drill(directory: Path, verdict: DrillVerdict, experiment: Path) -> None:
    """Attach the picture, the timeline, the entry of the summary, the experiment with its journal, and the logs."""
    name = verdict.name
    allure.attach(
        verdict.model_dump_json(indent=2), name="verdict", attachment_type="application/json", extension="json"
    )
    files = [directory / f"{name}.svg", directory / f"{name}.jsonl", experiment]
    files += sorted((directory / f"{name}.d").rglob("*.log"))
    files += sorted((directory / f"{name}.d").rglob("journal.json"))
    for path in files:
        if path.is_file() and path.stat().st_size and path.suffix in MEDIA:
            kind = MEDIA[path.suffix]
            allure.attach.file(str(path), name=path.name, attachment_type=kind, extension=path.suffix.removeprefix("."))
