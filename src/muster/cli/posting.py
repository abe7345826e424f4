"""How a project's notices are sent from the command line: its posts, and a short attempt at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.base.errors import MusterError
from muster.cli.noting import where
from muster.cli.project import find_project

if TYPE_CHECKING:
    from muster.notices import Delivered, Post
    from muster.system import SystemDefinition

# What a person who opens an incident waits for, before what is left is somebody else's to send.
AT_ONCE_S = 5.0


def post_of(definition: SystemDefinition | None) -> Post:
    """How notices of a system leave from this machine; without one, those of any."""
    from muster.notices import Post

    return Post.of(definition, find_project(Path.cwd()).root)


def posts(system: Path | None) -> list[Post]:
    """Those of the named system, else of all that the project has; of a project without any, one for all.

    Raises:
        UsageError: a system.yaml is wrong.
    """
    from muster.system import read_system

    found = [system] if system is not None else sorted(Path.cwd().glob("systems/*/system.yaml"))
    return [post_of(read_system(path)) for path in found] or [post_of(None)]


def post_for(name: str) -> Post:
    """How notices of the system of that name leave. Where the project does not have it, or its system.yaml cannot be
    read, as without one: who acknowledges an incident does not mend a file first."""
    try:
        return next((post for post in posts(None) if post.system == name), post_of(None))
    except MusterError as error:
        click.echo(f"muster: {error}", err=True)
        return post_of(None)


def send_now(address: str | None, post: Post, troubles: Iterable[str] = ()) -> None:
    """Try for a short time to tell people what was put, and say on standard error what was wrong and who is not told
    yet. Never fails: what was done is done, and the outbox has the rest."""
    try:
        for trouble in troubles:
            click.echo(f"muster: told by the package's own words, since {trouble}", err=True)
        if post.channels:
            _say(delivered(address, post, within_s=AT_ONCE_S), _waiting(address, post))
    except MusterError as error:
        click.echo(f"muster: nobody is told yet: {error}", err=True)


def delivered(address: str | None, post: Post, *, within_s: float, hurry: bool = False) -> Delivered:
    """Deliver what is due, and note of incidents who was told.

    Raises:
        HistoryError: the store cannot be opened.
    """
    from muster.incidents.telling import note_settled
    from muster.notices import Outbox, deliver

    with Outbox.open(*where(address)) as outbox:
        return deliver(outbox, post, within_s=within_s, hurry=hurry, settled=note_settled)


def _waiting(address: str | None, post: Post) -> dict[str, str]:
    """The channels for which something waits, and why as far as it was tried."""
    from muster.notices import Outbox

    with Outbox.open(*where(address)) as outbox:
        waiting = outbox.deliveries(states=["waiting"])
    return {one.channel: one.why or "no answer yet" for one in waiting if one.channel in post.routes}


def _say(found: Delivered, waiting: Mapping[str, str]) -> None:
    late = {**waiting, **{channel: why for channel, _, why in found.failed}}
    late |= dict.fromkeys(found.under_way, "no answer yet")
    if told := sorted({channel for channel, _ in found.sent} - late.keys()):
        click.echo(f"  told: {', '.join(told)}", err=True)
    for channel, why in late.items():
        click.echo(
            f"muster: {channel} is not told yet ({why}); later by the monitor, or: muster notify flush", err=True
        )
    for trouble in dict.fromkeys(found.troubles):
        click.echo(f"muster: {trouble}", err=True)
