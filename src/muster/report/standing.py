"""What may be believed of a run: its summary as it was written, unless something says that it is not the run that was
asked for, or not as it was written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from muster.base.asked import LATEST, Asked, asked
from muster.report.gate import outcome
from muster.report.manifest import changed_since, file_changed_since, has_manifest
from muster.report.summary import SummaryModel, read_summary


def standing(report: Path) -> SummaryModel:
    """The summary of a run, fit for a gate. `report` is a file, the directory of a run, or `latest`, which means the
    run of the session that was asked for last: where that came to none, no older one stands for it.

    Raises:
        SummaryError: there is none, or it is none of a schema known here.
    """
    summary = read_summary(report)
    sessions = asked(report.parent) if report.name == LATEST and report.is_symlink() else []
    if sessions:
        return _older(summary, report, sessions)
    try:
        change = _changed(summary, report)
    except OSError as error:
        change = f"{error.filename} cannot be read: {error.strerror}"
    return summary if change is None else summary.doubted(change)


def _changed(summary: SummaryModel, report: Path) -> str | None:
    """What was changed since the run wrote it. A run that was killed wrote no digests, and no verdict but unknown."""
    run = report if report.is_dir() else report.parent
    if summary.finished is None and not has_manifest(run):
        return None
    return changed_since(run) or (None if report.is_dir() else file_changed_since(report))


def _older(summary: SummaryModel, report: Path, sessions: Sequence[Asked]) -> SummaryModel:
    """The summary of a session that came to no run, which says where the older one is."""
    last = sessions[-1]
    verdict, _ = outcome(summary)
    older = os.path.relpath(report.resolve())
    why = (
        f"the session begun {last.at} came to no run: {last.why}; the run before it was {verdict}, and stands for "
        f"itself alone: {older}"
    )
    kept = {name: getattr(summary, name) for name in ("system", "cluster", "evidence")}
    return SummaryModel(started=last.at, **kept).doubted(why)
