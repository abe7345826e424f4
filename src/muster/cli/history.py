"""`muster history`: every drill over time, and releases; `muster plan`: what there is to hold."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from muster.base.clock import utc
from muster.base.errors import UsageError
from muster.cli.release.kept import releases

if TYPE_CHECKING:
    from muster.history import History
    from muster.history.facts import DrillFacts, ObjectiveFacts
    from muster.history.overview import DrillHistory
    from muster.history.plan import Planned
    from muster.history.query import Filters

RUNS_SHOWN = 20
F = TypeVar("F", bound=Callable[..., Any])

_FILTERS = (
    click.option("--drill", "drills", metavar="PATTERN", multiple=True, help="drills of that name; db_* is a pattern"),
    click.option("--severity", "severities", type=click.Choice(["P1", "P2", "P3", "P4"]), multiple=True),
    click.option("--system", metavar="NAME", help="drills of that system"),
    click.option("--cluster", metavar="NAME", help="drills on that cluster (a kube context, or 'embedded')"),
    click.option("--evidence", type=click.Choice(["rehearsal", "cluster"])),
    click.option("--since", metavar="TIME", help="from then on, UTC: 2026-03-01, or so long ago: 36h, 30d, 8w, 1y"),
    click.option("--until", metavar="TIME", help="before then"),
    click.option("--last", metavar="N", type=click.IntRange(min=1), help="the newest N of each drill"),
    click.option(
        "--history",
        "address",
        metavar="URL",
        envvar="MUSTER_HISTORY",
        help="a file, sqlite:///PATH or postgresql://USER@HOST/DATABASE (default: history.sqlite in reports/)",
    ),
)


def filtered(command: F) -> F:
    """Give a command the filters that all have in common."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


VERDICT = click.option("--verdict", "verdicts", type=click.Choice(["met", "missed", "unknown"]), multiple=True)
JSON = click.option("--json", "form", flag_value="json", help="JSON, with every run")
CSV = click.option("--csv", "form", flag_value="csv", help="CSV, a line for each run")


@click.group(invoke_without_command=True, short_help="Every drill over time: figures, changes, cadence.")
@filtered
@VERDICT
@click.option(
    "--plan",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="name drills that are planned and were never held, too: a directory of drills, or a plan (muster plan --json)",
)
@JSON
@CSV
@click.pass_context
def history(
    context: click.Context, /, verdicts: tuple[str, ...], plan: Path | None, form: str | None, **said: Any
) -> None:
    """Every drill over time: the latest RTO against budget and target, change beyond noise, how sure its recovery is,
    how old its evidence.

    --verdict keeps the drills whose latest verdict it is; with --json and --csv, the runs.
    """
    if context.invoked_subcommand is not None:
        return
    filters = _filters(said)
    planned = None if plan is None else _asked(_planned(plan), filters)
    if form == "csv":
        _for_spreadsheets(said["address"], filters, verdicts)
        return
    with _open(said["address"]) as opened:
        found, objectives = _look(opened, filters, planned, whole=form is not None)
        if form is not None:
            _for_machines(_only_runs(found, verdicts), objectives, opened.versions(_runs_of(found)))
            return
    from muster.cli import history_tables

    kept = [drill for drill in found if not verdicts or (drill.latest and drill.latest.verdict in verdicts)]
    if not kept:
        click.echo("no drill in the history fits")
    history_tables.show(history_tables.overview(kept, utc()))


@history.command(short_help="The runs of one drill.")
@click.argument("drill")
@filtered
@VERDICT
@JSON
@CSV
def show(drill: str, verdicts: tuple[str, ...], form: str | None, **said: Any) -> None:
    """The runs of one drill, the newest last, and its objectives over time."""
    filters = _filters({**said, "drills": (drill,)})
    if form == "csv":
        _for_spreadsheets(said["address"], filters, verdicts, of=drill)
        return
    with _open(said["address"]) as opened:
        found, objectives = _look(opened, filters, None, whole=True)
        if not found:
            raise _no_run(drill, opened)
        if form is not None:
            _for_machines(_only_runs(found, verdicts), objectives, opened.versions(_runs_of(found)))
            return
    from muster.cli import history_tables

    for one in found:
        shown = [run for run in one.runs if not verdicts or run.verdict in verdicts]
        newest = shown if said["last"] else shown[-RUNS_SHOWN:]
        history_tables.show([history_tables.runs(one, newest, utc()), history_tables.objectives(one, objectives)])


@history.command(short_help="What is overdue; exit 1 if anything is.")
@click.argument("paths", nargs=-1, metavar="[DRILLS]...")
@filtered
@click.option("--json", "form", flag_value="json", help="JSON")
def overdue(paths: tuple[str, ...], form: str | None, **said: Any) -> None:
    """What is overdue by its cadence, drills of the project that were never held included; exit 1 if anything is.

    The newest evidence of a drill counts, on whichever cluster it was gained; rehearsals stand for no cluster.
    """
    from muster.history.words import due_line

    filters = _filters(said)
    plan = _plan(paths)
    found, versions = _overdue(said["address"], filters, plan)
    if form is not None:
        _for_machines(found, {}, versions)
    for drill in found if form is None else ():
        where = f" ({drill.scope.system}, evidence: {drill.scope.evidence})" if drill.scope else ""
        click.echo(f"{drill.name}: {due_line(drill, utc())}{where}")
    if form is None and not found:
        click.echo("nothing is overdue")
    sys.exit(1 if found else 0)


history.add_command(releases)


@click.command(short_help="List the drills of the project.")
@click.argument("paths", nargs=-1, metavar="[DRILLS]...")
@click.option("--json", "form", flag_value="json", help="JSON")
def plan(paths: tuple[str, ...], form: str | None) -> None:
    """List the drills of the project (default: those in drills/) as their markers declare them; nothing is run."""
    import json
    from dataclasses import asdict

    drills = _plan(paths)
    if form is not None:
        content = {"schema": "muster/plan/v1", "drills": [asdict(one) for one in drills.values()]}
        click.echo(json.dumps(content, indent=2))
        return
    for one in drills.values():
        budget = f"{one.budget_s:g} s" if one.budget_s else ""
        line = f"{one.name:<28} {one.severity or '':<4} {one.cadence or '':<10} {budget:<8} {one.recovery or ''}"
        click.echo(line.rstrip())


def _filters(said: dict[str, Any]) -> Filters:
    from muster.history.query import Filters, read_moment

    moments = {key: read_moment(said[key], utc()) if said[key] else None for key in ("since", "until")}
    kept = {key: said[key] for key in ("drills", "severities", "system", "cluster", "evidence", "last")}
    return Filters(**{**kept, **moments})


def _open(address: str | None) -> History:
    """The history at an address, or that of the project."""
    from muster.cli.project import find_project
    from muster.history import History

    return History.open(address or find_project(Path.cwd()).history, Path.cwd())


def _look(
    opened: History, filters: Filters, plan: dict[str, Planned] | None, *, whole: bool
) -> tuple[list[DrillHistory], dict[int, list[ObjectiveFacts]]]:
    """The drills that fit, and their objectives: of all runs, or of those that a trend looks at."""
    from muster.history.overview import compared, overview

    drills = opened.drills(filters)
    objectives = opened.objectives(drills if whole else compared(drills))
    return overview(drills, objectives, plan, utc()), objectives


def _overdue(
    address: str | None, filters: Filters, plan: dict[str, Planned]
) -> tuple[list[DrillHistory], dict[str, dict[str, Any]]]:
    """What is overdue, and the versions that it was held against."""
    from muster.history.overview import overdue, overview
    from muster.store.errors import NoHistoryError

    try:
        with _open(address) as opened:
            drills = opened.drills(filters)
            versions = opened.versions(drills)
    except NoHistoryError:
        drills, versions = [], {}
    return overdue(overview(drills, {}, _asked(plan, filters), utc())), versions


def _asked(plan: dict[str, Planned], filters: Filters) -> dict[str, Planned]:
    """What of the plan the filters ask for."""
    return {
        name: planned
        for name, planned in plan.items()
        if filters.names(name) and (not filters.severities or planned.severity in filters.severities)
    }


def _planned(path: Path) -> dict[str, Planned]:
    """The plan in a file, or of the drills in a directory.

    Raises:
        UsageError: it is neither.
    """
    from muster.history.plan import load_plan

    return _plan((str(path),)) if path.is_dir() else load_plan(path).drills


def _plan(paths: tuple[str, ...]) -> dict[str, Planned]:
    from muster.cli.project import find_project
    from muster.history.plan import DRILLS, read_plan

    if paths:
        return read_plan(Path.cwd(), paths)
    root = find_project(Path.cwd()).root
    if not (root / DRILLS).is_dir():
        raise UsageError(f"no directory {DRILLS}/ in {root}; right would be to name where the drills are")
    return read_plan(root)


def _runs_of(found: Sequence[DrillHistory]) -> list[DrillFacts]:
    return [run for drill in found for run in drill.runs]


def _only_runs(found: Sequence[DrillHistory], verdicts: tuple[str, ...]) -> list[DrillHistory]:
    """The same drills with the runs of those verdicts; what is computed of all runs stays so."""
    from dataclasses import replace

    if not verdicts:
        return list(found)
    return [replace(drill, runs=[run for run in drill.runs if run.verdict in verdicts]) for drill in found]


def _for_machines(
    found: Sequence[DrillHistory],
    objectives: dict[int, list[ObjectiveFacts]],
    versions: dict[str, dict[str, Any]],
) -> None:
    import orjson

    from muster.history.document import as_json

    click.echo(orjson.dumps(as_json(found, objectives, utc(), versions), option=orjson.OPT_INDENT_2))


def _for_spreadsheets(address: str, filters: Filters, verdicts: tuple[str, ...], *, of: str | None = None) -> None:
    """Print the runs that fit, and nothing that is computed of them; `of` is a drill that must have some.

    Raises:
        UsageError: it has none.
    """
    from muster.history.spreadsheet import as_csv

    with _open(address) as opened:
        drills = opened.drills(filters)
        if of is not None and not drills:
            raise _no_run(of, opened)
        kept = [drill for drill in drills if not verdicts or drill.verdict in verdicts]
        click.echo(as_csv(kept, opened.objectives(kept)), nl=False)


def _no_run(drill: str, opened: History) -> UsageError:
    return UsageError(f"no run of drill '{drill}' fits (there are: {_names(opened)})")


def _names(opened: History) -> str:
    from muster.history.query import Filters

    return ", ".join(sorted({drill.name for drill in opened.drills(Filters())})) or "none"
