"""`muster deploy`: bring out a new version, and say from any terminal what is to become of it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import click

from muster.base.errors import ClusterError, UsageError
from muster.cli.codes import FINDING, FINE, UNKNOWN
from muster.cli.release.keeping import Keeping
from muster.cli.release.notifying import Notifying
from muster.cli.release.printing import ReleasePrinter, as_json, plan_lines, watch_lines
from muster.cli.release.watching import Watching
from muster.cli.shared import CONTEXT, HOME, SYSTEM, connected, definition_of

if TYPE_CHECKING:
    from muster.release.record import Command, PhaseName
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


@click.command(short_help="Bring out a new version, watched, in four phases.")
@click.argument("release", required=False)
@click.argument("phase", required=False, type=click.Choice(STOPS))
@CONTEXT
@SYSTEM
@click.option("--plan", "planning", is_flag=True, help="say what it would do, and change nothing")
@click.option("--continue", "going_on", is_flag=True, help="go on with the release that is under way")
@click.option("--pause", is_flag=True, help="stay in this phase; it is watched still")
@click.option("--promote", is_flag=True, help="end this phase's bake now, and go on")
@click.option("--abort", is_flag=True, help="have whoever looks after the release roll it back")
@click.option("--freeze", is_flag=True, help="leave all as it is: nothing is done by itself")
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
    pause: bool,
    promote: bool,
    abort: bool,
    freeze: bool,
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
    said = {"pause": pause, "promote": promote, "abort": abort, "freeze": freeze}
    commands = [name for name, is_said in said.items() if is_said]
    if bool(release) + going_on + len(commands) + (replay is not None) != 1:
        raise UsageError(
            "say one thing: a RELEASE to bring out, --continue, --pause, --promote, --abort, --freeze or --replay FILE"
        )
    definition = definition_of(system)
    if replay is not None:
        if time_scale != 1:
            raise UsageError("--time-scale is for a release that begins; a recording says itself whether it was one")
        _replay(replay, definition, as_json=as_json_)
    if commands:
        _command(cast("Command", commands[0]), reason, kube_context, definition)
    given = Given(definition, kube_context, cast("PhaseName | None", phase), time_scale, recording, as_json_)
    if recording is not None:
        from muster.analysis.recording import check_appendable

        check_appendable(recording)
    if planning:
        _plan(str(release), given)
    _run(release, given)


def _replay(path: Path, definition: SystemDefinition, *, as_json: bool) -> NoReturn:
    from muster.analysis.plan import Phase, Plan
    from muster.analysis.recording import read_recording
    from muster.analysis.replay import as_recorded, replay, replay_lines

    planned = definition.release.phases
    plan = Plan(tuple(Phase(one.name, one.share, one.bake_s) for one in planned))
    looks = list(read_recording(path))
    settings, differs = as_recorded(definition.release.analysis, looks[0])
    found = replay(looks, plan, settings)
    for line in differs:
        click.echo(line, err=True)
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
    from muster.release.beginning import SAME, compared, settings_of, version_of
    from muster.release.needs import needs
    from muster.release.planning import planned_way
    from muster.safety.rights import missing_rights

    definition = given.system
    with connected(given.kube_context) as connection:
        cluster = connection.looking()
        wanted, contents = compared(release, cluster, definition)
        if not contents.changes:
            click.echo(f"nothing would be done: {SAME}")
            sys.exit(FINE)
        settings, left = settings_of(definition, contents, cluster)
        way = planned_way(cluster, definition, contents)
        click.echo(f"plan of release {version_of(wanted, contents)} on {cluster.context}/{definition.namespace}:")
        for line in (*plan_lines(wanted, contents, definition, way), *watch_lines(settings, left)):
            click.echo(line)
        needed = needs(contents, definition, "" if way is None else way.name, settings.names())
        if lacking := missing_rights(cluster, definition.namespace, needed):
            click.echo(f"it would be refused: you may not {', '.join(map(str, lacking))}; have that granted first")
        click.echo("nothing was changed")
    sys.exit(FINE)


def _run(release: str | None, given: Given) -> NoReturn:
    from muster.cli.project import find_project
    from muster.release.beginning import SAME, told_of
    from muster.release.looking_after import LookingAfter
    from muster.release.record import SupersededError, find_release
    from muster.safety import AuditLog
    from muster.system.trust import trust

    HOME.mkdir(exist_ok=True)
    trust(given.system)
    printer = ReleasePrinter(live=sys.stdout.isatty() and not given.as_json, silent=given.as_json)
    with (
        connected(given.kube_context) as cluster,
        Notifying(given.system, given.kube_context) as notifying,
        Keeping(given.kube_context) as keeping,
    ):
        looking = LookingAfter(
            cluster,
            given.system,
            Watching(printer, notifying, keeping),
            printer.said,
            AuditLog.of_run(find_project(Path.cwd()).reports),
            time_scale=given.time_scale,
            until=given.until,
            recording=given.recording,
        )
        try:
            ended = looking.run(release)
        except SupersededError as error:
            click.echo(f"\nmuster: {error}", err=True)
            sys.exit(UNKNOWN)
        except (ClusterError, KeyboardInterrupt) as error:
            found = None if isinstance(error, ClusterError) else find_release(cluster, given.system.namespace)
            left = f"; {told_of(found)}" if found is not None and not found.is_over else ""
            click.echo(f"\nmuster: {str(error) or 'interrupted'}{left}", err=True)
            sys.exit(UNKNOWN)
    if ended is None:
        click.echo(f"nothing was done: {SAME}")
        sys.exit(FINE)
    if given.as_json:
        click.echo(json.dumps(as_json(ended, printer.returned), indent=2, ensure_ascii=False))
    sys.exit(FINE if ended.state in ("released", "paused") else FINDING)
