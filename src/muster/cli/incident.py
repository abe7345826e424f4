"""`muster incident` and `muster indicators`: what is wrong, who has it, what was done, and what that says over time."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.base.clock import utc
from muster.base.errors import MusterError, UsageError
from muster.cli.codes import FINDING, FINE, UNKNOWN
from muster.cli.completing import INCIDENTS
from muster.cli.noting import cluster_name, keep_snapshot, nothing_yet, where
from muster.cli.posting import post_for, post_of, send_now
from muster.cli.shared import CONTEXT, HISTORY, SYSTEM, definition_of, write_out

if TYPE_CHECKING:
    from muster.incidents import Book, Entry, Incident
    from muster.incidents.indicators import Indicator
    from muster.system import SystemDefinition

SEVERITY = click.Choice(["P1", "P2", "P3", "P4"], case_sensitive=False)
JSON = click.option("--json", "as_json", is_flag=True, help="as JSON")
WIDTH = 80
SAY = "say what is: muster incident open TITLE --severity P2"
WHICH = click.argument("identity", metavar="[ID]", default="latest", shell_complete=INCIDENTS)


@click.group(short_help="Open, follow and review incidents.")
def incident() -> None:
    """Open, acknowledge, note, resolve and review incidents. ID is that of one, or `latest`.

    What diagnose, recover and drills do while an incident of their system is open is noted there by themselves. Who is
    to be told is told at once, where channels are set up (muster notify channels).
    """


@incident.command("open")
@click.argument("title", nargs=-1)
@click.option("--severity", type=SEVERITY, help="default: that of the first finding")
@click.option("--began", metavar="TIME", help="when service was first hurt, UTC, or so long ago: 5m, 2h (default: now)")
@click.option("--from", "snapshot", type=click.Path(path_type=Path), metavar="FILE", help="a snapshot that was kept")
@CONTEXT
@SYSTEM
@HISTORY
@JSON
def open_(
    *,
    title: tuple[str, ...],
    severity: str | None,
    began: str | None,
    snapshot: Path | None,
    kube_context: str | None,
    system: Path | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Open an incident. Without a TITLE the system is diagnosed, and its first cause is the title."""
    definition = definition_of(system)
    if title and not " ".join(title).strip():
        raise UsageError(f"the title is empty; {SAY}")
    found = _diagnosed(kube_context, definition, snapshot) if not title or snapshot else None
    said, worst, cause, data = _of_diagnosis(found, " ".join(title), severity)
    with _book(address, create=True) as book:
        book.post, book.promises = post_of(definition), definition.promises
        opened, new = book.begin(
            system=definition.name,
            cluster=cluster_name(kube_context),
            severity=worst,
            title=said,
            cause=cause,
            began=_moment(began),
            data=data,
        )
        if not as_json:
            said = "opened" if new else "noted, as it is open already,"
            click.echo(f"{said} {opened.id} {opened.severity}: {opened.title}")
            targets = opened.targets
            click.echo(f"  answer {targets.response}; RTO {targets.rto_s / 60:g} min, RPO {targets.rpo_s / 60:g} min")
            for other in book.incidents(system=definition.name, unresolved=True) if new else ():
                if other.id != opened.id:
                    click.echo(f"  open besides: {_line(other)}")
        if new and not book.post.routes:
            click.echo("muster: nobody is told: there is no channel (muster notify channels)", err=True)
        _send(address, book)
        if as_json:
            _print_whole(opened, book.entries(opened.id))


@incident.command()
@WHICH
@HISTORY
def ack(identity: str, address: str | None) -> None:
    """Say that you have taken it up."""
    with _telling(address, identity) as book:
        found, new = book.acknowledge(identity)
        said = "acknowledged" if new else f"was acknowledged at {found.acknowledged} by {found.technical}"
        click.echo(f"{found.id} {said}")


@incident.command()
@WHICH
@click.argument("text", nargs=-1, required=True)
@HISTORY
def note(identity: str, text: tuple[str, ...], address: str | None) -> None:
    """Note something: muster incident note latest TEXT."""
    with _book(address) as book:
        found = book.note(identity, " ".join(text))
    click.echo(f"{found.id} noted")


@incident.command()
@WHICH
@click.argument("role", type=click.Choice(["commander", "technical", "business"]))
@click.argument("person", nargs=-1, required=True)
@HISTORY
def assign(identity: str, role: str, person: tuple[str, ...], address: str | None) -> None:
    """Give a role to somebody: commander (decides), technical (mends), business (speaks with all others)."""
    with _book(address) as book:
        found = book.assign(identity, role, " ".join(person))
    click.echo(f"{found.id} {role}: {getattr(found, role)}")


@incident.command()
@WHICH
@click.argument("severity", type=SEVERITY)
@click.argument("why", nargs=-1, required=True)
@HISTORY
def grade(identity: str, severity: str, why: tuple[str, ...], address: str | None) -> None:
    """Give it another severity, and say why."""
    with _telling(address, identity) as book:
        found = book.grade(identity, severity, " ".join(why))
        click.echo(f"{found.id} is {found.severity} now")


@incident.command()
@WHICH
@click.argument("why", nargs=-1, required=True)
@HISTORY
def resolve(identity: str, why: tuple[str, ...], address: str | None) -> None:
    """Say that service is back, and how."""
    from muster.incidents.incident import span

    with _telling(address, identity) as book:
        found = book.resolve(identity, " ".join(why))
        lasted = found.seconds("began", "resolved") or 0.0
        kept = "within" if lasted <= found.targets.rto_s else "NOT within"
        click.echo(f"{found.id} resolved after {span(lasted)}, {kept} its RTO of {span(found.targets.rto_s)}")
        click.echo(f"  review it: muster incident review {found.id}")


@incident.command("list")
@click.option("--all", "everything", is_flag=True, help="those that are resolved, too")
@HISTORY
@JSON
def list_(*, everything: bool, address: str | None, as_json: bool) -> None:
    """List the incidents that are not resolved, and who is to be asked next; exit 1 if there is any."""
    from muster.incidents.escalation import overdue
    from muster.store.errors import NoHistoryError

    try:
        with _book(address) as book:
            found = book.incidents(unresolved=not everything)
            waiting = {one.id: overdue(one, book.entries(one.id), utc()) for one in found}
    except NoHistoryError:
        if not nothing_yet(address):
            raise
        found, waiting = [], {}
    if as_json:
        _print({"schema": "muster/incidents/v1", "incidents": [_told(one) for one in found]})
    elif not found:
        click.echo("no incident is on record" if everything else "no incident is open")
    else:
        for one in found:
            click.echo(_line(one))
            for step in waiting[one.id]:
                said = f"ask the {step.role}: {step.why}"
                click.echo(textwrap.fill(said, WIDTH, initial_indent="    ", subsequent_indent="      "))
    sys.exit(FINDING if any(one.resolved is None for one in found) else FINE)


@incident.command()
@WHICH
@HISTORY
@JSON
def show(identity: str, address: str | None, *, as_json: bool) -> None:
    """Show an incident with everything that is on record of it."""
    with _book(address) as book:
        found = book.find(identity)
        entries = book.entries(found.id)
    if as_json:
        _print_whole(found, entries)
        return
    click.echo(_line(found))
    for role in ("commander", "technical", "business"):
        if person := getattr(found, role):
            click.echo(f"  {role}: {person}")
    for entry in entries:
        click.echo(f"  {entry.at[:19].replace('T', ' ')}  {entry.text}  ({entry.by})")


@incident.command()
@WHICH
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="write it there instead of printing it")
@HISTORY
def review(identity: str, out: Path | None, address: str | None) -> None:
    """Write the review of an incident, as Markdown, of what is on record."""
    from muster.incidents.review import review as reviewed

    with _book(address) as book:
        found = book.find(identity)
        entries = book.entries(found.id)
    text = reviewed(found, entries, _covering(address, found, entries))
    if out is None:
        click.echo(text, nl=False)
        return
    write_out(out, text)
    click.echo(f"review: {out}")


@click.command(short_help="How soon incidents are seen, taken up and over.")
@click.option("--since", default="90d", show_default=True, metavar="TIME", help="UTC, or so long ago: 36h, 30d, 1y")
@click.option("--until", metavar="TIME", help="before then (default: now)")
@SYSTEM
@HISTORY
@JSON
def indicators(*, since: str, until: str | None, system: Path | None, address: str | None, as_json: bool) -> None:
    """MTTD, MTTA, MTTR, MTBF, availability and recovery success over a time, against what is promised; and releases:
    how many were rolled back, how soon, and how many incidents that prevented.

    Exit code: 0 all that is known is met, 1 something is missed, 2 nothing is known.
    """
    from muster.history import History
    from muster.history.query import Filters, read_moment
    from muster.incidents.indicators import indicators as computed
    from muster.incidents.indicators import watched_since
    from muster.released import Releases
    from muster.released.indicators import release_indicators

    name, now = definition_of(system).name, utc()
    first, last = read_moment(since, now), read_moment(until, now) if until else now
    if first >= last:
        raise UsageError(f"--since {since} is not before {until or 'now'}")
    store = where(address)
    with _book(address) as book, History.open(*store) as held, Releases.open(*store) as kept:
        releases = kept.releases(system=name, since=first, until=last)
        told = release_indicators(releases, kept.looks)
        drills = held.drills(Filters(system=name, since=first, until=last))
        incidents = book.incidents(system=name)
        first = watched_since(first, incidents, (drill.at for drill in held.drills(Filters(system=name))))
        found = [*computed(incidents, [drill.verdict for drill in drills], first, last), *told]
    if as_json:
        said = [{**asdict(one), "verdict": one.verdict} for one in found]
        period = {"since": first.isoformat(), "until": last.isoformat()}
        _print({"schema": "muster/indicators/v1", "system": name, **period, "indicators": said})
    else:
        for one in found:
            click.echo(_figure(one))
    verdicts = {one.verdict for one in found}
    sys.exit(FINDING if "missed" in verdicts else FINE if "met" in verdicts else UNKNOWN)


def _book(address: str | None, *, create: bool = False) -> Book:
    from muster.incidents import Book

    return Book.open(*where(address), create=create)


@contextmanager
def _telling(address: str | None, identity: str) -> Iterator[Book]:
    """The incidents, where what is done of this one is told to people: at once, as far as that goes."""
    with _book(address) as book:
        book.post = post_for(book.find(identity).system)
        yield book
        _send(address, book)


def _send(address: str | None, book: Book) -> None:
    if book.post is not None:
        send_now(address, book.post, book.troubles)


def _moment(text: str | None) -> str | None:
    from muster.history.query import read_moment

    if text is None:
        return None
    return read_moment(text, utc()).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _diagnosed(kube_context: str | None, definition: SystemDefinition, snapshot: Path | None) -> dict[str, Any]:
    from muster.cli.diagnose import gathered
    from muster.diagnosis import diagnose
    from muster.snapshot import read_snapshot
    from muster.snapshot.gather import WITHIN_S

    if snapshot is not None:
        return {**diagnose(read_snapshot(snapshot, None)).to_json(), "snapshot": str(snapshot.resolve())}
    try:
        taken = gathered(kube_context, definition, None, WITHIN_S)
    except MusterError as error:
        raise UsageError(f"the system cannot be looked at ({error}); {SAY}") from error
    return {**diagnose(taken).to_json(), "snapshot": keep_snapshot(taken)}


def _of_diagnosis(
    found: Mapping[str, Any] | None, title: str, severity: str | None
) -> tuple[str, str, str | None, dict[str, Any] | None]:
    """Title, severity, cause and what is kept, of what is said and of what was found."""
    findings = found["findings"] if found else []
    first = findings[0] if findings else None
    if first is None:
        if not title and found and found["unknown"]:
            what = "; ".join(f"{one['what']}: {one['why']}" for one in found["unknown"][:2])
            raise UsageError(f"it cannot be seen whether anything is wrong ({what}); {SAY}")
        if not title:
            raise UsageError(f"nothing is found to be wrong; {SAY}")
        if severity is None:
            raise UsageError("how severe is it? right would be --severity P1, P2, P3 or P4")
        return title, severity, None, dict(found) if found else None
    named = f"{first['kind']}/{first['name']}"
    return title or f"{named}: {first['reason']}", severity or first["severity"], named, dict(found or {})


def _covering(address: str | None, found: Incident, entries: list[Entry]) -> list[Any]:
    """The latest run of each drill that runs a procedure which was run in the incident."""
    from muster.history import History
    from muster.history.query import Filters
    from muster.incidents.review import Covering

    ran = {str(entry.data["procedure"]) for entry in entries if "procedure" in entry.data}
    with History.open(*where(address)) as held:
        drills = held.drills(Filters(system=found.system))
    latest = {drill.name: drill for drill in drills if drill.procedure in ran}
    return [Covering(one.name, str(one.procedure), one.verdict, one.at) for one in latest.values()]


def _told(found: Incident) -> dict[str, Any]:
    return {**asdict(found), "state": found.state}


def _print_whole(found: Incident, entries: list[Entry]) -> None:
    _print({"schema": "muster/incident/v1", **_told(found), "entries": [asdict(one) for one in entries]})


def _line(found: Incident) -> str:
    by = f", {found.technical} has it" if found.technical and not found.resolved else ""
    drill = f" [drill {found.drill}]" if found.drill else ""
    return f"{found.id}  {found.severity}  {found.state}{by}: {found.title}{drill}"


def _figure(one: Indicator) -> str:
    sign = {"met": "✓", "missed": "✗", "unknown": "?"}[one.verdict]
    value = "nothing on record" if one.value is None else one.in_unit(one.value)
    target = "" if one.target is None else f"wanted {'<' if one.better == 'below' else '>='} {one.in_unit(one.target)}"
    sure = "" if one.bound is None else f", > {one.bound:.1%} with 95 % confidence"
    return f"{sign} {one.name:<17} {value:>17}  {target:<18} of {one.of}\n    {one.what}{sure}"


def _print(content: Mapping[str, Any]) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))
