"""What a reader may want to open beside a drill: picture, timeline, journal, figures, logs, events."""

from __future__ import annotations

import gzip
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from muster.base.errors import MusterError
from muster.recovery import find_procedure
from muster.report.allure.statistics import statistics_csv
from muster.report.allure.tale import Tale
from muster.verdict import Verdict

# File endings and the media types under which Allure shows them.
MEDIA = {
    ".svg": "image/svg+xml",
    ".csv": "text/csv",
    ".jsonl": "text/plain",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".log": "text/plain",
    ".txt": "text/plain",
    ".py": "text/plain",
}
LARGE = 256 * 1024  # bytes from which on content is compressed: one page carries all of it
EVENTS_SHOWN = 400


@dataclass(frozen=True)
class Attachment:
    """A file in the making; `suffix` with its dot."""

    name: str
    content: bytes
    suffix: str
    media: str


def attachments_of(tale: Tale) -> Iterator[Attachment]:
    """All of a drill's attachments, what is looked at first coming first. Empty and absent ones are left out."""
    made = [
        ("load statistics", statistics_csv(tale).encode(), ".csv"),
        ("events", "\n".join(events_of(tale)).encode(), ".txt"),
        ("verdict", tale.entry.model_dump_json(indent=2).encode(), ".json"),
    ]
    picture = tale.timeline_path.with_suffix(".svg")
    yield from _file(picture, "picture")
    yield from (packed(name, content, suffix) for name, content, suffix in made if content)
    yield from _file(tale.timeline_path, f"timeline {tale.entry.name}.jsonl")
    if (experiment := tale.experiment_path) is not None:
        yield from _file(experiment, f"experiment {experiment.name}")
    yield from _procedures(tale)
    for path in sorted(tale.work.rglob("*")):
        if path.name == "journal.json":
            yield from _file(path, "journal of the experiment")
        elif path.suffix == ".log" and (tale.entry.verdict is not Verdict.MET or "pods" not in path.parts):
            yield from _file(path, f"log {path.relative_to(tale.work)}")


def events_of(tale: Tale) -> list[str]:
    """What happened to pods and other objects, a line each: seconds since the injection, who, what."""
    zero = (tale.record.injected if tale.record else None) or tale.began
    lines = [
        f"{event['t'] - zero:+8.1f} s  pod {event.get('pod')}: {event.get('change')}"
        for event in tale.events
        if event["kind"] == "pod"
    ]
    try:
        told = (tale.work / "events.txt").read_text().splitlines()
    except OSError:
        told = []
    if told:
        lines += ["", "events of the namespace, as the cluster tells them:", *told]
    return lines[:EVENTS_SHOWN]


def packed(name: str, content: bytes, suffix: str) -> Attachment:
    """Content as it is, or compressed by gzip where it is large; its name then says so."""
    if len(content) <= LARGE:
        return Attachment(name, content, suffix, MEDIA.get(suffix, "text/plain"))
    small = gzip.compress(content, compresslevel=6, mtime=0)
    return Attachment(f"{name} (gzip: open with zcat)", small, f"{suffix}.gz", "application/gzip")


def _file(path: Path, name: str) -> Iterator[Attachment]:
    try:
        content = path.read_bytes()
    except OSError:
        return
    if content:
        yield packed(name, content, path.suffix)


def _procedures(tale: Tale) -> Iterator[Attachment]:
    """The source of each procedure that ran: what an operator would run on the night."""
    for name in sorted({recovery.procedure for recovery in (tale.record.recoveries if tale.record else [])}):
        try:
            procedure = find_procedure(name)
            source = inspect.getsourcefile(type(procedure))
        except (MusterError, TypeError):
            continue
        if source:
            yield from _file(Path(source), f"procedure {name}: {procedure.summary}")
