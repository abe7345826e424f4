"""The release: how far it is, its traffic, and who looks after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from muster.analysis.words import share
from muster.checks.seen import moment
from muster.dashboard.picture import Measured, Picture, ReleaseSeen
from muster.dashboard.rates import WINDOW_S
from muster.dashboard.view.text import (
    MARKS,
    Line,
    Panel,
    Piece,
    age_note,
    cut,
    doubted,
    duration,
    labelled,
    panel,
    trouble_lines,
    wrapped,
)
from muster.diagnosis.text import span
from muster.release.record import PHASES, Release

TITLE = "Release"
WRONG = ("holding", "frozen", "rolling back", "failed")
BAR = 20  # columns


def release_panel(picture: Picture, now: float, utc: datetime, width: int) -> Panel | None:
    """How the release is; None where there is no system to release."""
    sight = picture.release
    if sight is None:
        return None
    lines = [*trouble_lines(sight, width)]
    if sight.value is not None:
        seen = _lines(sight.value, picture, now, utc, width)
        lines += doubted(seen) if sight.is_old(now) else seen
    return panel(TITLE, lines, width, age_note(sight, now))


def _lines(seen: ReleaseSeen, picture: Picture, now: float, utc: datetime, width: int) -> Iterator[Line]:
    release = seen.release
    if release is None:
        yield (MARKS["fine"], Piece("none under way, and none was before"))
        return
    if release.is_over:
        ago = span((utc - moment(release.ended)).total_seconds())
        why = f": {release.why}" if release.why and release.state != "released" else ""
        mark = "finding" if release.state == "failed" else "fine"
        yield from wrapped(f"none under way; {release.version} {release.state} {ago} ago{why}", width, MARKS[mark])
        return
    yield from _head(release, seen.by, width)
    yield from _strip(release, width)
    yield from _bake(release, utc, width)
    yield from _traffic(release, picture, now, width)
    if release.state == "rolling back":
        yield from labelled("none", "in charge", f"{release.by} on {release.host}", width)
    else:
        by = seen.by or "NOBODY: muster deploy --continue goes on with it"
        yield from labelled("fine" if seen.by else "finding", "in charge", by, width)
    if release.wanted is not None:
        asked = release.wanted
        ago = span((utc - moment(asked.at)).total_seconds())
        why = f": {asked.why}" if asked.why else ""
        said = f"{asked.command} by {asked.by} {ago} ago, not heard yet{why}"
        yield from labelled("undecided", "asked for", said, width)


def _head(release: Release, by: str | None, width: int) -> Iterator[Line]:
    wrong = release.state in WRONG or by is None
    mark = "finding" if wrong else "undecided" if release.state == "paused" else "fine"
    what = f"  {release.version} of {release.system}"
    of = f" ({release.release})" if release.release != release.version else ""
    since = f", began {moment(release.began):%H:%M} UTC"
    yield cut((MARKS[mark], Piece(release.state.upper(), "strong"), Piece(f"{what}{of}{since}")), width)
    if release.why and release.state not in ("shifting", "baking"):
        yield from wrapped(release.why, width, Piece("  why: "), most=3)


def _strip(release: Release, width: int) -> Iterator[Line]:
    """The phases in a row: what is done, where it is, what comes."""
    place = PHASES.index(release.phase)
    pieces = [Piece("  ")]
    for number, phase in enumerate(PHASES[:-1]):
        if number < place:
            pieces.append(Piece(f"✓{phase}  ", "dim"))
        elif number == place:
            pieces.append(Piece(f"▶{phase.upper()}  ", "strong"))
        else:
            pieces.append(Piece(f"·{phase}  "))
    if sum(len(piece.text) for piece in pieces) <= width:
        yield tuple(pieces)
    else:
        yield from wrapped(f"phase {release.phase}", width, Piece("  "))


def _bake(release: Release, utc: datetime, width: int) -> Iterator[Line]:
    bake = release.bake
    if bake is None or bake.phase != release.phase:
        if release.step is not None:
            at = span((utc - moment(release.step.at)).total_seconds())
            detail = f", {release.step.detail}" if release.step.detail else ""
            yield from labelled("none", "step", f"{release.step.name}: {release.step.state}, {at} ago{detail}", width)
        return
    done = min(bake.baked_s / bake.limit_s, 1.0) if bake.limit_s else 1.0
    filled = round(done * BAR)
    bar = "█" * filled + "░" * (BAR - filled)
    left = duration(bake.left_s / release.time_scale)
    of = duration(bake.limit_s / release.time_scale)
    quick = f" (rehearsal, {release.time_scale:g} times as fast)" if release.time_scale != 1 else ""
    yield from labelled("none", "bake", f"{bar} {left} left of {of}{quick}", width)
    if bake.held_s:
        yield from labelled("undecided", "held", f"for {duration(bake.held_s / release.time_scale)}: {bake.why}", width)


def _traffic(release: Release, picture: Picture, now: float, width: int) -> Iterator[Line]:
    """Traffic by version: what is wanted, what the way of sharing makes of it, and what is seen."""
    told = release.share
    new = release.canary or release.version
    old = f"the old, {release.stable}" if release.stable else "the old version"
    way = f", by {told.way}" if told.way else ""
    text = f"{share(round(told.possible, 3))} to the new, {new}; {share(round(1 - told.possible, 3))} to {old}{way}"
    if abs(told.possible - told.wanted) >= 0.005:
        text += f" ({share(told.wanted)} was wanted)"
    yield from labelled("none", "traffic", text, width)
    mark, seen = _seen(picture, now)
    yield from labelled(mark, "  seen", seen, width)


def _seen(picture: Picture, now: float) -> tuple[str, str]:
    """Which share of requests the new version's pods are seen to have answered."""
    sight = picture.measured
    if sight is None:
        return "unknown", "unknown, as system.yaml names no metrics"
    if sight.is_old(now) or sight.value is None:
        return "unknown", "unknown, as pods do not tell what they count"
    counts = {side: _requests(sight.value, side) for side in ("stable", "canary")}
    if set(counts.values()) == {None}:
        return "unknown", "not counted twice yet"
    every = sum(count or 0.0 for count in counts.values())
    lacking = [why for side in sight.value.missing.values() for what, why in side.items() if what == "requests"]
    if lacking:
        return "unknown", f"unknown, as {lacking[0]}"
    if not every:
        return "unknown", f"no request in the last {WINDOW_S:.0f} s"
    return "none", f"{share(round((counts['canary'] or 0.0) / every, 3))} of the last {every:,.0f} requests to the new"


def _requests(measured: Measured, side: str) -> float | None:
    points = measured.over_time.get(side) or ()
    return points[-1].requests if points else None
