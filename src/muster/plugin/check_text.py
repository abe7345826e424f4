"""What checks found, for people, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muster.preflight import Finding, Report

WIDTH = 80
STATES = {"fine": "fine", "failed": "FAILED", "unknown": "unknown"}
HEAD = 2 + 9 + 17  # columns of what stands before the text


def lines(report: Report) -> Iterator[str]:
    """The report, a line each."""
    where = {"context": f"context '{report.context}'", "up": "the cluster of muster up", "none": "no cluster"}
    count = f"{len(report.drills)} drill{'s' * (len(report.drills) != 1)}"
    head = f"check: {report.system} in namespace '{report.namespace}', {where[report.asked]}, for {count}"
    yield from textwrap.wrap(head, WIDTH)
    for finding in report.checks:
        yield from _told(finding)
    yield f"{_counted(report.checks)}, {report.took_s:.1f} s"


def shortly(findings: Sequence[Finding]) -> Iterator[str]:
    """What is not fine, and how many are: for the beginning of a session."""
    yield f"check: {_counted(findings)}"
    for finding in findings:
        if finding.state != "fine":
            yield from _told(finding)


def _told(finding: Finding) -> Iterator[str]:
    head = f"  {STATES[finding.state]:<8} {finding.name:<17}"
    yield from textwrap.wrap(finding.seen, WIDTH, initial_indent=head, subsequent_indent=" " * HEAD)
    if finding.mend:
        yield from textwrap.wrap(f"-> {finding.mend}", WIDTH, initial_indent=" " * HEAD, subsequent_indent=" " * HEAD)


def _counted(findings: Sequence[Finding]) -> str:
    states = [finding.state for finding in findings]
    return ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)
