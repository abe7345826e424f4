"""`muster scorecard`: one page for whoever answers for the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.base.clock import utc
from muster.base.errors import UsageError
from muster.cli.noting import nothing_yet, where
from muster.cli.shared import HISTORY, PLAN, planned_drills, write_out

if TYPE_CHECKING:
    from datetime import datetime

    from muster.history.facts import DrillFacts
    from muster.history.plan import Planned
    from muster.incidents import Entry, Incident
    from muster.incidents.indicators import Indicator
    from muster.scorecard import Scorecard
    from muster.scorecard.content import ReleaseStory

FILE = "scorecard.html"
RELEASES_SHOWN = 10  # the latest


@click.command(short_help="One page: what is proven, overdue and open.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help=f"default: {FILE} in reports/")
@click.option(
    "--since", metavar="TIME", default="1y", show_default=True, help="from then on, UTC: 2026-03-01, or 30d, 8w, 1y ago"
)
@click.option("--system", metavar="NAME", help="drills and incidents of that system alone")
@PLAN
@HISTORY
@click.option("--json", "as_json", is_flag=True, help="the same as JSON, printed; no page is written")
def scorecard(
    *, out: Path | None, since: str, system: str | None, plan: Path | None, address: str | None, as_json: bool
) -> None:
    """Write one HTML file that needs no server: the last runs, each drill's RTO against its budget over time, which
    fault is mended by which procedure and how old the proof is, what is overdue, the latest releases, indicators, open
    incidents.

    Rehearsals and drills on a cluster are told apart throughout. The page is replaced as a whole.
    """
    from muster.cli.project import find_project
    from muster.history.query import read_moment

    now = utc()
    first = read_moment(since, now)
    if first >= now:
        raise UsageError(f"--since {since} is not before now")
    card = _card(planned_drills(plan), address, system, first, now)
    if as_json:
        import orjson

        click.echo(orjson.dumps(_document(card), option=orjson.OPT_INDENT_2))
        return
    from muster.scorecard import page

    path = out
    if path is None:
        path = find_project(Path.cwd()).reports / FILE
        path.parent.mkdir(exist_ok=True)
    write_out(path, page(card))
    click.echo(f"scorecard: {path}")


def _card(
    planned: dict[str, Planned], address: str | None, system: str | None, since: datetime, now: datetime
) -> Scorecard:
    from muster.history.overview import overview
    from muster.scorecard import scorecard as made

    held, open_, figures, stories = _told(address, system, since, now)
    histories = overview(held, {}, planned or None, now)
    return made(
        histories,
        planned,
        indicators=figures,
        incidents=open_,
        releases=stories,
        since=since,
        now=now,
        system=system,
    )


def _told(
    address: str | None, system: str | None, since: datetime, now: datetime
) -> tuple[list[DrillFacts], list[tuple[Incident, list[Entry]]], list[Indicator], list[ReleaseStory]]:
    """Drills, incidents with their entries, indicators, and the latest releases; nothing where the project has begun no
    history."""
    from muster.history import History
    from muster.history.query import Filters, stamp
    from muster.incidents import Book
    from muster.incidents.indicators import indicators, watched_since
    from muster.released import Releases
    from muster.released.indicators import release_indicators
    from muster.scorecard.content import ReleaseStory
    from muster.store.errors import NoHistoryError

    store = where(address)
    try:
        with History.open(*store) as history, Book.open(*store) as book, Releases.open(*store) as kept:
            releases = kept.releases(system=system, since=since)
            of_releases = release_indicators(releases, kept.looks)
            stories = [ReleaseStory(one, tuple(kept.looks(one.id))) for one in releases[-RELEASES_SHOWN:]]
            drills = history.drills(Filters(system=system))
            incidents = book.incidents(system=system)
            entries = [(one, book.entries(one.id)) for one in incidents if one.resolved is None]
    except NoHistoryError:
        if not nothing_yet(address):
            raise
        drills, incidents, entries, releases, of_releases, stories = [], [], [], [], [], []
    known = {one.system for some in (drills, incidents, releases) for one in some}
    if system is not None and system not in known:
        raise UsageError(f"nothing of system '{system}' is on record")
    since = watched_since(since, incidents, (drill.at for drill in drills))
    of_late = [drill.verdict for drill in drills if drill.at >= stamp(since)]
    return drills, entries, [*indicators(incidents, of_late, since, now), *of_releases], stories


def _document(card: Scorecard) -> dict[str, Any]:
    from muster.scorecard.document import as_json

    return as_json(card)
