"""`muster notify`: whom people are told by, what is on its way to them, and what they are told."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.base.clock import utc, utc_iso
from muster.base.errors import UsageError
from muster.cli.codes import FINDING, FINE
from muster.cli.completing import CHANNELS, INCIDENTS, LANGUAGES, TEMPLATES
from muster.cli.notify.printing import (
    add,
    by_notice,
    end,
    nothing,
    plan_flush,
    print_json,
    print_planned,
    show,
    told_of,
)
from muster.cli.noting import nothing_yet, where
from muster.cli.posting import delivered, post_for, post_of, posts
from muster.cli.shared import HISTORY, SYSTEM, definition_if_any

if TYPE_CHECKING:
    from muster.incidents import Incident
    from muster.notices import Notice, Post

JSON = click.option("--json", "as_json", is_flag=True, help="as JSON")
PLAN = click.option("--plan", is_flag=True, help="say what it would do, and send nothing")
WITHIN = click.option(
    "--within",
    "within_s",
    type=click.FloatRange(0.1, 600),
    default=30.0,
    show_default=True,
    metavar="S",
    help="seconds",
)
INCIDENT = click.option(
    "--incident", "identity", metavar="ID", default="latest", show_default=True, shell_complete=INCIDENTS
)
FIELDS = click.option("--set", "said", metavar="NAME=VALUE", multiple=True, help="a field for the template")
STATE = click.Choice(["trigger", "acknowledge", "resolve"])
KNOWN_DAYS = 7  # for which what could not be told is shown
LATEST = 100


@click.group(short_help="Tell people: channels, templates, what is on its way.")
def notify() -> None:
    """Tell people. Channels are addresses in the environment, MUSTER_NOTICES_<NAME>; docs/notices.md has them all."""


@notify.command(short_help="Send a test to each channel.")
@click.argument("names", nargs=-1, metavar="[CHANNEL]...", shell_complete=CHANNELS)
@SYSTEM
@HISTORY
@WITHIN
@PLAN
@JSON
def test(
    names: tuple[str, ...], *, system: Path | None, address: str | None, within_s: float, plan: bool, as_json: bool
) -> None:
    """Send a test to each CHANNEL, by default to all that have an address here; exit 1 if one does not take it, 2 if
    one has not answered within S seconds."""
    from muster.notices import Outbox
    from muster.notices.trying import addressed, notice_of_test, try_channels
    from muster.safety.audit.origin import host, who

    definition = definition_if_any(system)
    post = addressed(post_of(definition), names)
    notice = notice_of_test("muster" if definition is None else definition.name, who=who(), host=host())
    if plan:
        print_planned(post, notice, as_json=as_json)
        return
    with Outbox.open(*where(address), create=True) as outbox:
        found, waiting = try_channels(outbox, post, notice, lambda one: delivered(address, one, within_s=within_s))
    end(found, as_json=as_json, waiting=waiting, channels=set(post.channels))


@notify.command("list", short_help="List what has not arrived.")
@click.option("--all", "everything", is_flag=True, help="what has arrived, too")
@HISTORY
@JSON
def list_(*, everything: bool, address: str | None, as_json: bool) -> None:
    """List the notices that have not arrived; exit 1 if there is any."""
    from muster.notices import Outbox
    from muster.store.errors import NoHistoryError

    states = () if everything else ("waiting", "given up")
    try:
        with Outbox.open(*where(address)) as outbox:
            found = outbox.deliveries(states=states, since=None if everything else utc() - timedelta(days=KNOWN_DAYS))
            rows = {row["id"]: row for row in outbox.notices()}
    except NoHistoryError:
        if not nothing_yet(address):
            raise
        found, rows = [], {}
    tests = ""
    if not everything:  # nobody waits for a test
        tests = ", tests apart" if any(one.source == "test" for one in found) else ""
        found = [one for one in found if one.source != "test"]
    told = by_notice(found)
    if everything:
        told = {key: told.get(key, []) for key in list(rows)[-LATEST:]}
    if as_json:
        print_json({"schema": "muster/notices/v1", "notices": [told_of(rows[key], of) for key, of in told.items()]})
    elif not told:
        click.echo("no notice is on record" if everything else f"all notices have arrived{tests}")
    else:
        for key, of in told.items():
            show(rows[key], of)
    sys.exit(FINDING if any(one.state != "sent" and one.source != "test" for one in found) else FINE)


@notify.command(short_help="Send what waits, and ask whom incidents wait for.")
@SYSTEM
@HISTORY
@WITHIN
@PLAN
@JSON
def flush(*, system: Path | None, address: str | None, within_s: float, plan: bool, as_json: bool) -> None:
    """Ask whom incidents wait for, and send what waits, also what waits for its next try; exit 1 if some is left."""
    from muster.incidents import Book
    from muster.notices import Outbox
    from muster.store.errors import NoHistoryError

    every = posts(system)
    found = nothing()
    try:
        with Book.open(*where(address)) as book, Outbox.open(*where(address)) as outbox:
            if plan:
                plan_flush(book, outbox, every, as_json=as_json)
                return
            for post in every:
                book.post = post
                for incident, step in book.escalate(utc(), system=post.system):
                    click.echo(f"{incident.id}: the {step.role} is asked: {step.why}", err=as_json)
                add(found, delivered(address, post, within_s=within_s, hurry=True))
            waiting = outbox.deliveries(states=["waiting"])
    except NoHistoryError:
        if not nothing_yet(address):
            raise
        waiting = []
    end(found, as_json=as_json, waiting=waiting, channels={name for post in every for name in post.channels})


@notify.command(short_help="Print what people would be told.")
@click.argument("template", required=False, shell_complete=TEMPLATES)
@INCIDENT
@click.option("--language", "languages", multiple=True, metavar="LANGUAGE", shell_complete=LANGUAGES)
@click.option("--state", type=STATE, help="as if it stood so (default: as it does)")
@FIELDS
@HISTORY
@JSON
def render(
    template: str | None,
    *,
    identity: str,
    languages: tuple[str, ...],
    state: str | None,
    said: tuple[str, ...],
    address: str | None,
    as_json: bool,
) -> None:
    """Print what people would be told of an incident by TEMPLATE, or by all of them, and send nothing."""
    from muster.notices.post import fields_of

    found = _standing(_incident(address, identity), state)
    post = post_for(found.system)
    notice = _notice(found, template, said)
    made = []
    for name in [template] if template else dict.fromkeys(one.name for one in post.templates.found()):
        for language in languages or (post.language,):
            fields = {**_for_any(found), **fields_of(notice)}
            text = post.templates.render(name, language, fields, drill=found.drill)
            made.append({"template": name, "language": language, "subject": text.subject, "body": text.body})
    if as_json:
        print_json({"schema": "muster/messages/v1", "messages": made})
        return
    for number, one in enumerate(made):
        if len(made) > 1:
            click.echo(("\n" if number else "") + f"--- {one['template']}, {one['language']}")
        click.echo(f"Subject: {one['subject']}\n\n{one['body']}")


@notify.command(short_help="Tell a channel of an incident by a template.")
@click.argument("template", shell_complete=TEMPLATES)
@click.option(
    "--channel", "names", multiple=True, required=True, metavar="CHANNEL", shell_complete=CHANNELS, help="to whom"
)
@INCIDENT
@click.option("--language", metavar="LANGUAGE", shell_complete=LANGUAGES, help="default: that of the channel")
@FIELDS
@HISTORY
@WITHIN
@PLAN
@JSON
def send(
    template: str,
    *,
    names: tuple[str, ...],
    identity: str,
    language: str | None,
    said: tuple[str, ...],
    address: str | None,
    within_s: float,
    plan: bool,
    as_json: bool,
) -> None:
    """Tell a channel of an incident by TEMPLATE, such as external, status-page, email or social."""
    from muster.notices import Outbox

    found = _incident(address, identity)
    post = post_for(found.system)
    for name in names:
        if post.route(name).kind == "pagerduty":
            raise UsageError(f"channel '{name}' is PagerDuty, which is told of incidents by itself; name another")
    post = post.only(names, drills=True, **({"language": language} if language else {}))
    notice = _notice(found, template, said)
    # It is a message of its own, whatever was told before, to whom it is sent and nobody else.
    notice = replace(
        notice,
        key=f"{notice.key[:150]}/{template}/{utc_iso()}",
        state="trigger",
        severity=found.severity,
        fields={**notice.fields, "state": notice.state},
    )
    post = replace(
        post, routes={name: replace(route, severities=(found.severity,)) for name, route in post.routes.items()}
    )
    for route in post.routes.values():
        post.text(notice, route)  # what cannot be said is said before anything is put
    if plan:
        print_planned(post, notice, as_json=as_json)
        return
    with Outbox.open(*where(address)) as outbox:
        outbox.put(post, notice)
        sent = delivered(address, post, within_s=within_s)
        put = {row["id"] for row in outbox.notices(notice.key)}
        waiting = outbox.deliveries(states=["waiting"], notices=put)
    end(sent, as_json=as_json, waiting=waiting, channels=set(post.channels))


@notify.command(short_help="List the channels, and what is wrong with one.")
@SYSTEM
@JSON
def channels(*, system: Path | None, as_json: bool) -> None:
    """List the channels: what each is told, in which language, and what is wrong with its address; exit 1 if one is."""
    found = [_described(post, name) for post in posts(system) for name in post.routes]
    if as_json:
        print_json({"schema": "muster/channels/v1", "channels": found})
    elif not found:
        click.echo("there is no channel: set MUSTER_NOTICES_<NAME> to an address (docs/notices.md)")
    else:
        for one in found:
            drills = ", drills as well" if one["drills"] else ""
            told = f"{' '.join(one['severities'])}, {one['template'] or 'by severity'} in {one['language']}{drills}"
            click.echo(f"{one['name']:<14} {one['kind'] or '-':<12} {told}")
            if one["trouble"]:
                click.echo(f"{'':<14} {one['trouble']}")
    sys.exit(FINDING if not found or any(one["trouble"] for one in found) else FINE)


@notify.command(short_help="List the templates and their files.")
@SYSTEM
@JSON
def templates(*, system: Path | None, as_json: bool) -> None:
    """List the templates with their files: a file of that name in the project's folder notices/ stands before it."""
    found = [
        {"name": one.name, "language": one.language, "from": one.origin, "path": str(one.path)}
        for one in post_of(definition_if_any(system)).templates.found()
    ]
    if as_json:
        print_json({"schema": "muster/templates/v1", "templates": found})
        return
    for one in found:
        click.echo(f"{one['name']:<14} {one['language']:<4} {one['from']:<8} {one['path']}")


# -- what is told


def _notice(found: Incident, template: str | None, said: Sequence[str]) -> Notice:
    from muster.incidents.notices import notice_of

    fields = dict(_field(one) for one in said)
    return notice_of(found, further=fields, template=template)


def _field(said: str) -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not equals or not name.isidentifier() or not value.strip():
        raise UsageError(f"--set {said}: right would be NAME=VALUE, such as impact='orders may be late'")
    return name, value


def _for_any(found: Incident) -> Mapping[str, Any]:
    """What the two templates ask for that are of no incident, so that they can be looked at as well."""
    from muster.safety.audit.origin import host, who

    one = {"at": found.opened, "subject": f"{found.severity} {found.system}: {found.title}", "drill": found.drill}
    return {"channel": "ops", "who": who(), "host": host(), "notices": [one]}


def _incident(address: str | None, identity: str) -> Incident:
    from muster.incidents import Book
    from muster.incidents.incident import IncidentError
    from muster.store.errors import NoHistoryError

    try:
        with Book.open(*where(address)) as book:
            return book.find(identity)
    except NoHistoryError:
        raise IncidentError(f"there is no incident '{identity}'; one is opened by: muster incident open") from None


def _standing(found: Incident, state: str | None) -> Incident:
    """An incident as it would be if it stood otherwise."""
    if state is None:
        return found
    now = utc_iso()
    acknowledged = None if state == "trigger" else found.acknowledged or now
    return replace(found, acknowledged=acknowledged, resolved=(found.resolved or now) if state == "resolve" else None)


# -- whom


def _described(post: Post, name: str) -> dict[str, Any]:
    from muster.notices.channels import ChannelError, variable_of

    trouble = ""
    if (channel := post.channels.get(name)) is None:
        trouble = f"no address here: {variable_of(name)} is not set"
    else:
        try:
            channel.check()
        except ChannelError as error:
            trouble = str(error)
    return {**asdict(post.routes[name]), "system": post.system, "variable": variable_of(name), "trouble": trouble}
