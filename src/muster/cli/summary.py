"""`muster summary`: a run for people, for a job page, for machines."""

from __future__ import annotations

from pathlib import Path

import click

from muster.cli.codes import UNKNOWN, otherwise


@click.command(short_help="Print the summary of a run.")
@click.argument("report", type=click.Path(path_type=Path), required=False)
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@otherwise(UNKNOWN)
def summary(report: Path | None, form: str) -> None:
    """Print the summary of a run; exit 2 if there is none to be read. The code says nothing of its verdict (that
    is `muster verdict`)."""
    from muster.cli.project import find_project
    from muster.report.markdown import markdown
    from muster.report.plain import plain
    from muster.report.standing import standing

    model = standing(report or find_project(Path.cwd()).reports / "latest")
    if form == "json":
        click.echo(model.model_dump_json(by_alias=True, indent=2))
    else:
        click.echo((markdown if form == "markdown" else plain)(model).rstrip("\n"))
