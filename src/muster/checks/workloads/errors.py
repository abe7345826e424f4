"""What programs log as errors, grouped by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator

from muster.checks.check import Finding, Harm
from muster.checks.pods.words import grouped
from muster.checks.seen import Seen, finished
from muster.snapshot import Ref

LEAST, SHARE = 20, 0.8  # lines, and of all the last ones: a program that says nothing else any more
TWICE = 2  # an error that was said once is not said again and again
# Lines that call themselves errors: by their level, as exceptions are written, as programs end.
_ERROR = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL|SEVERE|EMERG|PANIC)\b|\"(?:level|severity|lvl)\": ?\"(?:error|fatal|critical)\""
    r"|\b(?:level|lvl|severity)=(?:error|fatal|crit)|^(?:\w+\.)*\w+(?:Exception|Error): |^panic: |^E\d{4} \d\d:"
)


def errors_of(seen: Seen, workload: Ref) -> tuple[list[tuple[str, int, str]], int]:
    """The errors that the programs of a workload logged last, the most frequent first (pattern, how often, the latest
    line), and how many lines they logged at all."""
    lines = [
        line
        for pod in seen.pods_of(workload)
        if not finished(pod)
        for status in (pod.get("status") or {}).get("containerStatuses") or []
        for line in seen.log(pod, status["name"])
    ]
    return grouped(line for line in lines if _ERROR.search(line)), len(lines)


def logs(seen: Seen) -> Iterator[Finding]:
    """Workloads whose programs log one error and hardly anything else."""
    for workload, _ in sorted(seen.workloads_with_pods):
        errors, lines = errors_of(seen, workload)
        if errors and errors[0][1] >= max(LEAST, SHARE * lines):
            _, count, latest = errors[0]
            text = f"logs one error and hardly anything else: {latest}"
            yield Finding(workload, text, Harm.NONE, evidence=(f"{count} of its last {lines} lines",), open_cause=True)


def errors_said(seen: Seen, workload: Ref) -> tuple[str, ...]:
    """The errors that a workload logged again and again, as evidence: a line each."""
    return tuple(
        f"log, {count} times: {latest}" for _, count, latest in errors_of(seen, workload)[0][:2] if count >= TWICE
    )
