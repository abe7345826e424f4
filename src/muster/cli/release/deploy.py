"""`muster deploy`: bring out a new version, and say from any terminal what is to become of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import click

from muster.base.errors import MusterError, UsageError
from muster.cli.codes import FINDING, FINE, UNKNOWN
from muster.cli.release.printing import ReleasePrinter, as_json, plan_lines, watch_lines
from muster.cli.shared import CONTEXT, HOME, SYSTEM, connected, definition_of

if TYPE_CHECKING:
    from muster.kube import Cluster
    from muster.release.record import Command, PhaseName, Release
    from muster.release.work import Releasing
    from muster.system import SystemDefinition

STOPS = ("pre", "canary", "grow", "half", "switch")


@dataclass(frozen=True)
class Given:
    """What the command was told."""

    system: SystemDefinition
    kube_context: str | None
    until: PhaseName | None
    time_scale: float
    recording: Path | None
    as_json: bool


@click.command(short_help="Bring out a new version: canary, watched, and rolled back by itself.")
@click.argument("release", required=False)
@click.argument("phase", required=False, type=click.Choice(STOPS))
@CONTEXT
@SYSTEM
@click.option("--plan", "planning", is_flag=True, help="say what it would do, and change nothing")
@click.option("--continue", "going_on", is_flag=True, help="go on with the release that is under way")
@click.option("--pause", "command", flag_value="pause", help="stay in this phase; it is watched still")
@click.option("--promote", "command", flag_value="promote", help="end this phase's bake now, and go on")
@click.option("--abort", "command", flag_value="abort", help="have whoever looks after the release roll it back")
@click.option("--freeze", "command", flag_value="freeze", help="leave all as it is: nothing is done by itself")
@click.option("-r", "--reason", default="", help="why, for the record")
@click.option(
    "--time-scale", type=click.FloatRange(min=1), default=1.0, help="bakes are so many times shorter: a rehearsal"
)
@click.option(
    "--record", "recording", type=click.Path(path_type=Path), metavar="FILE", help="append each look to a file"
)
@click.option(
    "--replay", type=click.Path(path_type=Path), metavar="FILE", help="say what would have become of a recording"
)
@click.option("--json", "as_json_", is_flag=True, help="as JSON (muster/release-result/v1), at the end")
def deploy(
    *,
    release: str | None,
    phase: str | None,
    kube_context: str | None,
    system: Path | None,
    planning: bool,
    going_on: bool,
    command: str | None,
    reason: str,
    time_scale: float,
    recording: Path | None,
    replay: Path | None,
    as_json_: bool,
) -> None:
    """Bring out RELEASE, a directory of manifests or an image, to its end or to the end of PHASE.

    The new version gets 5, 20, 50, 100 % of traffic, is watched in each phase beside the old one, and is rolled back by
    itself where it does worse. How far it is stands in the cluster: whoever comes next goes on with --continue, or
    takes it back with `muster rollback`. The other commands may be given from any terminal while it is under way.

    Exit code: 0 released, or stopped after PHASE; 1 rolled back, frozen or failed; 2 somebody else looks after it now,
    or it cannot be told; 64 used wrongly, or not begun.
    """
    wishes = [bool(release), going_on, bool(command), replay is not None]
    if sum(wishes) != 1:
        raise UsageError(
            "say one thing: a RELEASE to bring out, --continue, --pause, --promote, --abort, --freeze or --replay FILE"
        )
    definition = definition_of(system)
    if replay is not None:
        _replay(replay, definition, as_json=as_json_)
    if command:
        _command(cast("Command", command), reason, kube_context, definition)
    given = Given(definition, kube_context, cast("PhaseName | None", phase), time_scale, recording, as_json_)
    if planning:
        _plan(str(release), given)
    _run(release, given)


def _replay(path: Path, definition: SystemDefinition, *, as_json: bool) -> NoReturn:
    from muster.analysis.plan import Phase, Plan
    from muster.analysis.recording import read_recording
    from muster.analysis.replay import replay, replay_lines

    planned = definition.release.phases
    plan = Plan(tuple(Phase(one.name, one.share, one.bake_s) for one in planned))
    found = replay(read_recording(path), plan, definition.release.analysis)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        for line in replay_lines(found):
            click.echo(line)
    sys.exit({"promoted": FINE, "rolled back": FINDING}.get(found.outcome, UNKNOWN))


def _command(command: Command, reason: str, kube_context: str | None, definition: SystemDefinition) -> NoReturn:
    from muster.release.record import ask
    from muster.release.watching import looked_after

    with connected(kube_context) as cluster:
        found = ask(cluster, definition.namespace, command, reason)
        by = looked_after(cluster, definition.namespace)
    if by is None:
        click.echo(
            f"{command} is noted for {found.target}, but nobody looks after it now: 'muster deploy --continue' does, "
            "and will heed it; 'muster rollback' takes it back at once"
        )
        sys.exit(UNKNOWN)
    click.echo(f"{command} is asked of {by}, who looks after {found.target}")
    sys.exit(FINE)


def _plan(release: str, given: Given) -> NoReturn:
    from muster.release.beginning import SAME, settings_of
    from muster.release.contents import contents_of
    from muster.release.planning import planned_way
    from muster.release.wanted import read_wanted

    definition = given.system
    with connected(given.kube_context) as connection:
        cluster = connection.looking()
        wanted = read_wanted(release, cluster, definition)
        contents = contents_of(wanted, cluster, definition)
        if not contents.changes:
            click.echo(f"nothing would be done: {SAME}")
            sys.exit(FINE)
        settings, left = settings_of(definition, contents, cluster)
        way = planned_way(cluster, definition, contents)
        click.echo(f"plan of release {wanted.version} on {cluster.context}/{definition.namespace}:")
        for line in (*plan_lines(wanted, contents, definition, way), *watch_lines(settings, left)):
            click.echo(line)
        click.echo("nothing was changed")
    sys.exit(FINE)


def _run(release: str | None, given: Given) -> NoReturn:
    from muster.release.beginning import SAME

    printer = ReleasePrinter(live=sys.stdout.isatty() and not given.as_json, silent=given.as_json)
    with _looked_after(release, given, printer) as begun:
        if begun is None:
            click.echo(f"nothing was done: {SAME}")
            sys.exit(FINE)
        work, ended = begun
    if given.as_json:
        click.echo(json.dumps(as_json(ended, None), indent=2, ensure_ascii=False))
    del work
    sys.exit(FINE if ended.state in ("released", "paused") else FINDING)


@contextmanager
def _looked_after(
    release: str | None, given: Given, printer: ReleasePrinter
) -> Iterator[tuple[Releasing, Release] | None]:
    """The release brought to its end, or to where it was to stop; None where there was nothing to do."""
    from muster.cli.project import find_project
    from muster.kube import PROCEDURE
    from muster.probes.http.address import service_url
    from muster.release.beginning import begin, go_on, lock_of, settings_of, told_of
    from muster.release.coordinator import Coordinator
    from muster.release.record import SupersededError, find_release
    from muster.safety import AuditLog
    from muster.system.trust import trust

    HOME.mkdir(exist_ok=True)
    system = given.system
    trust(system)
    audit = AuditLog.of_run(find_project(Path.cwd()).reports)
    with connected(given.kube_context) as connection:
        cluster: Cluster = connection.asking_as(PROCEDURE)
        url = service_url(cluster, system)
        found = find_release(cluster, system.namespace)
        under_way = found is not None and not found.is_over
        if release is None and not under_way:
            raise UsageError(f"no release is under way in namespace '{system.namespace}'; name one to bring out")
        if release is not None and under_way and found is not None and found.release != release:
            raise UsageError(told_of(found))
        with lock_of(cluster, system.namespace, printer.said) as turn:
            if under_way and found is not None:
                work: Releasing | None = go_on(cluster, system, found)
            else:
                work = begin(str(release), cluster, system, url, time_scale=given.time_scale)
            if work is None:
                yield None
                return
            settings, left = settings_of(system, work.contents, cluster)
            for line in left:
                printer.said(line)
            coordinator = Coordinator(work, url, turn, printer, audit.record, settings, given.recording)
            try:
                ended = coordinator.run(given.until)
            except SupersededError as error:
                click.echo(f"\nmuster: {error}", err=True)
                sys.exit(UNKNOWN)
            except (MusterError, KeyboardInterrupt) as error:
                said = str(error) or "interrupted"
                click.echo(f"\nmuster: {said}; {told_of(work.book.release)}", err=True)
                sys.exit(UNKNOWN)
        yield work, ended
