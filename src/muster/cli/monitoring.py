"""`muster monitoring`: the files by which Prometheus, Alertmanager and Grafana watch a system."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.base.errors import UsageError
from muster.cli.codes import FINDING, Group
from muster.cli.shared import SYSTEM, definition_of

if TYPE_CHECKING:
    from muster.alerting.files import File
    from muster.alerting.series import Watched


@click.group(cls=Group, short_help="Write what Prometheus, Alertmanager and Grafana need.")
def monitoring() -> None:
    """Write what Prometheus, Alertmanager and Grafana need to watch the system."""


@monitoring.command("write", short_help="Write rules, routes and dashboards.")
@SYSTEM
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="default: monitoring/ in the project")
@click.option("--check", is_flag=True, help="write nothing, exit 1 where a file is not as it must be")
@click.option("--plan", is_flag=True, help="only say what would be written")
@click.option("--json", "as_json", is_flag=True, help="as JSON (muster/monitoring/v1)")
def write(system: Path | None, out: Path | None, check: bool, plan: bool, as_json: bool) -> None:
    """Write, from system.yaml and its service levels: rules of Prometheus with their unit tests, whole configurations
    of Prometheus and Alertmanager, dashboards for Grafana.

    Exit code: 0 done, or with --check all is as it must be; 1 with --check something is not; 64 used wrongly.
    """
    from muster.alerting import files
    from muster.alerting.series import Watched

    if check and plan:
        raise UsageError("--check and --plan both write nothing; right would be one of them")
    watched = Watched(definition_of(system))
    found = files.files(watched, out or _folder())
    if not check and not plan:
        files.write(found)
    _tell(watched, found, verb="would be" if plan or check else "", as_json=as_json)
    if check and any(file.state != "same" for file in found):
        if not as_json:
            click.echo("write them again: muster monitoring write")
        sys.exit(FINDING)


def _folder() -> Path:
    from muster.cli.project import find_project

    return find_project(Path.cwd()).root / "monitoring"


def _tell(watched: Watched, found: list[File], *, verb: str, as_json: bool) -> None:
    from muster.alerting.routing import without_channels

    untold = list(without_channels(watched))
    if as_json:
        said = {
            "schema": "muster/monitoring/v1",
            "system": watched.system.name,
            "written": not verb,
            "files": [{"path": str(file.path), "what": file.what, "was": file.state} for file in found],
            "left_out": [{"name": name, "why": why} for name, why in watched.left_out.items()],
            "without_channel": untold,
        }
        click.echo(json.dumps(said, indent=2))
        return
    for file in found:
        done = "is as it must be" if file.state == "same" else f"{verb} written".strip()
        if verb and file.state == "changed":
            done = "differs"
        elif verb and file.state == "missing":
            done = "is missing"
        click.echo(f"{_shown(file.path)}: {done} ({file.what})")
    for name, why in watched.left_out.items():
        click.echo(f"left out: service level {name}: {why}")
    if untold:
        click.echo(f"nobody is told of: {', '.join(untold)} (system.yaml names no channel for them, at 'alerting')")


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
