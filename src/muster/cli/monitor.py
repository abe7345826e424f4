"""`muster monitor`: the system looked at again and again, and people told of what changes."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.base.errors import UsageError
from muster.cli.noting import cluster_name, keep_snapshot, where
from muster.cli.shared import CONTEXT, HISTORY, SYSTEM, connected, definition_of

if TYPE_CHECKING:
    from threading import Event

    from muster.incidents import Book
    from muster.monitor.monitor import Monitor, Round
    from muster.monitor.telling import Opening
    from muster.notices import Post
    from muster.snapshot import Snapshot
    from muster.system import SystemDefinition

LISTEN = "127.0.0.1:9464"
SENDS_S = 5.0  # of a round; what has not left by then leaves in the next one


@click.command(short_help="Look again and again, and tell people what changes.")
@CONTEXT
@SYSTEM
@click.option("--every", type=float, default=15.0, show_default=True, metavar="SECONDS", help="between two looks")
@click.option("--within", type=float, default=10.0, show_default=True, metavar="SECONDS", help="that a look may take")
@click.option("--listen", default=LISTEN, show_default=True, metavar="HOST:PORT", help="for Prometheus; or none")
@click.option(
    "--alertmanager", metavar="URL", envvar="MUSTER_ALERTMANAGER", help="default: that of system.yaml, if it names one"
)
@HISTORY
@click.option("--once", is_flag=True, help="look once, and end")
@click.option("--plan", is_flag=True, help="only say what would be looked at, and who would be told")
@click.option("--json", "as_json", is_flag=True, help="a line of JSON for each look (muster/monitor/v1)")
def monitor(
    *,
    kube_context: str | None,
    system: Path | None,
    every: float,
    within: float,
    listen: str,
    alertmanager: str | None,
    address: str | None,
    once: bool,
    plan: bool,
    as_json: bool,
) -> None:
    """Look at the system again and again: raise alerts, open incidents, tell an Alertmanager, serve figures for
    Prometheus. It may be killed at any time: the next one goes on where it was.

    Exit code with --once: 0 all is well, 1 there are alerts or findings, 2 something could not be seen or remembered.
    """
    definition = definition_of(system)
    if not 1 <= every <= 3600:
        raise UsageError(f"'--every {every:g}' is no time between two looks; right would be 1 to 3600 seconds")
    place = None if listen == "none" or once else _place(listen)
    told = _alertmanager_of(definition, alertmanager)
    name = cluster_name(kube_context)
    if plan:
        _plan(
            definition,
            name,
            every=every,
            listen=listen if place else "none",
            told=told,
            store=where(address)[0],
        )
        return
    with ExitStack() as stack:
        made = stack.enter_context(_made(definition, kube_context, within, told, address))
        served_at = None
        if place is not None:
            from muster.monitor.metrics import served

            served_at = stack.enter_context(served(made.metrics, *place))
        if once:
            one = made.once()
            _show(one, as_json=as_json, shown=None)
            sys.exit(one.exit_code)
        _run(made, definition, name, every, served_at, as_json=as_json)


def _run(
    made: Monitor, definition: SystemDefinition, cluster: str, every: float, served_at: str | None, *, as_json: bool
) -> None:
    from muster.monitor.text import Shown

    if not as_json:
        click.echo(f"{definition.name} on {cluster}, looked at every {every:g} s; Ctrl-C ends it")
        if served_at:
            click.echo(f"figures for Prometheus: {served_at}")
    shown = Shown()
    with _until_told() as stopping:
        made.run(every, stopping, lambda one: _show(one, as_json=as_json, shown=shown))


@contextmanager
def _until_told() -> Iterator[Event]:
    """Set once SIGINT or SIGTERM came: a look that was begun is brought to its end."""
    from threading import Event

    stopping = Event()
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(one: Round, *, as_json: bool, shown: object) -> None:
    from muster.monitor.text import Shown

    if as_json:
        click.echo(json.dumps(one.to_json(), ensure_ascii=False))
        return
    for line in (shown if isinstance(shown, Shown) else Shown()).lines(one):
        click.echo(line)
    if shown is None:
        for key, sighting in one.look.wrong.items():
            click.echo(f"  {sighting.severity} {key}: {sighting.title}" + (" (follows)" if sighting.explained else ""))


@contextmanager
def _made(
    definition: SystemDefinition, kube_context: str | None, within: float, told: str | None, address: str | None
) -> Iterator[Monitor]:
    """A monitor of the system, with all whom it tells."""
    from muster.cli.posting import post_of
    from muster.monitor.memory import Memory
    from muster.monitor.metrics import Metrics
    from muster.monitor.monitor import Monitor
    from muster.monitor.posting import putting
    from muster.monitor.sending import Sending
    from muster.monitor.telling import Incidents
    from muster.monitoring import Asking, check_token
    from muster.system.trust import trust

    trust(definition)
    cluster, (store, base), post = cluster_name(kube_context), where(address), post_of(definition)
    opening: Opening = partial(_opened, post, definition.promises)
    last = _Last(lambda: _gathered(definition, kube_context, within))
    with ExitStack() as stack:
        sending = None
        if told is not None:
            server = definition.monitoring.alertmanager if definition.monitoring else None
            asking = Asking(told, limit_s=5.0, token=check_token(server) if server else None)
            sending = Sending(stack.enter_context(asking), definition.name, cluster, definition.namespace)
        yield Monitor(
            gather=last.take,
            remember=lambda: Memory.open(store, base, create=True).of(definition.name, cluster),
            metrics=Metrics(definition.name),
            tellers=[Incidents(definition.name, cluster, store, base, opening=opening, attached=last.kept)],
            sending=sending,
            within=putting(post, definition.name, cluster),
            around=lambda: _asked_and_sent(definition.name, address, post, opening),
        )


class _Last:
    """The last snapshot, which is kept with an incident that is opened of it."""

    def __init__(self, gather: Callable[[], Snapshot]) -> None:
        self._gather = gather
        self._taken: Snapshot | None = None

    def take(self) -> Snapshot:
        self._taken = self._gather()
        return self._taken

    def kept(self) -> dict[str, Any]:
        """Its diagnosis, and the file that it is kept in."""
        from muster.diagnosis import diagnose

        assert self._taken is not None
        return {**diagnose(self._taken).to_json(), "snapshot": keep_snapshot(self._taken)}


def _opened(post: Post, promises: Mapping[str, Mapping[str, float]], address: str, base: Path, *, create: bool) -> Book:
    """The incidents of a store, of which people are told, with what the system promises."""
    from muster.incidents import Book

    book = Book.open(address, base, create=create)
    book.post, book.promises = post, promises
    return book


def _asked_and_sent(system: str, address: str | None, post: Post, opening: Opening) -> list[str]:
    """Ask whoever is to be asked next of an incident, and send what waits in the outbox; returns a line for each."""
    from muster.base.clock import utc
    from muster.cli.posting import delivered

    store, base = where(address)
    with opening(store, base, create=True) as book:
        said = [
            f"the {step.role} is asked of {one.id}: {step.why}" for one, step in book.escalate(utc(), system=system)
        ]
    if post.channels:
        found = delivered(address, post, within_s=SENDS_S)
        said += [f"{channel} was told: {subject}" for channel, subject in found.sent]
        said += [f"{channel} could not be told, and will be later: {why}" for channel, _, why in found.failed]
    return said


def _gathered(definition: SystemDefinition, kube_context: str | None, within: float) -> Snapshot:
    from muster.snapshot.gather import gather

    return gather(lambda: connected(kube_context), definition, namespace=definition.namespace, within=within)


def _alertmanager_of(definition: SystemDefinition, said: str | None) -> str | None:
    """The Alertmanager that is told, or None."""
    from muster.system.schema import base_url

    if said is not None:
        try:
            return base_url(said, before="'/api'")
        except ValueError as error:
            raise UsageError(f"--alertmanager: {error}") from None
    named = definition.monitoring.alertmanager if definition.monitoring else None
    return named.address if named is not None and named.is_there else None


def _place(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(
            f"'--listen {listen}' is no place to listen at; right would be HOST:PORT, such as {LISTEN}, or none"
        )
    return host, int(port)


def _plan(
    definition: SystemDefinition, cluster: str, *, every: float, listen: str, told: str | None, store: str
) -> None:
    from muster.checks.registry import checks
    from muster.cli.posting import post_of
    from muster.snapshot.system import told_of

    count = len(checks(told_of(definition)))
    click.echo(f"would look at {definition.name} (namespace {definition.namespace}) on {cluster} every {every:g} s,")
    click.echo(f"by {count} checks (muster diagnose --list), and change nothing there;")
    click.echo("would remember alerts, and open an incident of each that is P1 or P2,")
    click.echo(f"in {store};")
    click.echo(
        f"would tell {f'the Alertmanager at {told}' if told else 'no Alertmanager (name one: --alertmanager URL)'},"
    )
    people = ", ".join(post_of(definition).channels)
    click.echo(f"and people by {people};" if people else "and nobody by notices (MUSTER_NOTICES_... are not set);")
    click.echo(f"would serve figures at {listen}.")
