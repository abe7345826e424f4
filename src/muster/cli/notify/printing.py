"""How `muster notify` says what became of notices."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from muster.base.clock import utc
from muster.cli.codes import FINDING, FINE, UNKNOWN

if TYPE_CHECKING:
    from muster.notices import Delivered, Notice, Post
    from muster.notices.outbox import Delivery


def print_planned(post: Post, notice: Notice, *, as_json: bool) -> None:
    made = []
    for route in post.routes.values():
        name, text = post.text(notice, route)
        if as_json:
            made.append({"template": name, "language": route.language, "subject": text.subject, "body": text.body})
        else:
            told = "would tell" if route.name in post.channels else "no address here of"
            click.echo(f"{told} {route.name}, by {name} in {route.language}:\nSubject: {text.subject}\n\n{text.body}\n")
    if as_json:
        print_json({"schema": "muster/messages/v1", "messages": made})


def plan_flush(book: Any, outbox: Any, every: Sequence[Post], *, as_json: bool) -> None:
    from muster.incidents.escalation import overdue

    waiting = outbox.deliveries(states=["waiting"])
    for post in every if not as_json else ():
        for incident in book.incidents(system=post.system, unresolved=True):
            for step in overdue(incident, book.entries(incident.id), utc()):
                click.echo(f"would ask the {step.role} of {incident.id}: {step.why}")
    if as_json:
        print_delivered(nothing(), len(waiting))
        return
    for one in waiting:
        click.echo(f"would tell {one.channel}: {one.subject}")
    if not waiting:
        click.echo("nothing waits")


def end(
    found: Delivered,
    *,
    as_json: bool,
    waiting: Sequence[Delivery] = (),
    channels: Iterable[str] = (),
) -> None:
    """Say what arrived and what did not, and exit: 1 where something did not, 2 where that is not known yet."""
    if as_json:
        print_delivered(found, len(waiting))
    else:
        for channel, subject in dict.fromkeys(found.sent):
            click.echo(f"✓ {channel}: {subject}")
        for channel, subject, why in found.failed:
            click.echo(f"✗ {channel}: {subject}\n    {why}")
        for channel in found.under_way:
            click.echo(f"? {channel}: no answer yet")
        for line in _left(waiting, set(channels), found):
            click.echo(line)
        if not (found.sent or found.failed or found.under_way or waiting):
            click.echo("nothing waits")
    for trouble in dict.fromkeys(found.troubles):
        click.echo(f"muster: {trouble}", err=True)
    left = [one for one in waiting if one.channel not in found.under_way]
    sys.exit(FINDING if found.failed or found.troubles or left else UNKNOWN if found.under_way else FINE)


def _left(waiting: Sequence[Delivery], channels: set[str], found: Delivered) -> Iterable[str]:
    from muster.notices.channels import variable_of

    said = {channel for channel, _, _ in found.failed} | set(found.under_way)
    counted: dict[str, int] = {}
    for one in waiting:
        counted[one.channel] = counted.get(one.channel, 0) + 1
    for channel, count in counted.items():
        if channel not in channels:
            yield f"{count} for {channel} wait: this machine has no address of it, {variable_of(channel)} is not set"
        elif channel not in said:
            yield f"{count} for {channel} wait: another is sending there, or it has had its share of this minute"


def print_delivered(found: Delivered, waiting: int) -> None:
    print_json(
        {
            "schema": "muster/delivered/v1",
            "sent": [{"channel": channel, "subject": subject} for channel, subject in found.sent],
            "failed": [{"channel": channel, "subject": subject, "why": why} for channel, subject, why in found.failed],
            "under_way": found.under_way,
            "waiting": waiting,
        }
    )


def show(row: Mapping[str, Any], of: Sequence[Delivery]) -> None:
    marks = [f"incident {row['incident']}"] if row["incident"] else []
    marks += [f"drill {row['drill']}"] if row["drill"] else []
    marks += [f"seen {row['seen']} times"] if row["seen"] > 1 else []
    said = {"trigger": "", "acknowledge": "taken up: ", "resolve": "over: "}[row["state"]]
    step = f" [{_step(row['step'])}]" if row["step"] else ""
    click.echo(f"{_time(row['at'])}  {said}{row['severity']} {row['system']}: {row['title']}{step}")
    if marks:
        click.echo(f"    {', '.join(marks)}")
    for one in of:
        click.echo(f"    {one.channel}: {_became(one)}")
    if not of:
        click.echo("    nobody is told: " + ("no channel asks for drills" if row["drill"] else "no channel takes it"))


def _step(step: str) -> str:
    """A further message under the same key, in words."""
    return "graded anew" if step.startswith("severity ") else step


def _became(one: Delivery) -> str:
    if one.state == "sent":
        return f"arrived {_time(one.ended or '')}"
    why = f": {one.why}" if one.why else ""
    tries = {0: "not tried yet", 1: "tried once"}.get(one.attempts, f"tried {one.attempts} times")
    if one.state == "given up":
        return f"NOT TOLD, given up {_time(one.ended or '')}, {tries}{why}"
    return f"waits, {tries}{why}" + (f"; again {_time(one.due)[11:]}" if one.attempts else "")


def told_of(row: Mapping[str, Any], of: Sequence[Delivery]) -> dict[str, Any]:
    shown = ("channel", "uid", "template", "language", "subject", "state", "attempts", "due", "until", "ended", "why")
    return {**row, "deliveries": [{name: getattr(one, name) for name in shown} for one in of]}


def by_notice(found: Iterable[Delivery]) -> dict[int, list[Delivery]]:
    found_of: dict[int, list[Delivery]] = {}
    for one in found:
        found_of.setdefault(one.notice_id, []).append(one)
    return found_of


def _time(at: str) -> str:
    return at[:19].replace("T", " ")


def nothing() -> Delivered:
    from muster.notices import Delivered

    return Delivered()


def add(found: Delivered, further: Delivered) -> None:
    found.sent += further.sent
    found.failed += further.failed
    found.under_way += further.under_way
    found.troubles += further.troubles


def print_json(content: Mapping[str, Any]) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))
