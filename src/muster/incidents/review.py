"""The review after an incident, as Markdown, of what is on record: nobody types again what was said once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from muster.base.texts import one_line
from muster.incidents.incident import ROLES, Entry, Incident, span

UNKNOWN = "not on record"
DOINGS = ("note", "recovery", "notice", "escalated", "resolved")
_MARKED = re.compile(r"([\\`*_{}\[\]#|!~>])")


@dataclass(frozen=True)
class Covering:
    """A drill that runs a procedure which was run in the incident: its latest verdict, and when that was (UTC)."""

    name: str
    procedure: str
    verdict: str
    at: str


def review(incident: Incident, entries: Sequence[Entry], drills: Iterable[Covering]) -> str:
    """The review. What is left to people is asked as a question, and what is on record stands there."""
    return "\n".join(_lines(incident, entries, list(drills))) + "\n"


def _lines(incident: Incident, entries: Sequence[Entry], drills: Sequence[Covering]) -> Iterator[str]:
    yield f"# Review of incident {incident.id}: {_words(incident.title)}"
    yield ""
    if incident.drill:
        yield f"**This was a drill** ({incident.drill}): nobody was hurt."
        yield ""
    yield from _facts(incident)
    yield from _times(incident)
    yield from _found(entries)
    yield from _done(entries)
    yield from _timeline(entries)
    yield from _covered(incident, entries, drills)
    yield from _questions()


def _facts(incident: Incident) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    yield f"| severity | {incident.severity} |"
    yield f"| system | {_words(incident.system)} on {_words(incident.cluster)} |"
    yield f"| state | {incident.state} |"
    yield f"| cause | {_words(incident.cause or UNKNOWN)} |"
    for role in ROLES:
        yield f"| {role} | {_words(getattr(incident, role) or UNKNOWN)} |"
    yield ""


def _times(incident: Incident) -> Iterator[str]:
    targets = incident.targets
    yield "## How long it took"
    yield ""
    yield "| | took | promised | |"
    yield "|---|---|---|---|"
    rows = (
        ("seen after it began", incident.seconds("began", "detected"), None),
        ("taken up after it was opened", incident.seconds("opened", "acknowledged"), targets.response_s or None),
        ("over after it began", incident.seconds("began", "resolved"), targets.rto_s),
    )
    for what, took_s, promised_s in rows:
        said = "" if took_s is None or promised_s is None else "kept" if took_s <= promised_s else "**not kept**"
        yield f"| {what} | {_span(took_s)} | {'' if promised_s is None else _span(promised_s)} | {said} |"
    if incident.began == incident.detected:
        yield ""
        yield "When it began was not told: it counts from its detection."
    yield ""


def _found(entries: Sequence[Entry]) -> Iterator[str]:
    """The causes that diagnoses named, each once, with the evidence of the last one that did."""
    causes: dict[str, list[str]] = {}
    for entry in entries:
        for finding in entry.data.get("findings", []) if entry.kind in {"diagnosis", "opened"} else []:
            if not finding.get("follows_from"):
                name = f"{finding.get('kind')}/{finding.get('name')}: {finding.get('reason')}"
                causes[name] = [str(line) for line in finding.get("evidence", [])]
    yield "## What was found"
    yield ""
    for name, evidence in causes.items():
        yield f"- {_words(name)}"
        yield from (f"  - {_words(line)}" for line in evidence)
    if not causes:
        yield "No diagnosis is on record."
    yield ""


def _done(entries: Sequence[Entry]) -> Iterator[str]:
    yield "## What was done"
    yield ""
    found = [entry for entry in entries if entry.kind in DOINGS]
    said = ((_time(entry.at), _words(entry.text), _words(f"{entry.by} on {entry.host}")) for entry in found)
    yield from (f"- {at} {what} ({who})" for at, what, who in said)
    if not found:
        yield "No procedure was run by muster, and nobody was told by it."
    yield ""


def _timeline(entries: Sequence[Entry]) -> Iterator[str]:
    yield "## Timeline"
    yield ""
    yield "| UTC | what | by |"
    yield "|---|---|---|"
    yield from (f"| {_time(entry.at)} | {_words(entry.text)} | {_words(entry.by)} |" for entry in entries)
    yield ""


def _covered(incident: Incident, entries: Sequence[Entry], drills: Sequence[Covering]) -> Iterator[str]:
    ran = list(
        dict.fromkeys(str(e.data["procedure"]) for e in entries if e.kind == "recovery" and "procedure" in e.data)
    )
    yield "## Is it rehearsed?"
    yield ""
    for procedure in ran:
        fitting = [drill for drill in drills if drill.procedure == procedure]
        for drill in fitting:
            yield f"- `{procedure}` is rehearsed by `{drill.name}`: {drill.verdict} at {_time(drill.at)}."
        if not fitting:
            yield f"- No drill that was held rehearses `{procedure}`: write one (docs/writing-a-drill.md)."
    if not ran:
        yield (
            f"No procedure was run, so no drill covers such an incident of {incident.system}: write a procedure "
            "(docs/recovery.md) and a drill that proves it (docs/writing-a-drill.md)."
        )
    yield ""


def _questions() -> Iterator[str]:
    yield "## To be answered by those who were there"
    yield ""
    yield "- What made it possible, and what made it last?"
    yield "- What went well, and where were we lucky?"
    yield "- What is done so that it does not come again, by whom, by when?"


def _span(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else span(seconds)


def _time(at: str) -> str:
    return at.replace("T", " ")[:19]


def _words(text: str) -> str:
    """What people or programs said, as Markdown that shows it and obeys nothing of it."""
    return _MARKED.sub(r"\\\1", one_line(text).replace("&", "&amp;").replace("<", "&lt;"))
