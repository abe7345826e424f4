"""Fill in a result of Allure's: labels to sort by, the description, the steps, the attachments."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from allure_commons.model2 import Label, Link, Parameter, StatusDetails, TestResult

from muster.report.allure.attachments import attachments_of
from muster.report.allure.describe import describe
from muster.report.allure.environment import source_url
from muster.report.allure.steps import VERDICTS, steps_of
from muster.report.allure.store import Store
from muster.report.allure.tale import Tale
from muster.report.failure import failure_message
from muster.verdict import DrillVerdict, Verdict

# Allure has five levels of its own; P1 is what stops a business.
SEVERITY = {"P1": "blocker", "P2": "critical", "P3": "normal", "P4": "minor"}
WHY_LENGTH = 90
GRADES = {"P1": "P1 critical", "P2": "P2 major", "P3": "P3 medium", "P4": "P4 minor"}


class Cause(StrEnum):
    """What a drill that is not met is to be blamed on; the report's categories go by it."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"
    HARNESS = "harness"  # an exception nobody foresaw, in the drill's body or in the harness
    NOT_RUN = "not run"

    @classmethod
    def of(cls, entry: DrillVerdict, *, harness: bool = False) -> Cause:
        """The cause by verdict; a fault of the harness makes nothing of a definite miss."""
        if harness and entry.verdict is not Verdict.MISSED:
            return cls.HARNESS
        return cls(entry.verdict.value)


def decorate(result: TestResult, tale: Tale, store: Store, *, cause: Cause, docstring: str = "") -> None:
    """Tell the drill in `result`, its files kept in `store`."""
    label(result, tale.entry, system=_system(tale), cause=cause)
    result.descriptionHtml = describe(tale.entry, tale.timeline_path.with_suffix(".svg"), docstring)
    result.description = None
    result.links += links_of(tale)
    result.steps += steps_of(tale)
    result.attachments += [store.keep(attachment) for attachment in attachments_of(tale)]


def label(result: TestResult, entry: DrillVerdict, *, system: str, cause: Cause) -> None:
    """Sort the drill into the report: by system, severity, evidence, verdict."""
    labels = {
        "severity": SEVERITY.get(entry.severity or "", "normal"),
        "epic": system,
        "feature": GRADES.get(entry.severity or "", "no severity"),
        "drill": entry.name,
        "cause": cause.value,
    }
    if (repetition := entry.repetition) is not None:
        # By its parameters Allure tells one test from another: without it repetitions would be attempts at one.
        told = Parameter(name="repetition", value=f"{repetition.number} of {repetition.total}")
        result.parameters = [old for old in result.parameters if old.name != told.name] + [told]
    # Told again where tearing down made something else of the drill.
    tagged = {tag.value for tag in result.labels if tag.name == "tag"}
    result.labels = [old for old in result.labels if old.name not in labels]
    result.labels += [Label(name=name, value=value) for name, value in labels.items()]
    tags = [entry.evidence, entry.cadence, f"recovered by {entry.recovered_by}" if entry.recovered_by else None]
    result.labels += [Label(name="tag", value=tag) for tag in tags if tag and tag not in tagged]


def conclude(result: TestResult, entry: DrillVerdict, *, trace: str | None = None) -> None:
    """Give the result the verdict's own status (met is passed, missed failed, unknown broken), and a name that says why
    in the list of all drills."""
    why = entry.why if len(entry.why) <= WHY_LENGTH else f"{entry.why[: WHY_LENGTH - 3]}..."
    result.name = f"{entry.name}: {why}"
    result.status = VERDICTS[entry.verdict]
    result.statusDetails = None
    if entry.verdict is not Verdict.MET:
        result.statusDetails = StatusDetails(message=failure_message(entry), trace=trace)


def links_of(tale: Tale) -> list[Link]:
    """To experiment and procedure as files of the repository, where that can be browsed; else they are attached."""
    path = tale.experiment_path
    url = source_url(path, tale.project) if path else None
    return [Link(type="link", url=url, name=f"experiment {path.stem}")] if path and url else []


def full_name(nodeid: str) -> str:
    """A test's name as allure-pytest writes it, which is what one run is compared with the next by."""
    path, *parts = nodeid.split("[", 1)[0].split("::")
    package = ".".join(Path(os.path.normpath(path)).with_suffix("").parts)
    *classes, test = parts or [""]
    return ".".join([package, *classes]) + f"#{test}"


def _system(tale: Tale) -> str:
    return tale.record.declared.system if tale.record else "unknown system"
