"""The description at the top of a drill's page: the lines for people, the picture, the objectives as a table."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape
from pathlib import Path

from muster.report.colours import OF_VERDICT
from muster.report.failure import failure_message
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.conclusion.words import lost_line, rpo_line, rto_figure

_CELL = 'style="padding:4px 12px 4px 0;text-align:left;vertical-align:top"'


def describe(entry: DrillVerdict, picture: Path, docstring: str = "") -> str:
    """HTML that needs nothing beside itself. The picture is left out where there is none."""
    parts = [f"<p>{escape(docstring)}</p>"] if docstring else []
    first, *rest = failure_message(entry).splitlines()
    if entry.verdict is Verdict.MET:  # Allure shows the message of any other verdict on top of the page
        parts.append(f'<p><b style="color:{OF_VERDICT[entry.verdict]}">{escape(first)}</b><br/>{_lines(rest)}</p>')
    parts.append(_image(picture, f"{entry.name}: {entry.verdict}"))
    parts.append(_table(entry))
    evidence = "only timings of a real cluster prove an RTO" if entry.evidence == "rehearsal" else ""
    parts.append(f"<p>evidence: {escape(entry.evidence or 'none')}{f' ({evidence})' if evidence else ''}</p>")
    return "\n".join(part for part in parts if part)


def _lines(lines: list[str]) -> str:
    return "<br/>".join(escape(line) for line in lines)


def _image(picture: Path, words: str) -> str:
    try:
        content = picture.read_bytes()
    except OSError:
        return ""
    source = f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"
    return f'<p><img src="{source}" alt="{escape(words, quote=True)}" style="width:100%;max-width:1200px"/></p>'


def _table(entry: DrillVerdict) -> str:
    rows = list(_objectives(entry))
    if not rows:
        return ""
    head = "".join(f"<th {_CELL}>{name}</th>" for name in ("objective", "wanted", "measured", "verdict"))
    body = "".join(_row(objective, wanted, measured, verdict) for objective, wanted, measured, verdict in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(objective: str, wanted: str, measured: str, verdict: Verdict | None) -> str:
    word = "not required" if verdict is None else str(verdict)
    colour = f' style="color:{OF_VERDICT[verdict]}"' if verdict is not None else ""
    cells = "".join(f"<td {_CELL}>{escape(text)}</td>" for text in (objective, wanted, measured))
    return f"<tr>{cells}<td {_CELL}><b{colour}>{word}</b></td></tr>"


def _objectives(entry: DrillVerdict) -> Iterator[tuple[str, str, str, Verdict | None]]:
    rto, rpo, detection = entry.rto, entry.rpo, entry.detection
    figure = rto_figure(rto)
    if rto.budget_s is not None:
        yield "RTO, this drill's budget", f"<= {rto.budget_s:g} s", figure, rto.budget_verdict
    if rto.target_s is not None:
        yield f"RTO of {entry.severity}", f"<= {rto.target_s:g} s", figure, rto.target_verdict
    if rpo.target_s is not None:
        yield f"RPO of {entry.severity}", f"<= {rpo.target_s:g} s", rpo_line(entry), rpo.target_verdict
    if rpo.max_lost_writes is not None:
        yield "acknowledged writes lost", f"<= {rpo.max_lost_writes}", lost_line(entry), rpo.lost_verdict
    if detection.target_s is not None or detection.value_s is not None:
        seen = "no alert seen" if detection.value_s is None else f"{detection.value_s:.2f} s by {detection.by}"
        wanted = "" if detection.target_s is None else f"<= {detection.target_s:g} s"
        yield "detection", wanted, seen, detection.verdict
    for slo in entry.slo:
        value = "unmeasured" if slo.value is None else f"{slo.value:.4g} ({slo.samples} samples)"
        sign = "<=" if slo.bounded_above else ">="
        yield f"{slo.name.replace('_', ' ')}, {slo.window}", f"{sign} {slo.target:g}", value, slo.verdict
