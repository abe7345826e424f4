"""`muster history releases`: what became of releases."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from muster.base.clock import utc
from muster.cli.noting import where
from muster.cli.shared import HISTORY

if TYPE_CHECKING:
    from muster.released import EventFacts, KeptRelease, LookFacts
    from muster.released.facts import SideFacts

WIDTH = 80


@click.command(short_help="What became of releases, and of one.")
@click.argument("identity", metavar="[ID]", required=False)
@click.option("--system", metavar="NAME", help="releases of that system")
@click.option("--cluster", metavar="NAME", help="releases on that cluster (a kube context, or 'embedded')")
@click.option("--evidence", type=click.Choice(["rehearsal", "cluster"]))
@click.option("--since", metavar="TIME", help="from then on, UTC: 2026-03-01, or so long ago: 36h, 30d, 8w, 1y")
@click.option("--until", metavar="TIME", help="before then")
@click.option("--last", metavar="N", type=click.IntRange(min=1), help="the newest N")
@HISTORY
@click.option("--json", "as_json_", is_flag=True, help="JSON; of one, with its looks")
def releases(
    *,
    identity: str | None,
    system: str | None,
    cluster: str | None,
    evidence: str | None,
    since: str | None,
    until: str | None,
    last: int | None,
    address: str | None,
    as_json_: bool,
) -> None:
    """What became of releases, the newest last: how each ended, why, and how long its way back took, from the decision
    until all traffic was seen on the old version.

    With ID (or `latest`) that one: what happened to it, and how each phase looked at its end.
    """
    from muster.history.query import read_moment
    from muster.released import Releases
    from muster.released.document import as_json, whole_json

    now = utc()
    with Releases.open(*where(address)) as kept:
        if identity is not None:
            found = kept.find(identity)
            events, looks = kept.events(found.id), kept.looks(found.id)
            content, lines = whole_json(found, events, looks), whole_lines(found, events, looks)
        else:
            some = kept.releases(
                system=system,
                cluster=cluster,
                evidence=evidence,
                since=read_moment(since, now) if since else None,
                until=read_moment(until, now) if until else None,
            )[-(last or 0) :]
            content, lines = as_json(some), list_lines(some)
    if as_json_:
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    for line in lines:
        click.echo(line)


def list_lines(some: Sequence[KeptRelease]) -> Iterator[str]:
    """Releases, a few lines each."""
    if not some:
        yield "no release in the history fits"
    for one in some:
        yield from release_lines(one)


def release_lines(one: KeptRelease) -> Iterator[str]:
    """How a release went: when, which version, how it ended, why, how long its way back took."""
    before = f" after {one.stable}" if one.stable else ""
    where_ = f"{one.cluster}, {one.evidence}" if one.cluster != one.evidence else one.cluster
    yield from _wrapped(f"{_day(one.began)}  {one.target}{before}: {_ended(one)}", 18)
    yield from _wrapped(f"{one.id} ({where_}), by {one.by} on {one.host}", 18, first=18)
    if one.why and one.state != "released":
        yield from _wrapped(f"why: {one.why}", 20, first=18)
    if (back := one.returned) is not None:
        parts = f"weights written {back['written_s']:.2f} s, in force {back['in_force_s']:.2f} s"
        doubt = f"; not seen: {back['doubt']}" if back["doubt"] else ""
        yield from _wrapped(
            f"back after {back['verified_s']:.2f} s: {parts}, seen {back['verified']}{doubt}", 20, first=18
        )


def whole_lines(one: KeptRelease, events: Sequence[EventFacts], looks: Sequence[LookFacts]) -> Iterator[str]:
    """One release with what happened to it, and each phase as it was seen last."""
    yield from release_lines(one)
    if one.roles:
        yield from _wrapped(f"roles: {', '.join(f'{role} {who}' for role, who in one.roles.items())}", 20, first=18)
    if events:
        yield ""
    for event in events:
        by = f" ({event.by})" if event.by else ""
        place = f"{event.phase} {event.share:.0%}" if event.phase else ""
        yield from _wrapped(f"{event.at[11:19]}  {place:<12} {event.what}{by}", 23)
    for number, look in enumerate({each.phase: each for each in looks}.values()):
        if not number:
            yield ""
            yield f"{'at the end of':<14}{'share':>6}  {'failed, old':>13}{'new':>13}  {'P95, old':>9}{'new':>9}"
        figures = f"{_errors(look.stable):>13}{_errors(look.canary):>13}  {_p95(look.stable):>9}{_p95(look.canary):>9}"
        yield f"{look.phase:<14}{look.share:>6.0%}  {figures}"


def _ended(one: KeptRelease) -> str:
    if one.state == "released":
        return f"released {_day(one.ended or one.told)}"
    share = f" at {one.share:.0%} of traffic" if one.share else ""
    return f"{one.state} in phase {one.phase}{share}" + ("" if one.ended else f", as of {_day(one.told)}")


def _errors(side: SideFacts) -> str:
    return "?" if side.requests is None or side.failed is None else f"{side.failed:.0f} of {side.requests:.0f}"


def _p95(side: SideFacts) -> str:
    return "?" if side.p95_s is None else f"{side.p95_s * 1000:.0f} ms"


def _day(stamp: str) -> str:
    return stamp[:16].replace("T", " ")


def _wrapped(text: str, indent: int, *, first: int = 0) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * first, subsequent_indent=" " * indent)
