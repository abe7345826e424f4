"""The system's parts, the resources of its workloads, what has happened lately, and open incidents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from muster.base.quantities import amount, bytes_text
from muster.checks.seen import Seen, event_time, finished, is_ready, moment
from muster.dashboard.picture import Picture
from muster.dashboard.view.text import (
    MARKS,
    Line,
    Panel,
    Piece,
    age_note,
    cut,
    doubted,
    labelled,
    panel,
    trouble_lines,
    wrapped,
)
from muster.diagnosis.text import command_of, span
from muster.snapshot import Object
from muster.status import Glance, Shown
from muster.status.glance import Workload

MOST_EVENTS = 8
MOST_WORKLOADS = 12
LATELY_S = 3600.0


def system_panel(picture: Picture, now: float, width: int, options: str = "", *, short: bool = False) -> Panel:
    """Each part of the system; of one that is not seen now, how it was. `short` has what is fine on one line."""
    sight = picture.glance
    lines = [*trouble_lines(sight, width)]
    if sight.value is not None:
        seen: list[Line] = []
        parts = [part for part in sight.value.parts if part.name != "release"]  # which has a panel of its own
        for part in parts:
            if part.state != "fine" or not short:
                seen += _part(part, picture.known.get(part.name), now, width)
        if short and (fine := [part.name for part in parts if part.state == "fine"]):
            seen += wrapped(f"fine: {', '.join(fine)}", width, MARKS["fine"])
        causes = sight.value.diagnosis.causes
        if causes and (command := command_of(causes[0], options)):
            seen.append(cut((Piece(f"  $ {command}", "strong"),), width))
        lines += doubted(seen) if sight.is_old(now) else seen
    return panel("System", lines, width, age_note(sight, now))


def _part(part: Shown, known: tuple[Shown, float] | None, now: float, width: int) -> list[Line]:
    if part.state != "unknown" or known is None:
        return labelled(part.state, part.name, part.says, width)
    before, at = known
    return labelled("unknown", part.name, f"{part.says}; {span(now - at)} ago: {before.says}", width, most=3)


def resources_panel(picture: Picture, now: float, width: int) -> Panel | None:
    """Pods that are ready, and what they use of their limits, by workload; None before anything was seen."""
    sight = picture.glance
    if sight.value is None:
        return None
    seen = list(_resources(sight.value, width))
    return panel("Resources", doubted(seen) if sight.is_old(now) else seen, width, age_note(sight, now))


def _resources(glance: Glance, width: int) -> Iterator[Line]:
    missing = {one.what: one.why for one in glance.snapshot.missing}
    if why := missing.get("Pod") or missing.get("Deployment"):
        yield from wrapped(f"pods not seen: {why}", width, MARKS["unknown"])
    metrics = (glance.snapshot.answers.get("metrics") or {}).get("pods")
    if metrics is None:
        why = missing.get("metrics of pods") or "this cluster does not serve metrics.k8s.io"
        yield from wrapped(f"cpu and memory not seen: {why}", width, MARKS["unknown"])
    used = {one["metadata"]["name"]: one for one in metrics or []}
    index = Seen(glance.snapshot)
    shown = sorted(glance.workloads, key=lambda one: (one.ready >= one.wanted, one.ref.name))
    wide = max((len(one.ref.name) for one in shown[:MOST_WORKLOADS]), default=0)
    for one in shown[:MOST_WORKLOADS]:
        mark = "finding" if one.ready < one.wanted else "fine"
        pods = [pod for pod in index.pods_of(one.ref) if not finished(pod)]
        head = (MARKS[mark], Piece(f"{one.ref.name:<{wide}}  {_ready(one):<10}"))
        yield cut((*head, Piece(_used(pods, used) if metrics is not None else "")), width)
    if len(shown) > MOST_WORKLOADS:
        yield (Piece(f"  and {len(shown) - MOST_WORKLOADS} more workloads", "dim"),)


def _ready(one: Workload) -> str:
    return f"{one.ready} of {one.wanted}"


def _used(pods: list[Object], used: Mapping[str, Object]) -> str:
    """What the pods of a workload use together, and the largest share of its limit that one of them does."""
    told = []
    for kind, said in (("cpu", lambda value: f"{value:.2f}"), ("memory", bytes_text)):
        values = [_amount(used[name], kind) for pod in pods if (name := pod["metadata"]["name"]) in used]
        if not values and any(map(is_ready, pods)):
            told.append(f"{kind} ?")
            continue
        shares = [share for pod in pods if (share := _share(pod, used.get(pod["metadata"]["name"]), kind)) is not None]
        most = f" ({max(shares):.0%} of a limit)" if shares else ""
        told.append(f"{kind} {said(sum(values))}{most}")
    return "  ".join(told)


def _amount(usage: Object, kind: str) -> float:
    return sum(amount((one.get("usage") or {}).get(kind)) for one in usage.get("containers") or [])


def _share(pod: Object, usage: Object | None, kind: str) -> float | None:
    """The largest share of its limit that a container uses; None where none has a limit, or nothing is known."""
    limits = {one["name"]: _limit(one, kind) for one in (pod.get("spec") or {}).get("containers") or []}
    shares = [
        amount((one.get("usage") or {}).get(kind)) / limit
        for one in (usage or {}).get("containers") or []
        if (limit := limits.get(one["name"]))
    ]
    return max(shares, default=None)


def _limit(container: Mapping[str, Any], kind: str) -> float:
    return amount(((container.get("resources") or {}).get("limits") or {}).get(kind))


def events_panel(picture: Picture, now: float, utc: datetime, width: int) -> Panel | None:
    """What has happened in the last hour: to the release, and what the cluster warns of; the newest first."""
    sight = picture.glance
    if sight.value is None:
        return None
    found = sorted({*_of_release(picture), *_warnings(sight.value)}, reverse=True)
    late = [one for one in found if (utc - moment(one[0])).total_seconds() <= LATELY_S]
    lines: list[Line] = []
    why = next((one.why for one in sight.value.snapshot.missing if one.what == "Event"), "")
    if why:
        lines += wrapped(f"events of the cluster not seen: {why}", width, MARKS["unknown"])
    for at, text in late[:MOST_EVENTS]:
        lines += wrapped(text, width, Piece(f"{moment(at):%H:%M:%S} ", "dim"))
    if not late and not why:
        lines.append((Piece("  nothing in the last hour", "dim"),))
    return panel("Events (UTC)", lines, width, age_note(sight, now))


def _of_release(picture: Picture) -> Iterator[tuple[str, str]]:
    seen = picture.release.value if picture.release is not None else None
    for one in seen.release.events if seen is not None and seen.release is not None else ():
        yield one.at, f"release: {one.what}{f' ({one.by})' if one.by else ''}"


def _warnings(glance: Glance) -> Iterator[tuple[str, str]]:
    for event in Seen(glance.snapshot).of("Event"):
        if event.get("type") == "Warning":
            about = event.get("involvedObject") or {}
            text = f"{about.get('kind')} {about.get('name')}: {event.get('reason')}: {event.get('message')}"
            yield event_time(event), " ".join(text.split())


def incidents_panel(picture: Picture, now: float, utc: datetime, width: int) -> Panel | None:
    """Incidents that are open; None where nobody keeps a store."""
    sight = picture.incidents
    if sight is None:
        return None
    lines = [*trouble_lines(sight, width)]
    for one in sight.value or ():
        since = span((utc - moment(one.opened)).total_seconds())
        lines += wrapped(f"{one.id} {one.severity} {one.state}, since {since}: {one.title}", width, MARKS["finding"])
    if sight.value == () and not sight.is_old(now):
        lines.append((MARKS["fine"], Piece("none open")))
    return panel("Incidents", lines, width, age_note(sight, now))
