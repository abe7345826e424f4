"""`muster summary`: a run for people, for a job page, for machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.cli.codes import UNKNOWN, otherwise
from muster.cli.shared import write_out

if TYPE_CHECKING:
    from muster.report.summary import SummaryModel

FORMS = ("text", "markdown", "json", "openmetrics")


@click.command(short_help="Print the summary of a run.")
@click.argument("report", type=click.Path(path_type=Path), required=False)
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="replace it at once, instead of printing")
@otherwise(UNKNOWN)
def summary(report: Path | None, form: str, out: Path | None) -> None:
    """Print the summary of a run; exit 2 if there is none to be read. The code says nothing of its verdict (that
    is `muster verdict`)."""
    from muster.cli.project import find_project
    from muster.report.standing import standing

    text = _told(standing(report or find_project(Path.cwd()).reports / "latest"), form).rstrip("\n")
    if out is None:
        click.echo(text)
    else:
        write_out(out, f"{text}\n")


def _told(model: SummaryModel, form: str) -> str:
    match form:
        case "json":
            return model.model_dump_json(by_alias=True, indent=2)
        case "openmetrics":
            from muster.report.openmetrics import openmetrics

            return openmetrics(model)
        case "markdown":
            from muster.report.markdown import markdown

            return markdown(model)
    from muster.report.plain import plain

    return plain(model)
